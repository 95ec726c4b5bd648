"""What a study file says of a figure.

Each kind has a module in hwcore/figures/specs/ with its ``Options``, beside the one in hwcore/figures/ that draws.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.spec import Spec


class FigureSpec(Spec):
    """The options of one kind of figure.

    The first line of a subclass's docstring says what the figure shows, and the description of each field what it
    sets: the reference is made of both.
    """

    def tables(self) -> Iterator[str]:
        """The tables that the figure shows: metrics, steps, or those of analyses."""
        yield from ()

    def needs(self) -> Iterator[tuple[str, str]]:
        """The columns without which nothing can be shown, each as (table, column)."""
        yield from ()

    def columns(self) -> tuple[str, ...]:
        """The columns after which the figure names its axes; a metric of which both training and test are shown
        in one panel is named without these: loss.
        """
        return ()

    def beside(self) -> bool:
        """Whether several experiments have a panel each, and their models the labels that they have there."""
        return False

    def guessed(self) -> bool:
        """Whether metrics of classifications are shown with those of a guess."""
        return False

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str | None:
        """What the caption says of how runs are shown, where up to so many ``replicates`` of a model are.

        Settings of the experiment may stand in it in braces: `{replicates}`, `{landscape.replicates}`.
        """
        return None


class TableFigure(FigureSpec):
    """A figure of one table, which has the columns ``needed``."""

    needed: ClassVar[tuple[str, ...]]

    table: str = Field(description="the table of an analysis")

    def tables(self) -> Iterator[str]:
        yield self.table

    def needs(self) -> Iterator[tuple[str, str]]:
        yield from ((self.table, column) for column in self.needed)


def metric(column: str) -> str:
    """`loss` of `train_loss` and of `test_loss`; other columns are what they are."""
    part, _, name = column.partition("_")
    return name if part in ("train", "test") else column


def shared(columns: Sequence[str], panels: Sequence[object], names: Sequence[str]) -> tuple[str, ...]:
    """The label of each column's panel: its name where several columns share the panel, else the column."""
    several = {panel for panel in panels if panels.count(panel) > 1}
    return tuple(
        name if panel in several else column for column, panel, name in zip(columns, panels, names, strict=True)
    )
