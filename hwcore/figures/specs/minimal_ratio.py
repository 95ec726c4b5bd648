from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Loss against the minimal ratio or the index of critical points, by the evidence for each."""

    needed = ("loss", "converged", "certified")

    share: Literal["minimal_ratio", "negative_share"] = Field(
        "minimal_ratio", description="the share of positive eigenvalues, or of negative ones"
    )

    def needs(self) -> Iterator[tuple[str, str]]:
        yield from super().needs()
        yield self.table, self.share

    def columns(self) -> tuple[str, ...]:
        return (self.share,)

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return "A point is one of the {replicates} replicates; numbers say how many lie together, where there is room."
