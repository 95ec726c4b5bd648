from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Weight trajectories: a line per replicate from an open circle to a full one."""

    along: Literal["components", "half_sums"] = Field(
        "components", description="principal components, or the sums of the two halves of the weights"
    )

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return "A line is one of the {replicates} replicates, from an open circle to a full one."
