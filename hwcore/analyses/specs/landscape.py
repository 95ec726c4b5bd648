from typing import Annotated, Literal

from pydantic import Field

from hwcore.analyses.spec import WEIGHTS, AnalysisSpec
from hwcore.spec import Count, Positive
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """The loss on filter-normalised lines and planes, or in the plane of a run's own trajectory."""

    across: Literal["line", "plane", "trajectory"] = Field(
        description="one or two random directions, or the two principal components of the recorded weights"
    )
    extent: Positive = Field(1.0, description="how far to each side, in norms of the filters")
    count: Annotated[int, Field(ge=2, strict=True)] = Field(51, description="points along each direction")
    samples: Count | None = Field(10_000, description="training samples of the loss; all with null")
    replicates: Count = Field(1, description="how many replicates of each model")

    def unrecorded(self, record: Record) -> str | None:
        return WEIGHTS if self.across == "trajectory" and not record.weights_every else None
