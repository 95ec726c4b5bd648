from typing import ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.claims.rule import Bounds
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether one mean is larger than another: where their difference lies."""

    judges: ClassVar[tuple[Shape, ...]] = ("two samples",)

    scale: Literal["auto", "linear", "log"] = Field(
        "auto",
        description="log compares ratios; auto: log for losses, norms and times if the bound is 0, else linear",
    )

    @model_validator(mode="after")
    def _ratios_have_no_bound(self) -> "Options":
        if self.scale == "log" and 0 not in (self.above, self.below):
            raise ValueError("scale: log compares ratios with 1: write above: 0 or below: 0")
        return self
