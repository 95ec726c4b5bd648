"""A question that several studies answer, each by experiments of its own.

The questions are those of the assignment behind the published reports.  Each is a module in hwcore/questions/asked/,
so that a further one is one file: what it asks, which tables answer it, the figure of these tables, and the answer in
words.  A study's experiment names the question that it answers by its id, which is the name of the module with hyphens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    # the grammar of studies reads this module, and planning loads no pandas
    import pandas as pd

    from hwcore.questions.findings import Findings
    from hwcore.studies.resolved import Model


@dataclass(frozen=True)
class Panel:
    """One panel of a figure: the column ``y``, on request divided by another, with the name of its axis.

    ``level`` is a column whose values are drawn as dotted lines.
    """

    y: str
    label: str
    over: str = ""
    log: bool = False
    level: str = ""


class Question:
    """A question; the docstring of a subclass says which experiments answer it.

    The columns of its rows are those of the table and what the plan knows of each model: hwcore.questions.rows.
    """

    # its place among the questions, as the assignment counts them
    item: ClassVar[str]
    title: ClassVar[str]
    # what answers it: metrics, or a kind of analysis, all tables of it whose options have these values
    table: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    # options of the analysis that its rows have as columns
    given: ClassVar[tuple[str, ...]] = ()
    # the figure: lines are means over replicates, points are means of models, dots are single replicates
    look: ClassVar[Literal["lines", "points", "dots"]] = "points"
    x: ClassVar[str]
    x_label: ClassVar[str]
    log_x: ClassVar[bool] = False
    panels: ClassVar[tuple[Panel, ...]]
    # the label of the panel that the index shows as a line the size of a word; the first one if there is none
    headline: ClassVar[str] = ""
    caption: ClassVar[str]

    @staticmethod
    def uses(model: "Model") -> bool:
        """Whether the rows of a model count."""
        return True

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """The rows with what is computed from them before anything is shown or told."""
        return table

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        """Sentences with the numbers of the tables, true of whatever studies there are; none if there are none."""
        raise NotImplementedError
