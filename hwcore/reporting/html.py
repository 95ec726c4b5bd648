"""A page as one HTML file that needs nothing else."""

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_text
from hwcore.reporting.numbers import numbers
from hwcore.reporting.pandoc import REPORT, pandoc

_PLOTLY = REPORT / "plotly-gl3d.min.js"
_PICTURE = re.compile(r'(?<=<img src=)"([^"]+)"')
_NOISE = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_PLACES = re.compile(r' (?:d|x|y|points)="[^"]*"')
_EXCESS = re.compile(r'(?:(?<![\d.])(\d\d+\.\d)|(\.\d\d))\d+(?=[ "\n])')
# names that nothing refers to, and turns by nothing
_IDLE = re.compile(r'(?<=<g) id="[^"]*"| transform="rotate\(-0 [^"]*"')
_PIECE = re.compile(r'<span id="(?P<id>[^"]+)" class="piece"></span>')
# As page.lua names a figure: by its path in results/<scale>/figures/, without suffix.
_FIGURE = re.compile(r'<figure\b[^>]*\bdata-figure="(?P<name>[^"]+)".*?</figure>', re.DOTALL)


def to_html(markdown: Path, output: Path, *, data: Mapping[str, Path] | None = None, forms: Sequence[str] = ()) -> None:
    """Write the page with its figures, formulas (MathML), style and script embedded.

    ``data`` are the numbers of its figures (hwcore.figures.drawn) by their names, ``forms`` the suffixes of the other
    forms of the page, to which it links.
    """
    shown = {name: read_json(path) for name, path in (data or {}).items()}
    write_html(markdown.read_text(encoding="utf-8"), output, data=shown, forms=forms)


def write_html(
    text: str,
    output: Path,
    *,
    data: Mapping[str, Mapping[str, Any]] | None = None,
    forms: Sequence[str] = (),
    pieces: Mapping[str, str] | None = None,
    toc: bool = True,
) -> None:
    """The same for Markdown ``text`` whose links begin in the folder of ``output``, and numbers that are read.

    ``pieces`` are HTML of our own, by the ids of the empty spans `[]{#id .piece}` that they fill: Markdown has none.
    Without ``toc`` the page has no contents.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    options = ["--to", "html5", "--mathml", *(["--toc", "--toc-depth", "3"] if toc else [])]
    options += ["--template", str((REPORT / "page.html").resolve())]
    options += ["--variable", f"page={output.stem}", *(f"--variable=forms={form}" for form in forms)]
    # pandoc, which could embed all of it, takes half as long again for that
    page = pandoc(text, *options, folder=output.parent, kept=output.name).replace("</head>", f"{_style()}</head>", 1)
    page = _PICTURE.sub(lambda match: _small(output.parent / unescape(match[1])), page)
    named = {match["name"] for match in _FIGURE.finditer(page)}
    shown = {name: figure for name, figure in (data or {}).items() if name in named}

    def with_numbers(match: re.Match[str]) -> str:
        name = match["name"]
        return match[0] + (numbers(shown[name], f"../figures/{name}.csv") if name in shown else "")

    page = _FIGURE.sub(with_numbers, page)
    page = _PIECE.sub(lambda match: (pieces or {}).get(match["id"], ""), page)
    write_text(output, page.replace("</body>", f"{_scripts(shown)}</body>"))


def _style() -> str:
    return f"<style>\n{(REPORT / 'style.css').read_text(encoding='utf-8')}</style>\n"


def _small(picture: Path) -> str:
    """An SVG as an attribute, half as large as in base64: as text, and without what draws nothing.

    Places keep a tenth of a typographic point, and small shapes a hundredth.

    Raises HwcoreError if the file is missing.
    """
    try:
        text = picture.read_text(encoding="utf-8")
    except OSError as error:
        raise HwcoreError(f"{picture}: {error.strerror}; the page shows it") from None
    svg = _IDLE.sub("", _NOISE.sub("", text))
    svg = _PLACES.sub(_short, svg)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()
    for character, code in (("%", "%25"), ("#", "%23"), ("'", "%27"), ("&", "&amp;")):
        svg = svg.replace(character, code)
    return f"'data:image/svg+xml,{svg}'"


def _short(places: re.Match[str]) -> str:
    """Coordinates in fewer letters: straight lines follow each other without a command of their own."""
    text = _EXCESS.sub(r"\1\2", places[0])
    return text if "C" in text or "Q" in text else re.sub(r"\s+L ", " ", text)


def _scripts(data: Mapping[str, Any]) -> str:
    """The script of all pages; before it, where there are figures, their numbers and the library that draws them.

    Both are packed and are unpacked when a reader asks for a chart: until then they cost nothing but their size.
    """
    packed = ""
    if data:
        packed = _packed("figures", json.dumps(data, separators=(",", ":"), ensure_ascii=False)) + _packed(
            "plotly", _PLOTLY.read_text(encoding="utf-8")
        )
    return f"{packed}<script>\n{(REPORT / 'page.js').read_text(encoding='utf-8')}</script>\n"


def _packed(id: str, text: str) -> str:
    # without the time, so that equal pages are equal bytes
    content = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return f'<script type="application/gzip" id="packed-{id}">{content}</script>\n'
