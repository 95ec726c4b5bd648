from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.replicates import points
from hwcore.figures.spec import FigureSpec, metric, shared


class Options(FigureSpec):
    """A panel for each measure, against a setting that the models vary."""

    x: str = Field(description="the setting, a column of the tables: batch_size, lr, …")
    measures: Annotated[list[tuple[str, str]], Field(min_length=1)] = Field(description="pairs of table and column")

    def tables(self) -> Iterator[str]:
        yield from (table for table, _ in self.measures)

    def needs(self) -> Iterator[tuple[str, str]]:
        for table, column in self.measures:
            yield from ((table, column), (table, self.x))

    def columns(self) -> tuple[str, ...]:
        names = []
        for _, column in self.measures:
            measure = column.removeprefix("rescaled_")
            names.append(metric(measure) if metric(measure) in ("loss", "accuracy") else measure)
        panels = [(table, name) for (table, _), name in zip(self.measures, names, strict=True)]
        return (self.x, *shared([column for _, column in self.measures], panels, names))

    def guessed(self) -> bool:
        return True

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return points(replicates)
