"""The numbers that a figure shows, read off the finished figure.

So they are those of the picture whatever its kind: means, intervals as drawn, points of long lines as thinned.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from numpy.typing import NDArray

from hwcore.figures.colours import DARK
from hwcore.files import write_text

_DIGITS = 6  # significant ones: more than a picture shows, and a third of the size of all
_LINES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
_MARKERS = {
    **{"s": "square", "^": "triangle-up", "v": "triangle-down", "D": "diamond", "P": "cross", "X": "x", "*": "star"},
    **{"|": "line-ns-open", "x": "x"},
}


def drawn(figure: Figure) -> dict[str, Any]:
    """The panels of a figure as plain data.

    A panel has a ``title``, the axes ``x`` and ``y`` (``label``, ``log``, ``limits``, ``percent`` where fractions are
    written so, and ``ticks`` where these are named; ``equal`` says that both have one scale), ``series``, ``guides``
    (straight lines over the whole panel) and, of a plane of losses, its ``surface``.
    A series has a ``name``, which is that of the legend, its look, and ``x`` and ``y`` with, where there are intervals,
    ``low`` and ``high``; ``hollow`` are the indices of its hollow points, ``marks`` of those with a marker where not
    all have one, and ``of`` names the mean behind which it is a single run.  What is not finite is None.
    """
    entries = list(_entries(figure))
    return {"panels": [_panel(axes, entries) for axes in figure.axes if axes.get_label() != "<colorbar>"]}


def save_numbers(figure: Figure, stem: Path) -> list[dict[str, Any]]:
    """Write ``stem``.data.json, of which a page makes an interactive chart, and all points as ``stem``.csv.

    Returns the vertical axes of all panels.
    """
    shown = drawn(figure)
    write_text(stem.with_name(f"{stem.name}.data.json"), json.dumps(shown, separators=(",", ":"), ensure_ascii=False))
    table = pd.DataFrame(_rows(shown), columns=_COLUMNS)
    # a column that says nothing is left out
    table = table.dropna(axis="columns", how="all")
    write_text(stem.with_name(f"{stem.name}.csv"), table.to_csv(index=False, lineterminator="\n"))
    return [panel["y"] for panel in shown["panels"]]


def beside(figure: Figure) -> int:
    """How many panels stand beside each other."""
    places = [spec for axes in figure.axes if (spec := axes.get_subplotspec()) is not None]
    return len({place.colspan.start for place in places})


_COLUMNS = ["panel", "horizontal", "vertical", "series", "x", "y", "low", "high", "value"]


def _rows(shown: dict[str, Any]) -> Iterator[list[Any]]:
    for number, panel in enumerate(shown["panels"], start=1):
        place = [panel["title"] or number, panel["x"]["label"], panel["y"]["label"]]
        for series in panel["series"]:
            nothing = [None] * len(series["x"])
            bounds = series.get("low", nothing), series.get("high", nothing)
            for x, y, low, high in zip(series["x"], series["y"], *bounds, strict=True):
                yield [*place, series["name"], x, y, low, high, None]
        if surface := panel["surface"]:
            for y, line in zip(surface["y"], surface["z"], strict=True):
                for x, value in zip(surface["x"], line, strict=True):
                    yield [*place, surface["name"], x, y, None, None, value]


def _panel(axes: Axes, entries: Sequence[Line2D]) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    guides: list[dict[str, Any]] = []
    surface = None
    names = _Names(axes, entries)
    errorbars = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    caps = {cap for bar in errorbars for cap in bar.lines[1]}
    # in the order in which they were drawn: an interval comes after its line
    for artist in axes.get_children():
        if isinstance(artist, Line2D) and artist not in caps:
            along, across = artist.get_transform().contains_branch_seperately(axes.transData)
            if along != across:
                guides += _guide(artist, names)
            elif not _within(artist, series):
                series.append(_series(artist, names))
        elif isinstance(artist, PathCollection):
            series.append(_scattered(artist, names))
        # of a single replicate there is no band
        elif isinstance(artist, FillBetweenPolyCollection) and artist.get_paths():
            _add_interval(series, *_band(artist))
        elif isinstance(artist, LineCollection) and any(artist in bar.lines[2] for bar in errorbars):
            segments = np.array([segment for segment in artist.get_segments() if len(segment) == 2])
            if len(segments):
                _add_interval(series, segments[:, 0, 0], segments[:, 0, 1], segments[:, 1, 1])
        elif isinstance(artist, QuadMesh):
            surface = _surface(artist)
    return {
        "title": _words(axes.get_title()),
        "x": _axis(axes, "x"),
        "y": _axis(axes, "y"),
        "equal": axes.get_aspect() == 1,
        "series": [each for each in series if each["x"]],
        "guides": guides,
        "surface": surface,
    }


def _axis(axes: Axes, which: str) -> dict[str, Any]:
    axis = axes.xaxis if which == "x" else axes.yaxis
    described: dict[str, Any] = {
        "label": _words(axis.get_label_text()),
        "log": axis.get_scale() == "log",
        "limits": _numbers(axis.get_view_interval()),
    }
    formatter = axis.get_major_formatter()
    if isinstance(formatter, ticker.PercentFormatter):
        described["percent"] = True
    if isinstance(axis.get_major_locator(), ticker.FixedLocator) and isinstance(formatter, ticker.FixedFormatter):
        described["ticks"] = dict(zip(_numbers(axis.get_majorticklocs()), formatter.seq, strict=False))
    return described


def _series(line: Line2D, names: "_Names") -> dict[str, Any]:
    name = names.of(line)
    series: dict[str, Any] = {
        "name": name,
        "colour": _colour(line),
        "line": _stroke(line),
        "width": round(float(line.get_linewidth()), 2),
        "marker": _MARKERS.get(str(line.get_marker()), "circle") if _marked(line) else None,
        "opacity": 1.0 if line.get_alpha() is None else float(line.get_alpha() or 0),
        "x": _numbers(line.get_xdata()),
        "y": _numbers(line.get_ydata()),
    }
    if names.single(line):
        series |= {"name": f"{name}, single runs", "of": name}
    every = line.get_markevery()
    if _marked(line) and isinstance(every, list):
        series["marks"] = [int(each) for each in every]
    if _marked(line) and _hollow(line):
        series["hollow"] = list(range(len(series["x"])))
    return series


def _scattered(points: PathCollection, names: "_Names") -> dict[str, Any]:
    at = _plain(points.get_offsets())
    colours = to_rgba_array(points.get_facecolor())
    look = Line2D([], [], color=to_hex(tuple(colours[0])) if len(colours) else DARK, linestyle="none", marker="o")
    return {**_series(look, names), "x": _numbers(at[:, 0]), "y": _numbers(at[:, 1])}


def _within(line: Line2D, series: Sequence[dict[str, Any]]) -> bool:
    """Whether a line is only markers on the points of the last series, and what it says if these are hollow."""
    if not series or line.get_linestyle() != "None" or _colour(line) != series[-1]["colour"]:
        return False
    last = series[-1]
    places = {place: i for i, place in enumerate(zip(last["x"], last["y"], strict=True))}
    at = [places.get(place) for place in zip(_numbers(line.get_xdata()), _numbers(line.get_ydata()), strict=True)]
    if last["line"] is None or None in at:
        return False
    if _hollow(line):
        last["hollow"] = sorted({*last.get("hollow", []), *(i for i in at if i is not None)})
    return True


def _guide(line: Line2D, names: "_Names") -> Iterator[dict[str, Any]]:
    x, y = _numbers(line.get_xdata()), _numbers(line.get_ydata())
    look = {"colour": _colour(line), "line": _stroke(line)}
    if len(set(y)) == 1:
        yield {"axis": "y", "at": y[0], "name": names.level(line), **look}
    elif len(set(x)) == 1:
        yield {"axis": "x", "at": x[0], "name": "", **look}


def _band(fill: FillBetweenPolyCollection) -> tuple[Any, Any, Any]:
    """Places and both bounds of a band whose outline is whole: x, low and high, each (n,)."""
    outline = np.asarray(fill.get_paths()[0].vertices, dtype=float)
    # there, n points of one bound and back, n of the other, between them the corners
    count = (len(outline) - 3) // 2
    there, back = outline[1 : count + 1], outline[count + 2 : 2 * count + 2][::-1]
    return there[:, 0], np.minimum(there[:, 1], back[:, 1]), np.maximum(there[:, 1], back[:, 1])


def _add_interval(series: Sequence[dict[str, Any]], at: Any, low: Any, high: Any) -> None:
    """Give the interval to the last series, at whose places it must be."""
    bounds = dict(zip(_numbers(at), zip(_numbers(low), _numbers(high), strict=True), strict=True))
    for last in reversed(series):
        if "low" not in last and {*bounds} <= {*last["x"]}:
            # of a single run there is none, and a bar of no length stands for that
            known = [bounds.get(x, (None, None)) for x in last["x"]]
            known = [(None, None) if pair[0] == pair[1] else pair for pair in known]
            if any(pair[0] is not None for pair in known):
                last["low"], last["high"] = [list(bound) for bound in zip(*known, strict=True)]
            return


def _surface(mesh: QuadMesh) -> dict[str, Any]:
    """A plane drawn with a value at each corner (shading gouraud): coordinates (n, m, 2), values n·m."""
    at = np.asarray(mesh.get_coordinates())
    values = _plain(mesh.get_array()).reshape(at.shape[:2])
    return {
        "name": str(mesh.get_label()),
        "log": type(mesh.norm).__name__ == "LogNorm",
        "x": _numbers(at[0, :, 0]),
        "y": _numbers(at[:, 0, 1]),
        "z": [_numbers(line) for line in values],
    }


def _entries(figure: Figure) -> Iterator[Line2D]:
    legends = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
    for legend in legends:
        for handle in legend.legend_handles:
            if isinstance(handle, Line2D) and to_rgba(handle.get_color())[3] > 0:
                yield handle


class _Names:
    """What the lines of a panel are called: by the legend, or by words beside the ends of lines."""

    def __init__(self, axes: Axes, entries: Sequence[Line2D]) -> None:
        self._entries = entries
        self._axis = _words(axes.get_ylabel())
        notes = [text for text in axes.texts if isinstance(text, Annotation)]
        ends = {float(note.xy[1]): _words(note.get_text()) for note in notes if note.xy[0] == 1}
        self._ends: dict[str, str] = {}
        for line in axes.lines:
            y = _plain(line.get_ydata())
            if len(y) and y[-1] in ends:
                self._ends.setdefault(_colour(line), ends[y[-1]])

    def of(self, line: Line2D) -> str:
        """By its colour, then by what is said of all lines or points of its look; else what the axis is called."""
        if not str(line.get_label()).startswith("_"):
            return str(line.get_label())
        entry = self._entry(line)
        names = [_words(entry.get_label())] if entry else []
        names += [self._ends[_colour(line)]] if _colour(line) in self._ends and not entry else []
        if _colour(line) != to_hex(DARK) and (_stroke(line) or not _hollow(line)):
            looks = [each for each in self._entries if _colour(each) == to_hex(DARK) and _look(each) == _look(line)]
            names += [_words(each.get_label()) for each in looks[:1]]
        return ", ".join(dict.fromkeys(names)) or self._axis

    def single(self, line: Line2D) -> bool:
        """Whether it is one of several replicates behind a mean: a faint, thin line, or faint dots beside a line."""
        entry = self._entry(line)
        whole = entry is None or bool(_stroke(entry))
        width = entry.get_linewidth() if entry else mpl.rcParams["lines.linewidth"]
        thin = line.get_linewidth() < 0.6 * width if _stroke(line) else whole
        return thin and line.get_alpha() not in (None, 1)

    def level(self, line: Line2D) -> str:
        """The name of a horizontal line, or what the legend says of its look."""
        said, entry = self.of(line), self._entry(line)
        only_colour = entry is not None and said == _words(entry.get_label()) and _look(entry) != _look(line)
        return "" if said == self._axis or only_colour else said

    def _entry(self, line: Line2D) -> Line2D | None:
        own = [entry for entry in self._entries if _colour(entry) == _colour(line)]
        alike = [entry for entry in own if _look(entry) == _look(line)] or own
        return min(alike, key=lambda entry: abs(entry.get_linewidth() - line.get_linewidth())) if alike else None


def _words(text: object) -> str:
    return " ".join(str(text).split())


def _look(line: Line2D) -> str:
    """The stroke of a line, or whether markers without one are hollow."""
    return _stroke(line) or ("hollow" if _hollow(line) else "full")


def _stroke(line: Line2D) -> str | None:
    """As Plotly names it."""
    if line.get_linestyle() != "--":
        return _LINES.get(str(line.get_linestyle()))
    # all patterns of one's own are called "--"
    dashes = getattr(line, "_unscaled_dash_pattern", (0, None))[1] or (4, 2)
    return "dashdot" if len(dashes) > 2 else "dash" if dashes[0] >= 2 else "dot"


def _marked(line: Line2D) -> bool:
    return line.get_marker() not in ("None", "none", "", " ", None)


def _colour(line: Line2D) -> str:
    return to_hex(line.get_color())


def _hollow(line: Line2D) -> bool:
    face = line.get_markerfacecolor()
    return isinstance(face, str) and face in ("white", "none", "w")


def _numbers(values: Any) -> list[float | None]:
    """Rounded; whole numbers stay so."""
    return [_number(float(value)) for value in _plain(values).ravel()]


def _plain(values: Any) -> NDArray[np.float64]:
    """As an array in which what is masked is NaN."""
    plain: NDArray[np.float64] = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return plain


def _number(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    if value == int(value) and abs(value) < 2**53:
        rounded = value
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
