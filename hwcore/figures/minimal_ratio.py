"""The loss of points where training ended, against the share of directions that curve upwards."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hwcore.figures import colours, style

_DOT = 5.0  # points across
_LETTER = 6.0  # points across a digit
# on which side of its dot a number may stand
_PLACES = ((1, 1), (0, 1), (-1, 1), (0, -1), (1, -1), (-1, -1))


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "critical-points",
    share: str = "minimal_ratio",
) -> Figure:
    """Full: evidence of an exact critical point; open: zero gradient to the tolerance; open and grey: the rest.

    Grey crosses: the same networks by the reports' own procedure, where the table has it and they get so far.
    Triangles are smaller networks, padded with units of zero weights, where the table has them.  The legend
    counts each; models have colours of their own.  Beside points that hide each other stands their number, where there
    is room.

    With ``share`` negative_share the axis is the index, the share of directions that curve downwards, and a line shows
    the law of Pennington & Bahri 2017 (PMLR 70), loss = ε + c index^(2/3), with the ε and c of least squares over all
    certified points and padded ones.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    numbers = ["loss", share]
    rows = style.need(tables, table, ["model", "replicate", "converged", "certified"], numbers)
    figure, (axes,) = style.make(height=2.6)
    paint = {model: look.colour for model, look in style.palette(labels).items()}
    models = list(rows.model.unique())
    finite = np.isfinite(rows[numbers].to_numpy(dtype=float)).all(axis=1)
    zero = finite & rows.converged.to_numpy(dtype=bool)
    from_smaller = (rows["kind"] == "padded").to_numpy() if "kind" in rows else np.zeros(len(rows), bool)
    padded = zero & from_smaller
    certified = zero & ~from_smaller & rows.certified.to_numpy(dtype=bool)
    converged = zero & ~from_smaller & ~certified
    rest = finite & ~zero
    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": _DOT}
    open_dot: dict[str, Any] = {**dot, "markerfacecolor": "none", "markeredgewidth": 1.2, "alpha": 0.75}

    notes: list[Line2D] = []
    # one model lends its colour to the legend of kinds; several are told in entries of their own
    several = len(models) > 1
    shown = colours.DARK if several else paint[models[0]]
    legend = [style.entry(labels[model], paint[model], **{**dot, "marker": "s"}) for model in models if several]
    kinds = [
        (rest, "gradient not zero", open_dot, True),
        (converged, "gradient zero to the tolerance", open_dot, False),
        (certified, "evidence of an exact critical point", {**dot, "alpha": 0.75}, False),
    ]
    if padded.any():
        kinds.append((padded, "smaller network, padded", {**open_dot, "marker": "^"}, False))
    cross: dict[str, Any] = {"linestyle": "none", "marker": "x", "markersize": 3.5, "alpha": 0.6}
    crossed = 0
    if share == "minimal_ratio" and "reports_ratio" in rows:
        stopped = rows[~from_smaller & (rows.reports_grad_norm <= 1e-3) & np.isfinite(rows.reports_ratio)]
        crossed = len(stopped)
        axes.plot(stopped.reports_ratio, stopped.reports_loss, color=colours.GREY, zorder=1.5, **cross)
    for kind, name, look, grey in kinds:
        if not kind.any():
            continue
        for model in models:
            chosen = rows[kind & (rows.model == model).to_numpy()]
            axes.plot(chosen[share], chosen["loss"], color=colours.GREY if grey else paint[model], **look)
        legend.append(style.entry(f"{name} ({kind.sum()})", colours.GREY if grey else shown, **look))
    if crossed:
        name = f"stopped at a gradient norm of 0.001, no tolerance ({crossed})"
        legend.append(style.entry(name, colours.GREY, **cross))
    if not finite.all():
        notes.append(style.entry(f"not shown: {(~finite).sum()} diverged", "none"))
    axes.set(xlabel=column_labels[share], ylabel="training loss")
    if share == "minimal_ratio":
        axes.set_xlim(-0.03, 1.03)
    else:
        legend += _law(axes, rows[certified | padded])
    _count(axes, rows.loc[finite, [share, "loss"]].to_numpy(dtype=float))
    return style.finish(figure, legend, notes)


def _count(axes: Axes, at: NDArray[np.float64]) -> None:
    """The number of points (n, 2) beside each place where the dots of several hide most of each other.

    The largest numbers come first; those that would hide dots or others are left out.  To be called when all is drawn,
    as it is by the limits of the axes that dots are near.
    """
    low, high = axes.get_ylim()
    middle = (low + high) / 2
    # not so near that what rounding makes of one loss is seen as several
    if high - low < 0.01 * middle:
        axes.set_ylim(0.99 * middle, 1.01 * middle)
    points = 72 / axes.figure.dpi
    dots = axes.transData.transform(at) * points
    inside = axes.get_window_extent().get_points() * points
    taken = dots
    for places in sorted(_groups(dots), key=len, reverse=True):
        label = f"{len(places)}"
        width = _LETTER * len(label)
        room = np.array([width, _LETTER]) / 2 + _DOT / 2
        for x, y in _PLACES if len(places) > 1 else ():
            # beside the outermost, or the dot itself would hide it
            edge = places[(dots[places] @ [x, y * (x == 0)]).argmax()]
            beyond = _DOT / 2 * np.sign([x, y]) + [np.sign(x) * width / 2, np.sign(y) * _LETTER / 2]
            centre = dots[edge] + beyond
            free = not (np.abs(taken - centre) < room).all(axis=1).any()
            if free and (inside[0] < centre).all() and (centre < inside[1] + _LETTER).all():
                axes.annotate(label, at[edge], beyond, textcoords="offset points", ha="center", va="center")
                taken = np.vstack([taken, *(centre + np.array([shift, 0]) for shift in (-width / 2, 0, width / 2))])
                break


def _groups(dots: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The dots that hide most of each other, by their numbers."""
    groups, left = [], np.arange(len(dots))
    while len(left):
        near = np.hypot(*(dots[left] - dots[left[0]]).T) < 0.7 * _DOT
        groups.append(left[near])
        left = left[~near]
    return groups


def _law(axes: Axes, points: pd.DataFrame) -> list[Line2D]:
    """Draw the fitted law, if there are points of several indices."""
    if points.negative_share.nunique() < 2:
        return []
    slope, floor = np.polyfit(points.negative_share ** (2 / 3), points.loss, 1)
    at = np.linspace(0, points.negative_share.max(), 200)
    axes.plot(at, floor + slope * at ** (2 / 3), color=colours.GREY, linestyle=":", linewidth=1.2)
    name = f"{floor:.2g} + {slope:.2g} · index^(2/3), least squares".replace("+ -", "− ")
    return [style.entry(name, colours.GREY, linestyle=":", linewidth=1.2)]
