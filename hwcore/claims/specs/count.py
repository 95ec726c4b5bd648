import math
from typing import ClassVar

from pydantic import Field, model_validator

from hwcore.claims.rule import Kind, RuleSpec
from hwcore.claims.samples import Shape


class Options(RuleSpec):
    """Whether an exact number is as stated."""

    judges: ClassVar[tuple[Shape, ...]] = ("a count", "a number per replicate")
    kind: ClassVar[Kind] = "count"
    by_chance: ClassVar[bool] = False

    equal: float | None = Field(None, description="the number")
    within: tuple[float, float] | None = Field(None, description="bounds of a number stated roughly, both included")
    above: float | None = Field(None, description="it is more than this")
    below: float | None = Field(None, description="it is less than this")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Options":
        if sum(value is not None for value in (self.equal, self.within, self.above, self.below)) != 1:
            raise ValueError("needs exactly one of equal, within, above, below")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ValueError(f"within: {list(self.within)} is empty: the first number must be the smaller")
        return self

    @property
    def region(self) -> tuple[float, float]:
        """What ``above`` or ``below`` expects, as an interval without its ends."""
        return (-math.inf if self.above is None else self.above, math.inf if self.below is None else self.below)

    def least(self, models: int) -> int:
        return 1
