from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.spec import Spec


class Grid(Spec):
    """``count`` evenly spaced values from ``start`` to ``stop``, both included."""

    start: float = Field(description="the first value")
    stop: float = Field(description="the last value")
    count: Annotated[int, Field(ge=2, strict=True)] = Field(description="how many values")


class Options(AnalysisSpec):
    """Metrics and barriers on the lines between trained networks."""

    between: Annotated[tuple[str, ...], Field(min_length=2)] = Field(description="the models, each joined to the next")
    alphas: Grid = Field(description="the values of α: start, stop and count")
    batch_norm: Literal["interpolate", "recompute", "reset"] = Field(
        "interpolate",
        description="running statistics at each α: interpolated like weights, those of the training data there, "
        "or reset to those of an untrained network, mean 0 and variance 1",
    )

    def models(self) -> Iterator[tuple[str, str]]:
        yield from (("between", model) for model in self.between)
