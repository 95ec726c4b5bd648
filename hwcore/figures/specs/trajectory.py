from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure
from hwcore.spec import Count

# By what each way is drawn, across and up.
_PLACES = {
    "components": ("pc1", "pc2"),
    "half_sums": ("half_sum1", "half_sum2"),
    "tsne": ("tsne1", "tsne2"),
}


class Options(TableFigure):
    """Weight trajectories: a line per replicate from an open circle to a full one."""

    along: Literal["components", "half_sums", "tsne"] = Field(
        "components",
        description="principal components, the sums of the two halves of the weights, or the coordinates of t-SNE",
    )
    every: Count = Field(
        1, description="every so many of the recorded weights, from the first, and the last; all are in the fit"
    )

    def needs(self) -> Iterator[tuple[str, str]]:
        yield from ((self.table, column) for column in ("epoch", *_PLACES[self.along]))

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return "A line is one of the {replicates} replicates, from an open circle to a full one."
