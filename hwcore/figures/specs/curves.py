from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.analyses.specs import optimum
from hwcore.figures.replicates import lines
from hwcore.figures.spec import FigureSpec, metric, shared
from hwcore.spec import Count


class Options(FigureSpec):
    """Metrics against epochs, a line per model with its 95 % band."""

    table: str = Field("metrics", description="metrics, steps or the table of an analysis")
    x: str = Field("epoch", description="the column along the horizontal axis")
    y: Annotated[list[str], Field(min_length=1)] = Field(description="the columns shown")
    log: bool = Field(False, description="logarithmic vertical axes, those of accuracies excepted")
    every: Count = Field(1, description="every so many of the values along x, from the first shown")
    start: float | None = Field(None, description="the first value along x that is shown; all if left out")
    offset: float = Field(
        0.0, description="a number that is added to all columns shown, as some reports did by mistake"
    )
    floor: str | None = Field(None, description="the table of an `optimum`: dotted, the least loss it found")
    side_by_side: bool = Field(
        False, description="of several experiments, panels of its own for each; otherwise all share the panels"
    )

    def beside(self) -> bool:
        return self.side_by_side

    def tables(self) -> Iterator[str]:
        yield self.table
        if self.floor is not None:
            yield self.floor

    def needs(self) -> Iterator[tuple[str, str]]:
        yield from ((self.table, column) for column in (self.x, *self.y))
        if self.floor is not None:
            yield from ((self.floor, column) for column in ("trained_loss", "train_loss"))

    def columns(self) -> tuple[str, ...]:
        panels = [metric(column) for column in self.y]
        return (self.x, *shared(self.y, panels, panels))

    def guessed(self) -> bool:
        return True

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        said = lines(replicates, log=self.log and not all(column.endswith("accuracy") for column in self.y))
        if self.floor is None:
            return said
        search = analyses.get(self.floor)
        # of a scale that has fewer than a search takes, it takes all
        most = search.replicates if isinstance(search, optimum.Options) else replicates
        count = f"{{{self.floor}.replicates}}" if most <= replicates else f"{replicates:,}"
        single = min(most, replicates) == 1
        ends = "the end of the first replicate" if single else f"the ends of the first {count} replicates"
        return (
            f"{said} Dotted lines are the least losses that {{{self.floor}.steps}} steps of Levenberg-Marquardt, "
            f"without weight decay, reach from {ends}; a line that would lie above the end of its curve is left out."
        )
