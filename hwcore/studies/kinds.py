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
from hwcore.train.columns import LABELS as RECORDED

ANALYSES = kinds("hwcore.analyses.specs", "Options", AnalysisSpec)
FIGURES = kinds("hwcore.figures.specs", "Options", FigureSpec)
LAYERS: dict[str, type[LayerSpec]] = {kind: layer_spec(kind) for kind in layer_kinds()}
LABELS = {column: label for kind in ANALYSES.values() for column, label in kind.labels.items()} | RECORDED


def labels(columns: Iterable[str]) -> dict[str, str]:
    """By column: its label, or its name in words."""
    return {column: LABELS.get(column, column.replace("_", " ")) for column in columns}
