"""How all figures look: panels, lines and points over replicates, levels, ticks and legends.

Figures are made without pyplot, so nothing of one figure is left for the next.
"""

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, blended_transform_factory
from numpy.typing import NDArray

from hwcore.errors import HwcoreError
from hwcore.figures.colours import DARK, GREY, ink, spread
from hwcore.figures.means import Means, Scale, along, interval, scale_of
from hwcore.figures.replicates import FEW
from hwcore.powers import SUPERSCRIPTS

# Without the defaults of a user's own matplotlibrc, by which figures would differ from machine to machine.
mpl.rcdefaults()
mpl.rcParams.update(mpl.rc_params_from_file(Path(__file__).with_name("hwcore.mplstyle"), use_default_template=False))

WIDTH = 5.5  # inches; hwcore.mplstyle says why
HEIGHT = 7.3  # inches that the panels of a figure may take, so that its caption fits below
COLOURS = tuple(spread(8))
# how the first thing of a kind is drawn, the second (test beside training) and further ones
STROKES: tuple[Any, ...] = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
_FILLS = ("full", "left", "top", "right")  # of the markers of the first, second, … thing of one look
DASHES = STROKES[1]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SHIFT = 2.5  # points by which the bars of training and of test stand apart
_LEVEL: dict[str, Any] = {"color": GREY, "linestyle": (0, (1, 1.5)), "linewidth": 1.0}
_TALL = 12  # points from one line of words to the next
_LETTER = 0.075  # inches that a letter takes on an axis
_LONGEST = 1000  # points of a line that is drawn as it is
_COLUMNS = 400  # about one per typographic point of the figure's width
_MARKS = 6  # markers on a line


class Look(NamedTuple):
    """By what a thing is told from others: a colour and, in grey too, a marker."""

    colour: Any
    marker: str = ""


def palette(labels: Iterable[str]) -> dict[str, Look]:
    """The look of each model, the same in all figures of an experiment; one that is alone needs no marker."""
    labels = list(labels)
    colours = spread(len(labels))
    markers = [MARKERS[i % len(MARKERS)] if len(labels) > 1 else "" for i in range(len(labels))]
    return {label: Look(*look) for label, *look in zip(labels, colours, markers, strict=True)}


def number(value: float, *, power: bool = False) -> str:
    """A number for a tick: plain where it is short, else a power of ten; with ``power`` always that."""
    if value == 0 or (not power and 1e-4 <= abs(value) < 1e5):
        return f"{value:g}".replace("-", "−")
    factor, _, exponent = f"{value:e}".partition("e")
    factor = f"{float(factor):g}".replace("-", "−")
    return f"{'' if factor == '1' else factor + ' × '}{_ten_to(int(exponent))}"


def numbers(values: Iterable[float]) -> list[str]:
    """Numbers for the ticks of one axis, all plain or all powers of ten."""
    values = list(values)
    plain = all(value == 0 or 1e-4 <= abs(value) < 1e5 for value in values)
    return [number(value, power=not plain) for value in values]


