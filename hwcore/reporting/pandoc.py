"""Pandoc, as the pages use it."""

import subprocess
import unicodedata
from pathlib import Path

import pypandoc

from hwcore.errors import HwcoreError

REPORT = Path("report")
# Markdown as in all pages.  Divs, spans and the end of a line are markup; any other HTML, and what looks like TeX, is
# text, so that a title or a claim may say what it likes.
_READER = "markdown+native_divs+native_spans-raw_html-raw_tex-latex_macros"
# Filters of report/ for all pages, and for those that are printed.
_PAGE = ("page.lua",)
PRINT = ("page.lua", "print.lua")
# In print sections begin at ## of the Markdown, since the title is the front matter's.
STRUCTURE = ("--toc", "--toc-depth=3", "--shift-heading-level-by=-1")


def pandoc(text: str, *options: str, folder: Path, filters: tuple[str, ...] = _PAGE) -> str:
    """``text`` (Markdown) converted with ``filters`` of report/; ``folder`` is where its relative links begin.

    Citations are of report/references.bib and of the references that the page brings.

    Raises HwcoreError with what pandoc said, warnings about missing resources included.
    """
    command = [pypandoc.get_pandoc_path(), "--from", _READER, "--standalone", "--fail-if-warnings", *options]
    command += [f"--lua-filter={(REPORT / name).resolve()}" for name in filters]
    command += ["--citeproc", f"--bibliography={(REPORT / 'references.bib').resolve()}"]
    command += ["--metadata=link-citations"]
    # letters and their accents as one character, which is what fonts have
    said = unicodedata.normalize("NFC", text).replace("<br>", '<span class="br"></span>')
    done = subprocess.run(command, input=said, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HwcoreError(f"pandoc: {' '.join(done.stderr.split())}")
    return done.stdout
