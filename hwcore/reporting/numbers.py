"""The numbers behind a figure, as a table that folds out below it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from hwcore.claims.words import listed

_ROWS = 12  # places along the horizontal axis; all are in the CSV
_COLUMNS = 8  # series; more make a table that nobody reads


def numbers(figure: Mapping[str, Any], csv: str) -> str:
    """HTML of the ``figure`` (hwcore.figures.drawn): a table for each panel and a link to all points, the file ``csv``.

    Of many places the tables have some, evenly chosen and each as it is.  A series with several points at one place is
    in none, and a panel with more series than a table can show has none.
    """
    tables = "".join(_panel(panel) for panel in figure["panels"])
    link = f'<p><a href="{escape(csv)}" download>All points as CSV</a></p>'
    return f'\n<details class="numbers">\n<summary>Numbers</summary>\n{tables}{link}\n</details>'


def _panel(panel: Mapping[str, Any]) -> str:
    # the runs behind means are in the CSV
    drawn = [each for each in panel["series"] if "of" not in each]
    series = [each for each in drawn if not _crowded(each)]
    label = ", ".join(filter(None, [panel["title"], panel["y"]["label"]]))
    if not series or len(drawn) > _COLUMNS:
        return ""
    places = _places(series)
    chosen = [places[round(i * (len(places) - 1) / (_ROWS - 1))] for i in range(_ROWS)]
    shown = places if len(places) <= _ROWS else list(dict.fromkeys(chosen))
    some = f", {len(shown)} of {len(places):,} places" if len(shown) < len(places) else ""
    heads = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in [panel["x"]["label"], *(s["name"] for s in series)]
    )
    named = panel["x"].get("ticks", {})
    ticks = {float(at): text for at, text in named.items() if text}
    points = [dict(zip(each["x"], _cells(each), strict=True)) for each in series]
    rows = "".join(
        f'<tr><th scope="row">{escape(ticks.get(x, _number(x)))}</th>'
        + "".join(f"<td>{own.get(x, '')}</td>" for own in points)
        + "</tr>\n"
        for x in shown
    )
    bounds = "; in brackets the interval that is drawn" if any("low" in each for each in series) else ""
    crowded = [f"“{each['name']}”" for each in drawn if _crowded(each)]
    have = "has" if len(crowded) == 1 else "have"
    without = f"; without {listed(crowded)}, which {have} several points at one place" if crowded else ""
    caption = f"<caption>{escape(label)}{some}{bounds}{escape(without)}</caption>"
    return (
        f'<div class="table" role="group" tabindex="0" aria-label="{escape(label)}">\n<table>{caption}\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )


def _crowded(series: Mapping[str, Any]) -> bool:
    """Whether several points are at one place."""
    known = [x for x in series["x"] if x is not None]
    return len(set(known)) < len(known)


def _places(series: Sequence[Mapping[str, Any]]) -> list[float]:
    """The places that all series have, or, where these are few, all that any has."""
    own = [{x for x in each["x"] if x is not None} for each in series]
    shared, every = set.intersection(*own), set.union(*own)
    return sorted(shared if len(shared) >= min(_ROWS, len(every)) else every)


def _cells(series: Mapping[str, Any]) -> Iterator[str]:
    nothing = [None] * len(series["x"])
    for y, low, high in zip(series["y"], series.get("low", nothing), series.get("high", nothing), strict=True):
        yield _number(y) + ("" if low is None or high is None else f" [{_number(low)}, {_number(high)}]")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return text.replace("-", "−")
