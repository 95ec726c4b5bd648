"""A page as LaTeX."""

from pathlib import Path

from hwcore.files import write_text
from hwcore.reporting.pandoc import PRINT, STRUCTURE, pandoc

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
    options = ["--to=latex", *STRUCTURE, *(f"--variable={key}={value}" for key, value in _VARIABLES.items())]
    text = markdown.read_text(encoding="utf-8")
    write_text(output, pandoc(text, *options, folder=output.parent, filters=PRINT))
