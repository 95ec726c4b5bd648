from typing import ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import RuleSpec
from hwcore.claims.samples import Shape


class Options(RuleSpec):
    """Whether several means are in the stated order."""

    judges: ClassVar[tuple[Shape, ...]] = ("an order",)

    scale: Literal["auto", "linear", "log"] = Field(
        "auto", description="log compares ratios; auto: log for losses, norms and times, else linear"
    )
