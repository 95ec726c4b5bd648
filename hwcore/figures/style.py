"""How all figures look, and how they are saved.

Figures are made without pyplot, so nothing of one figure is left for the next.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import stdtrit

from hwcore.errors import HwcoreError
from hwcore.files import atomic

WIDTH = 6.3  # inches: the text width of an A4 page
# Okabe and Ito's colours, told apart by colour-blind readers too, the dark ones first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B7D00")
GREY = "#8a8a8a"

mpl.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9,
        "legend.fontsize": 8,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e4e4e4",
        "grid.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "lines.linewidth": 1.4,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        # letters as outlines in SVG, which look the same everywhere
        "svg.fonttype": "path",
        # the ids in an SVG would be random otherwise
        "svg.hashsalt": "hwcore",
        "path.simplify": True,
        "path.simplify_threshold": 0.2,
    }
)

LABELS = {
    "epoch": "epoch",
    "step": "step",
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "loss": "loss",
    "accuracy": "accuracy",
    "lr": "learning rate",
    "batch_size": "batch size (samples)",
    "parameters": "parameters",
    "grad_norm": "gradient norm",
    "minimal_ratio": "minimal ratio (share of positive eigenvalues)",
    "jacobian_norm_logits": "Jacobian norm (logits)",
    "jacobian_norm_probabilities": "Jacobian norm (probabilities)",
    "loss_gradient_norm": "loss-gradient norm",
    "sharpness": "sharpness (%)",
}


def label(column: str) -> str:
    return LABELS.get(column, column.replace("_", " "))


def make(rows: int = 1, columns: int = 1, *, height: float = 2.9, share_x: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of page width with rows × columns panels; ``height`` in inches is of one row."""
    figure = Figure(figsize=(WIDTH, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x)
    return figure, list(axes.flat)


def summarize(table: pd.DataFrame, x: str, y: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], int]:
    """Mean of ``y`` over replicates at each ``x`` and the half width of its 95 % t-interval.

    A replicate with any value that is not finite is left out; the last of the four results says how
    many are.  With a single replicate the half width is NaN.
    """
    wide = table.pivot_table(index=x, columns="replicate", values=y, aggfunc="mean", dropna=False)
    finite = wide.columns[np.isfinite(wide.to_numpy(dtype=float)).all(axis=0)]
    lost = wide.shape[1] - len(finite)
    kept = wide[finite].to_numpy(dtype=float)
    if kept.shape[1] == 0:
        return wide.index.to_numpy(), np.full(len(wide), np.nan), np.full(len(wide), np.nan), lost
    n = kept.shape[1]
    half = np.full(len(wide), np.nan)
    if n > 1:
        half = stdtrit(n - 1, 0.975) * kept.std(axis=1, ddof=1) / np.sqrt(n)
    return wide.index.to_numpy(), kept.mean(axis=1), half, lost


def band(axes: Axes, table: pd.DataFrame, x: str, y: str, *, colour: str, label: str, dashed: bool = False) -> None:
    """The mean over replicates as a line, its 95 % interval as a band."""
    at, mean, half, lost = summarize(table, x, y)
    note = f" ({lost} diverged)" if lost else ""
    axes.plot(at, mean, color=colour, label=label + note, linestyle=(0, (4, 2)) if dashed else "-")
    if np.isfinite(half).any():
        low, high = mean - half, mean + half
        if axes.get_yscale() == "log":
            # an interval may reach below zero, where a logarithm ends
            low = np.maximum(low, mean / 10)
        axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)


def points(axes: Axes, table: pd.DataFrame, x: str, y: str, *, colour: str, label: str, dashed: bool = False) -> None:
    """The mean over replicates as joined points, its 95 % interval as bars."""
    at, mean, half, lost = summarize(table, x, y)
    note = f" ({lost} diverged)" if lost else ""
    axes.errorbar(
        at,
        mean,
        yerr=np.nan_to_num(half),
        color=colour,
        label=label + note,
        linestyle=(0, (4, 2)) if dashed else "-",
        marker="s" if dashed else "o",
        markersize=3.5,
        capsize=2,
        elinewidth=0.9,
    )


def log_scale(axis: Axes, which: str, values: Iterable[float]) -> None:
    """A logarithmic axis where all values allow it."""
    array = np.asarray([value for value in values if np.isfinite(value)])
    if len(array) and (array > 0).all():
        axis.set_xscale("log") if which == "x" else axis.set_yscale("log")


def legend(figure: Figure, axes: Axes, *, columns: int | None = None, above: bool = False) -> None:
    """The legend in the panel if it is small, ``above`` the panels if it is large or would cover curves."""
    handles, names = axes.get_legend_handles_labels()
    if above or len(names) > 4 or sum(map(len, names)) > 110:
        wide = max(map(len, names))
        fitting = columns or max(1, min(len(names), int(105 // (wide + 6))))
        figure.legend(handles, names, loc="outside upper center", ncols=fitting)
    elif names:
        axes.legend()


def need(tables: Mapping[str, pd.DataFrame], table: str, columns: Iterable[str]) -> pd.DataFrame:
    """The table of that name.  Raises HwcoreError if it is empty or lacks a column."""
    found = tables[table]
    missing = [column for column in columns if column not in found]
    if missing:
        raise HwcoreError(f"figure: table {table} has no column {missing[0]!r}; it has {', '.join(found.columns)}")
    if found.empty:
        raise HwcoreError(f"figure: table {table} has no rows")
    return found


def save(figure: Figure, stem: Path) -> None:
    """Write ``stem``.svg, .pdf and .png.  Equal figures give equal bytes: no dates are written."""
    nothing: dict[str, dict[str, Any]] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None, "Producer": None},
        "png": {"Software": None},
    }
    for suffix, metadata in nothing.items():
        with atomic(stem.with_name(f"{stem.name}.{suffix}")) as temporary:
            figure.savefig(temporary, format=suffix, dpi=150, metadata=metadata)
