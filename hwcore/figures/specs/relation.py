from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import FigureSpec


class Options(FigureSpec):
    """The generalisation gap of every network against each measure, with Kendall's rank correlation."""

    measures: Annotated[list[tuple[str, str]], Field(min_length=1)] = Field(description="pairs of table and column")
    gap: Literal["loss_gap", "accuracy_gap"] = Field("loss_gap", description="the gap")

    def tables(self) -> Iterator[str]:
        yield from (table for table, _ in self.measures)

    def needs(self) -> Iterator[tuple[str, str]]:
        for table, column in self.measures:
            yield from ((table, column), (table, self.gap))

    def columns(self) -> tuple[str, ...]:
        return (*(column for _, column in self.measures), self.gap)

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return (
            "A point is one of the {replicates} replicates of a model; τ is Kendall's rank correlation, in parentheses "
            "its 95 % interval."
        )
