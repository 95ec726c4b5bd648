"""The kinds of analyses, figures and layers that a study may ask for, and what figures' axes call their columns.

A kind is a module in hwcore/analyses/specs/, hwcore/figures/specs/ or hwcore/nets/specs/: a new one needs no line
here.  No figure imports this: a figure is given the labels of the columns that it shows, so that a new label makes
only the figures stale that show its column.
"""

from collections.abc import Iterable

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import FigureSpec
from hwcore.kinds import kinds
from hwcore.nets.spec import LayerSpec, layer_kinds, layer_spec

# The columns of what each run records, whatever is analysed.
_RECORDED = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
    "last_batch_loss": "last-batch loss",
    "last_batch_test_loss": "last-batch test loss",
    "last_batch_accuracy": "last-batch accuracy",
    "last_batch_gradient_norm": "last-batch gradient norm",
    "lr": "learning rate",
    "seconds": "time (s)",
}


ANALYSES = kinds("hwcore.analyses.specs", "Options", AnalysisSpec)
FIGURES = kinds("hwcore.figures.specs", "Options", FigureSpec)
LAYERS: dict[str, type[LayerSpec]] = {kind: layer_spec(kind) for kind in layer_kinds()}
LABELS = {column: label for kind in ANALYSES.values() for column, label in kind.labels.items()} | _RECORDED


def labels(columns: Iterable[str]) -> dict[str, str]:
    """By column: its label, or its name in words."""
    return {column: LABELS.get(column, column.replace("_", " ")) for column in columns}
