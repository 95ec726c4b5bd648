from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure
from hwcore.spec import Count


class Options(TableFigure):
    """Weight trajectories: a line per replicate from an open circle to a full one."""

    along: Literal["components", "half_sums", "tsne"] = Field(
        "components",
        description="principal components, the sums of the two halves of the weights, or the coordinates of t-SNE",
    )
    every: Count = Field(1, description="every so many of the recorded weights, from the first; all are in the fit")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return "A line is one of the {replicates} replicates, from an open circle to a full one."
