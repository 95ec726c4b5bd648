"""How all figures look, what their intervals are, and how they are saved.

Figures are made without pyplot, so nothing of one figure is left for the next.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.special import stdtrit

from hwcore.errors import HwcoreError
from hwcore.files import atomic

WIDTH = 6.3  # inches: the text width of an A4 page
HEIGHT = 8.4  # inches that the panels of a figure may take, so that its caption fits below
# Okabe and Ito's colours, told apart by colour-blind readers too, the dark ones first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B7D00")
GREY = "#8a8a8a"
DARK = "#404040"
DASHES = (0, (4, 1.6))
_LONGEST = 2000  # points of a line that is drawn as it is
_COLUMNS = 500  # about one per typographic point of the page's width

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
        "legend.columnspacing": 1.6,
        "figure.dpi": 150,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        # letters as outlines, which look the same everywhere: making a font of them would take half of the time
        "svg.fonttype": "path",
        "pdf.fonttype": 3,
        # the ids in an SVG would be random otherwise
        "svg.hashsalt": "hwcore",
        "path.simplify": True,
        "path.simplify_threshold": 0.2,
    }
)


def number(value: float) -> str:
    """A number for a tick: plain where it is short, else a power of ten."""
    if value == 0 or 1e-4 <= abs(value) < 1e5:
        return f"{value:g}"
    factor, _, power = f"{value:e}".partition("e")
    factor = f"{float(factor):g}"
    return f"${'' if factor == '1' else factor + ' × '}10^{{{int(power)}}}$"


def spread(count: int) -> list[Any]:
    """Colours for ``count`` things: distinct ones for a few, steps of one scale for many."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    # the light end of the scale is hard to see on white
    return [mpl.colormaps["viridis"](share) for share in np.linspace(0, 0.92, count)]


def palette(labels: Mapping[str, str]) -> dict[str, Any]:
    """The colour of each model, the same in all figures of an experiment."""
    return dict(zip(labels, spread(len(labels)), strict=True))


def make(panels: int = 1, *, columns: int = 2, height: float = 2.6, stacked: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of page width with its panels in rows of ``columns``; ``height`` in inches is of one row.

    ``stacked`` panels are one above the other and share their horizontal axis.
    """
    columns = 1 if stacked else min(columns, panels)
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(WIDTH, min(height, HEIGHT / rows) * rows))
    # one canvas for the layout and the PNG, which measures each text once
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=stacked).flat)
    for unused in axes[panels:]:
        unused.remove()
    return figure, axes[:panels]


def interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of the rows of (n, R) values and half widths of their 95 % t-intervals, both (n,).

    The half width of a single replicate is NaN, and so is the mean of none.
    """
    n, replicates = values.shape
    if replicates == 0:
        return np.full(n, np.nan), np.full(n, np.nan)
    if replicates == 1:
        return values[:, 0], np.full(n, np.nan)
    deviation = values.std(axis=1, ddof=1)
    return values.mean(axis=1), stdtrit(replicates - 1, 0.975) * deviation / math.sqrt(replicates)


def summarize(
    table: pd.DataFrame, x: str, y: str
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], frozenset[Any]]:
    """Mean of ``y`` over replicates at each ``x`` and the half width of its 95 % t-interval.

    A replicate with any value that is not finite is left out; the last of the four results says
    which are.  One that stopped early has no rows after that: it stays where it was.  The first values of ``x``, up to
    one at which any replicate has a value, are left out: what is a mean over an epoch is not known before the first.
    """
    wide = table.pivot(index=x, columns="replicate", values=y).sort_index()
    known = wide.notna().any(axis=1)
    if known.any():
        wide = wide.loc[known.idxmax() :]
        table = table[table[x] >= known.idxmax()]
    lost = set(table.replicate[~np.isfinite(table[y].to_numpy(dtype=float))])
    finite = ~wide.columns.isin(lost)
    values = wide.ffill().to_numpy(dtype=float)
    mean, half = interval(values[:, finite])
    return wide.index.to_numpy(), mean, half, frozenset(wide.columns[~finite])


def thin(x: NDArray[Any], *series: NDArray[Any]) -> NDArray[np.intp]:
    """Which points of a long line to draw: the extremes of each series in each of 500 columns.

    Spikes stay; the picture is the same.  A line of up to 2,000 points is drawn as it is.
    """
    if len(x) <= _LONGEST:
        return np.arange(len(x))
    column = np.minimum(((x - x.min()) / np.ptp(x) * _COLUMNS).astype(int), _COLUMNS - 1)
    kept = [np.array([0, len(x) - 1])]
    for values in series:
        order = np.lexsort((values, column))
        edges = np.flatnonzero(np.diff(column[order]))
        kept.append(order[np.concatenate(([0], edges, edges + 1, [len(x) - 1]))])
    return np.unique(np.concatenate(kept))