def _ten_to(exponent: int) -> str:
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def make(panels: int = 1, *, columns: int = 2, height: float = 2.4, stacked: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of WIDTH with its panels in rows of ``columns``; ``height`` in inches is of one row.

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


def few(table: pd.DataFrame) -> bool:
    """Whether replicates are so few that each is shown, and no interval."""
    return 1 < table.replicate.nunique() <= FEW


def thin(x: NDArray[Any], *series: NDArray[Any]) -> NDArray[np.intp]:
    """Which points of a long line to draw: the extremes of each series in each of 400 columns.

    Spikes stay; the picture is the same.  A line of up to 1,000 points is drawn as it is.
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
    look: Look,
    stroke: int = 0,
    places: NDArray[Any] | None = None,
    each: bool = False,
) -> Means:
    """The mean over replicates as a line, its 95 % interval as a band; with ``places`` at these values of x alone.

    With ``each`` the replicates are thin lines, and there is no band.
    """
    means = along(table, x, y, scale_of(y, log=axes.get_yscale() == "log"))
    if places is not None:
        means = means.at_places(np.isin(means.at, places))
    if each:
        for values in means.each.T:
            kept = thin(means.at, values)
            thin_line: dict[str, Any] = {"linestyle": STROKES[stroke], "linewidth": 0.5, "alpha": 0.5}
            axes.plot(means.at[kept], values[kept], color=look.colour, **thin_line)
    shown = means.at_places(thin(means.at, means.mean, means.low, means.high))
    _line(axes, shown.at, shown.mean, look, stroke)
    if not each and np.isfinite(shown.low).all():
        # outlines stay visible where a band is a single point wide or crosses others
        fill = FillBetweenPolyCollection(
            "x", shown.at, shown.low, shown.high, facecolor=look.colour, alpha=0.18, linewidth=0
        )
        axes.add_collection(fill)
        axes.autoscale_view()
    return means


def _line(axes: Axes, at: NDArray[Any], values: NDArray[np.float64], look: Look, stroke: int) -> None:
    """A line with a few markers, hollow but for the first stroke; a single point has one."""
    marker, where = look.marker, _marks(at, look.marker, axes.get_xscale() == "log")
    if len(at) == 1:
        marker, where = marker or "o", [0]
    axes.plot(
        at,
        values,
        color=look.colour,
        linestyle=STROKES[stroke],
        marker=marker,
        markersize=3.8,
        markevery=where,
        markerfacecolor="white" if stroke else look.colour,
    )


def _marks(at: NDArray[Any], marker: str, log: bool) -> list[int]:
    """The points of a line with a marker: evenly along the axis, elsewhere for each marker."""
    if len(at) <= _MARKS or not marker:
        return list(range(len(at)))
    # the first point of a logarithmic axis may be at zero, where it is not seen
    places = np.log(np.maximum(at, at[at > 0].min())) if log else at.astype(float)
    share = (MARKERS.index(marker) + 0.5) / len(MARKERS)
    wanted = places[0] + (places[-1] - places[0]) * (np.arange(_MARKS) + share) / _MARKS
    return sorted({int(np.abs(places - place).argmin()) for place in wanted})


def points(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    look: Look,
    stroke: int = 0,
    fill: int = 0,
    shift: float = 0.0,
    each: bool = False,
) -> frozenset[tuple[Any, Any]]:
    """The mean of each model as a point at its ``x``, joined in the order of x; bars are 95 % intervals.

    Where several models are at one x, the line goes through the middle between them.  With ``each`` the replicates are
    dots, and there are no bars.  All are drawn ``shift`` points to the right, filled as by ``filled``.  A point is
    hollow where some of its replicates did not meet the criterion at which training was to end.

    Returns (model, replicate) of those that are left out because the value is not finite.
    """
    scale: Scale = scale_of(y, log=axes.get_yscale() == "log")
    colour, marker = look.colour, look.marker or MARKERS[stroke]
    rows, lost, drawn = [], set(), list[Artist]()
    for model, own in table.groupby("model", sort=False):
        values = own[y].to_numpy(dtype=float)
        finite = np.isfinite(values)
        lost |= {(model, replicate) for replicate in own.replicate[~finite]}
        (mean,), (low,), (high,) = interval(values[None, finite], scale)
        rows.append((own[x].iloc[0], mean, low, high, missed(own).any()))
    if each:
        dots: dict[str, Any] = {"linestyle": "none", "markersize": 2.5, "markeredgewidth": 0, "alpha": 0.6}
        drawn += axes.plot(table[x], table[y], color=colour, marker=marker, **dots)
    at, mean, low, high, hollow = np.array(sorted(rows, key=lambda row: row[0]), dtype=float).T
    marked: dict[str, Any] = {"marker": marker, **filled(fill)}
    if len(set(at)) == len(at):
        drawn += axes.plot(at, mean, color=colour, linestyle=STROKES[stroke], **marked)
    else:
        drawn += axes.plot(*_middles(at, mean, scale), color=colour, linestyle=STROKES[stroke])
        drawn += axes.plot(at, mean, color=colour, linestyle="none", **marked)
    if hollow.any():
        hollow = hollow > 0
        drawn += axes.plot(
            at[hollow], mean[hollow], color=colour, linestyle="none", zorder=3, marker=marker, markerfacecolor="white"
        )
    barred = np.isfinite(low) & np.isfinite(high)
    if barred.any() and not each:
        ends = np.stack((mean - low, high - mean))[:, barred]
        bars = axes.errorbar(at[barred], mean[barred], yerr=ends, fmt="none", ecolor=colour, capsize=2, elinewidth=0.9)
        drawn += [artist for artist in bars.get_children() if artist is not None]
    if shift:
        axes.autoscale_view()
        aside = axes.transData + ScaledTranslation(shift / 72, 0, axes.figure.dpi_scale_trans)
        for artist in drawn:
            artist.set_transform(aside)
    return frozenset(lost)


def _middles(at: NDArray[np.float64], mean: NDArray[np.float64], scale: Scale) -> tuple[Any, Any]:
    """Each place once, and the mean of the means there."""
    places = np.unique(at)
    middles = [
        interval(mean[None, at == place], "geometric" if scale == "geometric" else "linear")[0] for place in places
    ]
    return places, np.concatenate(middles)


def filled(thing: int) -> dict[str, Any]:
    """How the markers of the first, second, … thing of one look are filled."""
    return {"fillstyle": _FILLS[thing], "markerfacecoloralt": "white"}


def missed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are of replicates that did not meet the criterion at which their training was to end."""
    if "stopped" not in table:
        return np.zeros(len(table), dtype=bool)
    return table.stopped.eq(False).to_numpy(dtype=bool)


def criterion(tables: Iterable[pd.DataFrame], hollow: str = "") -> list[Line2D]:
    """A note on replicates that did not meet the criterion at which their training was to end, if any.

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
    # in inches
    width = WIDTH * axes.get_position().width
    shown, end = [], -math.inf
    for place, name in zip((at - low) / (high - low) * width, names, strict=True):
        half = _LETTER / 2 * len(name) + 0.04
        fits = place - half > end
        shown.append(name if fits else "")
        end = place + half if fits else end
    axes.set_xticks(values, shown)


def level(axes: Axes, height: float | None, name: str) -> None:
    """A thin line at a height that the panel shows, whose name is in the legend, where it hides nothing.

    To be called when all else is drawn.  A height beyond what the panel shows is left out, and not made room for.
    """
    _limits(axes)
    low, high = axes.get_ylim()
    if height is not None and low <= height <= high:
        axes.axhline(height, zorder=1.5, label=name, **_LEVEL)


def whole(axes: Axes) -> None:
    """Ticks at whole numbers on the horizontal axis, of which the neighbours of a single one are shown too.

    To be called when all is drawn.
    """
    axes.xaxis.set_major_locator(ticker.MaxNLocator("auto", integer=True))
    low, high = axes.dataLim.intervalx
    if low == high:
        axes.set_xlim(low - 1, high + 1)


def ends(axes: Axes, names: Mapping[str, tuple[Look, float, float]]) -> bool:
    """Names beside the right ends of lines, each at a place (x, y), if they fit there: no legend is needed then.

    Names that would overlap move apart by up to a line.  Beside a line that ends earlier its name would be taken for
    that of another.
    """
    if len(names) < 2 or max(map(len, names)) > 24 or len({at for _, at, _ in names.values()}) > 1:
        return False
    _limits(axes)
    low, high = axes.get_ylim()
    heights = np.array([height for *_, height in names.values()])
    if not (np.isfinite(heights).all() and (heights >= low).all() and (heights <= high).all()):
        return False
    point = axes.figure.dpi / 72
    places = (
        axes.transData.transform(np.column_stack((np.full(len(heights), axes.get_xlim()[1]), heights)))[:, 1] / point
    )
    order, line = np.argsort(places, kind="stable"), _TALL
    moved = places[order]
    for _ in range(100):
        close = np.maximum(line - np.diff(moved), 0) / 2
        moved = moved + np.append(0, close) - np.append(close, 0)
    if np.abs(moved - places[order]).max() > line:
        return False
    aside = np.empty_like(moved)
    aside[order] = moved - places[order]
    for (name, (look, _, height)), shift in zip(names.items(), aside, strict=True):
        axes.annotate(
            name,
            (1, height),
            (5, shift),
            xycoords=blended_transform_factory(axes.transAxes, axes.transData),
            textcoords="offset points",
            verticalalignment="center",
            color=ink(look.colour),
            annotation_clip=False,
        )
    return True


def entry(name: str, look: Look | Any = DARK, *, stroke: int = 0, lost: int = 0, **changes: Any) -> Line2D:
    """An entry of a legend; ``lost`` replicates diverged."""
    look = look if isinstance(look, Look) else Look(look)
    note = f" ({lost} diverged)" if lost else ""
    shown = {
        "linestyle": STROKES[stroke],
        "marker": look.marker,
        "markerfacecolor": "white" if stroke else look.colour,
        **changes,
    }
    return Line2D([], [], **{"color": look.colour, **shown}, label=textwrap.fill(name + note, 68))


def pair(colours: Sequence[str] = (DARK, DARK), lost: int = 0) -> list[Line2D]:
    """Legend entries of a training metric and its test metric."""
    return [entry("training", colours[0], lost=lost), entry("test", colours[1], stroke=1)]


def finish(figure: Figure, legend: Sequence[Line2D] = (), notes: Sequence[Line2D] = ()) -> Figure:
    """Calm ticks and limits, the legend above the panels, where it hides nothing, and ``notes`` below them.

    The figure grows by the height of both.
    """
    for axes in figure.axes:
        _limits(axes)
        _fit(axes)
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_locator(), ticker.FixedLocator):
                continue
            if axis.get_scale() == "log":
                _log_ticks(axis)
            elif _of_accuracy(axis.get_label_text()):
                axis.set_major_formatter(_Percent())
            else:
                axis.set_major_formatter(_Plain())
        _thin_ticks(axes)
    _share_names(figure)
    _add_legend(figure, [*legend, *_levels(figure)], "outside upper center")
    _add_legend(figure, notes, "outside lower center")
    ConstrainedLayoutEngine().execute(figure)
    return figure


def _levels(figure: Figure) -> list[Line2D]:
    """An entry for each name of a level."""
    named = [str(line.get_label()) for axes in figure.axes for line in axes.lines]
    return [entry(name, **_LEVEL) for name in dict.fromkeys(named) if not name.startswith("_")]


def _thin_ticks(axes: Axes) -> None:
    """No more numbers on a plain horizontal axis than stand beside each other."""
    axis = axes.xaxis
    if axis.get_scale() != "linear" or not isinstance(locator := axis.get_major_locator(), ticker.MaxNLocator):
        return
    numbers = axis.get_major_formatter().format_ticks(axis.get_majorticklocs().tolist())
    most = axes.get_window_extent().width / axes.figure.dpi / (_LETTER * (max(map(len, numbers), default=0) + 1.5))
    if len(numbers) > most:
        locator.set_params(nbins=max(int(most), 1))


def _share_names(figure: Figure) -> None:
    """Where all panels name an axis alike, only those at the left and at the foot do."""
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]
    places = [spec for axes in panels if (spec := axes.get_subplotspec()) is not None]
    lowest = {spec.colspan.start: spec.rowspan.start for spec in sorted(places, key=lambda spec: spec.rowspan.start)}
    same_x, same_y = (len({name(axes) for axes in panels}) == 1 for name in (Axes.get_xlabel, Axes.get_ylabel))
    for axes, spec in zip(panels, places, strict=True):
        if same_y and spec.colspan.start:
            axes.set_ylabel("")
        if same_x and spec.rowspan.start < lowest[spec.colspan.start]:
            axes.set_xlabel("")


def _fit(axes: Axes) -> None:
    """Names of axes and panels in lines that are no longer than these."""
    box, letter = axes.get_window_extent(), _LETTER * axes.figure.dpi
    for text, room in ((axes.xaxis.label, box.width), (axes.yaxis.label, box.height), (axes.title, box.width)):
        most = int(room / letter)
        before, bracket, after = text.get_text().partition(" (")
        if bracket and len(before) + len(after) + 2 > most:
            text.set_text(f"{textwrap.fill(before, most)}\n{textwrap.fill(f'({after}', most)}")
        else:
            text.set_text(textwrap.fill(before + bracket + after, most))


def _add_legend(
    figure: Figure, entries: Sequence[Line2D], place: Literal["outside upper center", "outside lower center"]
) -> None:
    """Entries in as few rows as the figure is wide enough for."""
    names = [str(handle.get_label()) for handle in entries]
    for rows in range(1, len(names) + 1):
        columns = math.ceil(len(names) / rows)
        drawn = figure.legend(entries, names, loc=place, ncols=columns)
        size = drawn.get_window_extent()
        if size.width <= WIDTH * figure.dpi or columns == 1:
            figure.set_figheight(figure.get_figheight() + size.height / figure.dpi)
            break
        drawn.remove()


class _Plain(ticker.ScalarFormatter):
    """Ticks of a plain axis, whose common power of ten reads like those of logarithmic ones."""

    def get_offset(self) -> str:
        # 1e−5
        exponent = super().get_offset().partition("e")[2].replace("−", "-")
        return f"× {_ten_to(int(exponent))}" if exponent else ""


class _Percent(ticker.PercentFormatter):
    """Fractions in per cent, with as many decimals as each needs."""

    def format_pct(self, x: float, display_range: float) -> str:
        return f"{number(round(100 * x, 6))} %"


def _of_accuracy(name: str) -> bool:
    """Whether an axis shows accuracies or their differences; to those of some curves a number is added."""
    return ("accuracy" in name or "accuracies" in name) and not re.search(r"[+−] \d", name)


def _limits(axes: Axes) -> None:
    """No room below zero for what cannot be negative, nor above one for an accuracy, unless a figure set its own."""
    if axes.get_yscale() == "log" or not axes.get_autoscaley_on():
        return
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    values = np.concatenate(drawn) if drawn else np.empty(0)
    values = values[np.isfinite(values)]
    low, high = before = axes.get_ylim()
    if _of_accuracy(axes.get_ylabel()) and "gap" not in axes.get_ylabel():
        high = min(high, 1.01)
    if len(values) and (values >= 0).all():
        low = max(low, -0.02 * high)
    if (low, high) != before:
        axes.set_ylim(low, high)


def _log_ticks(axis: Any) -> None:
    """Ticks at round numbers whatever the range, all plain or all powers of ten."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    power = low < 5e-4 or high > 2e4
    # beside each other there is no room for `2 × 10⁴` at two places of a decade
    narrow = power and axis.axis_name == "x"
    if decades < 0.7:
        axis.set_major_locator(ticker.MaxNLocator(3 if narrow else 5, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(ticker.NullLocator())
    elif decades < 2 and not (narrow and decades >= 1):
        axis.set_major_locator(ticker.LogLocator(subs=(1, 3) if narrow else (1, 2, 5), numticks=12))
    else:
        # all nine of a decade would take half of the time of a figure
        axis.set_minor_locator(ticker.LogLocator(subs=(2, 5)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: number(value, power=power)))
    axis.set_minor_formatter(ticker.NullFormatter())


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
