"""A quantity of one study as a line the size of a word, on the axes that all studies share."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 96, 30
_MARGIN = 2.5  # of the strokes and dots at the edge


def sparkline(panel: Mapping[str, Any], study: str, *, alone: bool = False) -> str:
    """SVG of the series that ``panel`` (hwcore.figures.drawn) has of ``study``, or nothing if it has none.

    Where a study is ``alone``, all series are its own.

    The axes are those of the panel, so that the lines of different studies compare.  It has no words: who cannot see it
    finds the same numbers on the page across studies.
    """
    own = [series for series in panel["series"] if "of" not in series and (alone or _of(series, study))]
    shapes = [shape for series in own for shape in _shapes(series, panel)]
    if not shapes:
        return ""
    return (
        f'<svg class="sparkline" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'aria-hidden="true">{"".join(shapes)}</svg>'
    )


def _of(series: Mapping[str, Any], study: str) -> bool:
    """Whether a series is of the study: it is called that, or by its name and which of its things it is."""
    # `alluri: deep`, `alluri`, `alluri (2 diverged)`
    return re.split(r": | \(", str(series["name"]), maxsplit=1)[0] == study


def _shapes(series: Mapping[str, Any], panel: Mapping[str, Any]) -> Iterator[str]:
    across = _places(series["x"], panel["x"], _WIDTH)
    up = _places(series["y"], panel["y"], _HEIGHT)
    points = [(x, _HEIGHT - y) for x, y in zip(across, up, strict=True) if x is not None and y is not None]
    if series["line"] is None or len(points) == 1:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in points)
    elif points:
        dashes = ' stroke-dasharray="3 2"' if series["line"] != "solid" else ""
        yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"{dashes}/>'


def _places(values: Sequence[float | None], axis: Mapping[str, Any], length: float) -> list[float | None]:
    """Where values lie along an axis of that length; None for what is missing or cannot be on it."""
    of = math.log10 if axis["log"] else float
    low, high = (of(limit) for limit in axis["limits"])
    scale = (length - 2 * _MARGIN) / (high - low)
    known = [value if value is not None and (value > 0 or not axis["log"]) else None for value in values]
    return [None if value is None else _MARGIN + (of(value) - low) * scale for value in known]