def band(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    colour: Any,
    dashed: bool = False,
    places: NDArray[Any] | None = None,
) -> frozenset[Any]:
    """The mean over replicates as a line, its 95 % interval as a band; with ``places`` at these values of x alone.

    Returns the replicates that are left out because a value is not finite.
    """
    at, mean, half, lost = summarize(table, x, y)
    if places is not None:
        asked = np.isin(at, places)
        at, mean, half = at[asked], mean[asked], half[asked]
    low, high = mean - half, mean + half
    kept = thin(at, mean, low, high)
    at, mean, low, high = at[kept], mean[kept], low[kept], high[kept]
    alone = "o" if len(at) == 1 else None
    axes.plot(at, mean, color=colour, linestyle=DASHES if dashed else "-", marker=alone, markersize=3.5)
    if np.isfinite(low).all():
        shown = low
        if axes.get_yscale() == "log":
            # a logarithm ends above zero, and an axis down to the lowest interval would hide the means
            low = np.where(low > 0, low, mean * 1e-6)
            shown = np.maximum(low, mean / 3)
        # outlines stay visible where a band is a single point wide or crosses others
        fill = FillBetweenPolyCollection("x", at, low, high, facecolor=colour, alpha=0.18, linewidth=0)
        axes.add_collection(fill, autolim=False)
        axes.update_datalim(np.column_stack((np.tile(at, 2), np.concatenate((shown, high)))))
        axes.autoscale_view()
    return lost


def points(
    axes: Axes, table: pd.DataFrame, x: str, y: str, *, colour: Any, dashed: bool = False
) -> frozenset[tuple[Any, Any]]:
    """The mean of each model as a point at its ``x``, joined in the order of x; bars are 95 % intervals.

    A point is hollow where some of its replicates did not meet the criterion at which training was to end.

    Returns (model, replicate) of those that are left out because the value is not finite.
    """
    rows = []
    lost = set()
    for model, own in table.groupby("model", sort=False):
        finite = np.isfinite(own[y].to_numpy(dtype=float))
        lost |= {(model, replicate) for replicate in own.replicate[~finite]}
        (mean,), (half,) = interval(own[y].to_numpy(dtype=float)[None, finite])
        rows.append((own[x].iloc[0], mean, half, missed(own).any()))
    at, mean, half, hollow = np.array(sorted(rows, key=lambda row: row[0]), dtype=float).T
    low, high = mean - half, mean + half
    shown = low
    if axes.get_yscale() == "log":
        # as in a band: a bar below zero goes on to the edge of the axes, which it does not move
        low = np.where(low > 0, low, mean * 1e-6)
        shown = np.maximum(low, mean / 3)
    axes.plot(
        at, mean, color=colour, linestyle=DASHES if dashed else "-", marker="s" if dashed else "o", markersize=3.5
    )
    if hollow.any():
        look: dict[str, Any] = {"marker": "s" if dashed else "o", "markersize": 3.5, "markerfacecolor": "white"}
        axes.plot(at[hollow > 0], mean[hollow > 0], color=colour, linestyle="none", zorder=3, **look)
    barred = np.isfinite(half)
    axes.update_datalim(np.column_stack((np.tile(at[barred], 2), np.concatenate((shown[barred], high[barred])))))
    limits = axes.dataLim.get_points().copy()
    bars = np.nan_to_num(np.stack((mean - low, high - mean)))
    axes.errorbar(at, mean, yerr=bars, fmt="none", ecolor=colour, capsize=2, elinewidth=0.9)
    axes.dataLim.set_points(limits)
    axes.autoscale_view()
    return frozenset(lost)


