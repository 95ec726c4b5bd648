import math
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.claims.rule import Bounds
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether one mean is larger than another: where their difference lies."""

    judges: ClassVar[tuple[Shape, ...]] = ("two samples",)

    scale: Literal["auto", "linear", "log"] = Field(
        "auto",
        description="log compares ratios, and its bounds are ratios: `above: 0.5` is more than half; auto: log for "
        "losses, norms and times if the bound is 0, else linear",
    )

    @model_validator(mode="after")
    def _ratios_are_positive(self) -> "Options":
        bounds = [self.above, self.below, *(self.within or ())]
        if self.scale == "log" and any(bound is not None and bound <= 0 for bound in bounds):
            raise ValueError("scale: log compares ratios, which are above 0: `above: 1` is larger, `below: 1` smaller")
        return self

    @property
    def region(self) -> tuple[float, float]:
        """Where the difference should lie, that of the logarithms where ratios are compared."""
        low, high = super().region
        if self.scale != "log":
            return low, high
        return -math.inf if self.below is not None else math.log(low), math.log(high)

    @property
    def which_is_larger(self) -> bool:
        """Whether it expects no more than that one mean is the larger."""
        return (1 if self.scale == "log" else 0) in (self.above, self.below)
