from typing import ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import RuleSpec
from hwcore.claims.samples import Shape


class Options(RuleSpec):
    """Whether a number rises or falls within the replicates, from point to point."""

    judges: ClassVar[tuple[Shape, ...]] = ("points within replicates",)

    direction: Literal["rising", "falling"] = Field(description="which of the two")