def missed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are of replicates that did not meet the criterion at which their training was to end."""
    if "stopped" not in table:
        return np.zeros(len(table), dtype=bool)
    return table.stopped.eq(False).to_numpy(dtype=bool)


def criterion(tables: Iterable[pd.DataFrame], hollow: str = "") -> list[Line2D]:
    """A legend entry for replicates that did not meet the criterion at which their training was to end, if any.

    Where they are ``hollow`` it shows such a marker and says what that means.
    """
    known = [table[["model", "replicate", "stopped"]].dropna() for table in tables if "stopped" in table]
    if not known:
        return []
    reached = pd.concat(known).groupby(["model", "replicate"]).stopped.any()
    if reached.all():
        return []
    count = f"stopping criterion reached by {reached.sum()} of {len(reached)} networks"
    if not hollow:
        return [entry(count, "none")]
    return [entry(f"{count}; {hollow}", marker="o", markersize=4, markerfacecolor="white", linestyle="none")]


def log_scale(axes: Axes, which: Literal["x", "y"], values: Iterable[Any]) -> None:
    """A logarithmic axis where all finite values allow it."""
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array)]
    if len(array) and (array > 0).all():
        axes.set(**{f"{which}scale": "log"})


def settings(axes: Axes, values: Sequence[float], names: Sequence[str]) -> None:
    """A tick at each of a few settings on the horizontal axis, named where there is room."""
    axes.set_xticks(values, [])
    axes.set_xticks([], minor=True)
    logarithmic = axes.get_xscale() == "log"
    at = np.log(values) if logarithmic else np.asarray(values, dtype=float)
    span = np.ptp(at)
    margin = 0.06 * span if span else math.log(2)
    low, high = at.min() - margin, at.max() + margin
    axes.set_xlim(*(np.exp([low, high]) if logarithmic else (low, high)))
    # in inches: a letter of eight points takes some 0.07
    width = WIDTH * axes.get_position().width
    shown, end = [], -math.inf
    for place, name in zip((at - low) / (high - low) * width, names, strict=True):
        plain = name.replace("^", "").replace("{", "").replace("}", "").strip("$")
        half = 0.035 * len(plain) + 0.04
        fits = place - half > end
        shown.append(name if fits else "")
        end = place + half if fits else end
    axes.set_xticks(values, shown)


def entry(name: str, colour: Any = DARK, *, dashed: bool = False, lost: int = 0, **look: Any) -> Line2D:
    """An entry of a legend; ``lost`` replicates diverged."""
    note = f" ({lost} diverged)" if lost else ""
    look = {"linestyle": DASHES if dashed else "-", **look}
    return Line2D([], [], color=colour, label=textwrap.fill(name + note, 80), **look)


def pair(colours: Sequence[str] = (DARK, DARK), lost: int = 0) -> list[Line2D]:
    """Legend entries of a training metric and its test metric."""
    return [entry("training", colours[0], lost=lost), entry("test", colours[1], dashed=True)]


def finish(figure: Figure, legend: Sequence[Line2D] = ()) -> Figure:
    """Calm ticks and limits, and the legend above the panels, where it hides nothing.

    The figure grows by the height of its legend.
    """
    for axes in figure.axes:
        _limits(axes)
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log" and not isinstance(axis.get_major_locator(), ticker.FixedLocator):
                _log_ticks(axis)
    names = [str(handle.get_label()) for handle in legend]
    for rows in range(1, len(names) + 1):
        columns = math.ceil(len(names) / rows)
        drawn = figure.legend(legend, names, loc="outside upper center", ncols=columns)
        size = drawn.get_window_extent()
        if size.width <= WIDTH * figure.dpi or columns == 1:
            figure.set_figheight(figure.get_figheight() + size.height / figure.dpi)
            break
        drawn.remove()
    ConstrainedLayoutEngine().execute(figure)
    return figure


def _limits(axes: Axes) -> None:
    """No room below zero for what cannot be negative, nor above one for an accuracy, unless a figure set its own."""
    if axes.get_yscale() == "log" or not axes.get_autoscaley_on():
        return
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    values = np.concatenate(drawn) if drawn else np.empty(0)
    values = values[np.isfinite(values)]
    low, high = before = axes.get_ylim()
    if "accuracy" in axes.get_ylabel() and not set("+−") & set(axes.get_ylabel()):
        high = min(high, 1.01)
    if len(values) and (values >= 0).all():
        low = max(low, -0.02 * high)
    if (low, high) != before:
        axes.set_ylim(low, high)


def _log_ticks(axis: Any) -> None:
    """Ticks at round numbers whatever the range: Matplotlib's own read 6 × 10⁻² within a decade."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    if decades < 0.7:
        axis.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(ticker.NullLocator())
    elif decades < 2:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_minor_formatter(ticker.NullFormatter())
    else:
        axis.set_minor_formatter(ticker.NullFormatter())
    if low >= 5e-4 and high <= 2e4:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    elif decades < 2:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: number(value)))


def need(
    tables: Mapping[str, pd.DataFrame],
    table: str,
    columns: Iterable[str],
    numbers: Iterable[str] = (),
    *,
    option: str = "table",
    epochs: bool = False,
) -> pd.DataFrame:
    """The table of that name, with ``columns`` of any type and ``numbers``.

    Raises HwcoreError, which names the figure's ``option``, if there is no such table, it has no
    rows or it lacks a column; and if it is one by epochs, which the figure does not tell apart, unless ``epochs``.
    """
    if table not in tables:
        raise HwcoreError(f"figure option {option}: no table {table!r}; there are: {', '.join(tables)}")
    found = tables[table]
    has = ", ".join(map(str, found.columns))
    numbers = list(numbers)
    for column in [*columns, *numbers]:
        if column not in found:
            raise HwcoreError(f"figure option {option}: table {table} has no column {column!r}; it has {has}")
    if "epoch" in found and not epochs:
        raise HwcoreError(
            f"figure option {option}: table {table} has rows for each epoch; show it by `kind: curves`, "
            "or make a table without `over: epochs`"
        )
    if found.empty:
        raise HwcoreError(f"figure option {option}: table {table} has no rows; its columns are {has}")
    for column in numbers:
        if not pd.api.types.is_numeric_dtype(found[column]):
            raise HwcoreError(
                f"figure option {option}: column {column!r} of table {table} is not numeric; it has {has}"
            )
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
            figure.savefig(temporary, format=suffix, metadata=metadata)
