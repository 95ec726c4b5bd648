"""The kinds of analyses and figures that a study may ask for, and what the axes of figures call their columns.

A kind is a module in hwcore/analyses/specs/ or hwcore/figures/specs/: a new one needs no line here.  No figure
imports this: a figure is given the labels of the columns that it shows, so that a new label makes only the figures
stale that show its column.
"""

from collections.abc import Iterable

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import FigureSpec
from hwcore.kinds import kinds

# The columns of what each run records, whatever is analysed.
_RECORDED = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "lr": "learning rate",
    "seconds": "time (s)",
}


ANALYSES = kinds("hwcore.analyses.specs", "Options", AnalysisSpec)
FIGURES = kinds("hwcore.figures.specs", "Options", FigureSpec)
LABELS = {column: label for kind in ANALYSES.values() for column, label in kind.labels.items()} | _RECORDED


def labels(columns: Iterable[str]) -> dict[str, str]:
    """By column: its label, or its name in words."""
    return {column: LABELS.get(column, column.replace("_", " ")) for column in columns}
