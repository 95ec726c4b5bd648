"""A page as LaTeX."""

from pathlib import Path

from hwcore.files import write_text
from hwcore.reporting.pandoc import pandoc


def to_latex(markdown: Path, output: Path) -> None:
    """Write the page as LaTeX with report/preamble.tex; figures are those in PDF."""
    options = ["--to", "latex", "--toc", "--toc-depth", "2", "--shift-heading-level-by", "-1"]
    options += [
        "-V",
        "documentclass=article",
        "-V",
        "papersize=a4",
        "-V",
        "fontsize=10pt",
        "-V",
        "geometry=margin=2.3cm",
    ]
    options += ["-V", "colorlinks=true", "-V", "linkcolor=black", "-V", "urlcolor=NavyBlue"]
    write_text(output, pandoc(markdown.read_text(encoding="utf-8"), *options, folder=output.parent))
