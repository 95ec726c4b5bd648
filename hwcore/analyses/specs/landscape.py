from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcore.analyses.spec import OF_RUNS, AnalysisSpec, all_weights
from hwcore.spec import Count, Positive
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """The loss on filter-normalised lines and planes, or in the plane of a run's own trajectory."""

    columns = OF_RUNS | {
        "kind": "`surface` for a point of the grid, `trajectory` for recorded weights",
        "epoch": "of recorded weights, after how many epochs",
        "x": "the place along the first direction; recorded weights are projected",
        "y": "the place along the second direction; NaN on a line",
        "train_loss": "the loss there; of recorded weights their own, not that of their projection",
        "train_accuracy": "the accuracy there, as a fraction; classification only",
        "plane_loss": "of recorded weights, the loss at their projection",
        "explained1": "the share of the variance along the first direction, with `across: trajectory`",
        "explained2": "the same of the second",
    }

    across: Literal["line", "plane", "trajectory"] = Field(
        description="one or two random directions, or the two principal components of the recorded weights"
    )
    extent: Positive = Field(1.0, description="how far to each side, in norms of the filters")
    count: Annotated[int, Field(ge=2, strict=True)] = Field(51, description="points along each direction")
    samples: Count | None = Field(10_000, description="training samples of the loss; all with null")
    replicates: Count = Field(1, description="how many replicates of each model")

    def absent(self) -> Iterable[str]:
        return () if self.across == "trajectory" else ("explained1", "explained2")

    def unrecorded(self, record: Record) -> str | None:
        return all_weights(record) if self.across == "trajectory" else None

    @model_validator(mode="after")
    def _options_belong_together(self) -> "Options":
        if self.across == "trajectory" and self.extent != 1.0:
            raise ValueError("extent: the recorded weights say how far their plane goes; leave it out")
        return self
