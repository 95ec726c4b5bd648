"""A page as LaTeX."""

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


def to_latex(markdown: Path, output: Path) -> None:
    """Write the page as LaTeX with report/preamble.tex; figures are those in PDF."""
    options = (f"--variable={key}={value}" for key, value in _VARIABLES.items())
    write_text(output, to_print(markdown, "latex", *options, folder=output.parent))
