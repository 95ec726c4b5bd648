"""A figure as files: an SVG that follows the light and the dark of a page, a PDF for paper and a PNG."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hwcore.figures import colours
from hwcore.files import atomic

# what Matplotlib would have each text say again, and what the page says: report/style.css
_FONT = "font-family: 'DejaVu Sans', sans-serif"
_FONTS = "system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif"
_STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"
_PLACES = re.compile(r'(?<= )(?:d|x|y|transform)="[^"]*"')
_FRACTION = re.compile(r"\.(\d\d)\d+")


def save(figure: Figure, stem: Path) -> None:
    """Write ``stem``.svg, .pdf and .png.  Equal figures give equal bytes: no dates are written."""
    with atomic(stem.with_name(f"{stem.name}.svg")) as temporary:
        temporary.write_text(_svg(figure), encoding="utf-8")
    nothing: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None, "Producer": None}, "png": {"Software": None}}
    for suffix, metadata in nothing.items():
        with atomic(stem.with_name(f"{stem.name}.{suffix}")) as temporary:
            figure.savefig(temporary, format=suffix, metadata=metadata)


def _svg(figure: Figure) -> str:
    """The figure with text as text, in the fonts of a page, and a second set of colours for pages in the dark.

    The colours are changed where the SVG is shown, also in an ``<img>``, and from outside of the drawing, by a rule for
    each colour in it.
    """
    drawn = StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    # a hundredth of a point is finer than any screen
    text = _PLACES.sub(lambda found: _FRACTION.sub(r".\1", found[0]), drawn.getvalue())
    text = text.replace(f"; {_FONT}", "")
    rules = [
        f'[style*="{use}: {colour}"]{{{use}:{colours.on_dark(colour)}!important}}'
        for use, colour in sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", text)))
    ]
    dark = f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"
    return text.replace(_STYLE, f"{_STYLE} text{{font-family:{_FONTS}}} {dark}", 1)
