from typing import ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import RuleSpec
from hwcore.claims.samples import Shape


class Options(RuleSpec):
    """Whether the best of several is the one that is said to be, or one of those."""

    judges: ClassVar[tuple[Shape, ...]] = ("a best of several",)

    scale: Literal["auto", "linear", "log"] = Field(
        "auto", description="log compares ratios; auto: log for losses, norms and times, else linear"
    )
