"""What all rules of claims share, and what a study file says of them.

Each rule has a module in hwcore/claims/specs/ with its ``Options``, what a claim expects, and one of the same name
in hwcore/claims/rules/ whose ``judge`` does the statistics.  The grammar of studies, the schema for editors and the
reference are made from the former, without SciPy.
"""

import math
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.claims.samples import Shape
from hwcore.spec import Spec

# What a claim is, which decides the words of its verdict.
Kind = Literal["statement", "reported value", "count", "not testable"]
# The quantiles of the normal distribution at 97.5 and at 80 per cent.
Z95, Z80 = 1.959964, 0.841621
# A verdict is given where the chance that it is false is at most this.
LEVEL = 0.05
# With the replicates that are called needed, the claim is decided with this probability if what was measured is true.
POWER = 0.8
# Networks that a rank correlation needs: of four in perfect order there is one chance in twelve without a relation.
FEWEST_NETWORKS = 5


class RuleSpec(Spec):
    """What a claim expects under one rule.

    The first line of a subclass's docstring says what the rule decides, and the description of each field what it
    sets: the reference is made of both.
    """

    judges: ClassVar[tuple[Shape, ...]]
    kind: ClassVar[Kind] = "statement"
    by_chance: ClassVar[bool] = True

    def least(self, models: int) -> int:
        """The replicates of each of ``models`` without which no outcome at all would decide; -1 if no number does."""
        return 2


class Bounds(RuleSpec):
    """Where the number lies: exactly one of these."""

    above: float | None = Field(None, description="it is more than this")
    below: float | None = Field(None, description="it is less than this")
    within: tuple[float, float] | None = Field(None, description="it lies between these two")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Bounds":
        if sum(value is not None for value in (self.above, self.below, self.within)) != 1:
            raise ValueError("needs exactly one of above, below, within")
        if self.within is not None and self.within[0] >= self.within[1]:
            raise ValueError(f"within: {list(self.within)} is empty: the first number must be the smaller")
        return self

    @property
    def region(self) -> tuple[float, float]:
        """The expected values as an interval."""
        if self.within is not None:
            return self.within
        return (-math.inf if self.above is None else self.above, math.inf if self.below is None else self.below)


def first_enough(decides: Callable[[int], bool], limit: int = 10_000) -> int:
    """The least whole number from 2 on for which ``decides`` is true; -1 if there is none up to ``limit``."""
    low, high = 1, 2
    while not decides(high):
        if high >= limit:
            return -1
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
