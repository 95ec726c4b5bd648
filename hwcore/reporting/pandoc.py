"""Pandoc, as the pages use it."""

import subprocess
from pathlib import Path

import pypandoc

from hwcore.errors import HwcoreError

REPORT = Path("report")
# Markdown as in all pages.  Divs, spans and the end of a line are markup; any other HTML, and what looks like TeX or
# raw code of another form, is text, so that a title or a claim may say what it likes.
_READER = "markdown+native_divs+native_spans-raw_html-raw_tex-raw_attribute-latex_macros"


def pandoc(text: str, *options: str, folder: Path, own: str = "page.lua") -> str:
    """``text`` (Markdown) converted with report/text.lua and the filter that is the format's ``own``.

    Before them report/safe.lua refuses what would read a file, run in a browser, or be code for TeX or Typst.

    ``folder`` is where the relative links of the page begin.

    Citations are of report/references.bib and of the references that the page brings.

    Raises HwcoreError with what pandoc said, warnings about missing resources included.
    """
    command = [pypandoc.get_pandoc_path(), "--from", _READER, "--standalone", "--fail-if-warnings", *options]
    command += [f"--lua-filter={(REPORT / name).resolve()}" for name in ("safe.lua", "text.lua", own)]
    command += ["--citeproc", f"--bibliography={(REPORT / 'references.bib').resolve()}"]
    command += ["--metadata=link-citations"]
    said = text.replace("<br>", '<span class="br"></span>')
    done = subprocess.run(command, input=said, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HwcoreError(f"pandoc: {' '.join(done.stderr.split())}")
    return done.stdout
