"""A page as LaTeX."""

import re
from pathlib import Path

from hwcore.files import write_text
from hwcore.reporting.printing import to_print

_VARIABLES = {
    "documentclass": "article",
    "papersize": "a4",
    "fontsize": "10pt",
    "geometry": "margin=2.3cm,headsep=14pt",
    "colorlinks": "true",
    "linkcolor": "black",
    "citecolor": "black",
    "urlcolor": "NavyBlue",
}
# print.lua marks the rows of tables that no page ends below; pandoc may end a cell in a box of its own.
_KEPT = re.compile(r"\s*\\keepnext\{\}((?:\\strut)?(?:\s*\\end\{minipage\})?)\s*\\\\(?=\s)")


def to_latex(markdown: Path, output: Path) -> None:
    """Write the page as LaTeX with report/preamble.tex; figures are those in PDF."""
    options = (f"--variable={key}={value}" for key, value in _VARIABLES.items())
    text = to_print(markdown, "latex", *options, folder=output.parent)
    write_text(output, _KEPT.sub(r"\1 \\\\*", text))
