"""A page as one HTML file that needs nothing else."""

from pathlib import Path

from hwcore.files import write_text
from hwcore.reporting.pandoc import REPORT, pandoc


def to_html(markdown: Path, output: Path) -> None:
    """Write the page with its figures, formulas (MathML) and report/style.css embedded."""
    write_html(markdown.read_text(encoding="utf-8"), output)


def write_html(text: str, output: Path) -> None:
    """The same for Markdown ``text`` whose links begin in the folder of ``output``."""
    output.parent.mkdir(parents=True, exist_ok=True)
    style = str((REPORT / "style.css").resolve())
    options = ["--to", "html5", "--embed-resources", "--mathml", "--toc", "--toc-depth", "3", "--css", style]
    write_text(output, pandoc(text, *options, folder=output.parent))
