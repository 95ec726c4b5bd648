"""Pandoc, as the pages use it."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pypandoc

from hwcore.errors import HwcoreError
from hwcore.files import checksum, write_text

REPORT = Path("report")
# Markdown as in all pages.  Divs, spans and the end of a line are markup; any other HTML, and what looks like TeX or
# raw code of another form, is text, so that a title or a claim may say what it likes.
_READER = "markdown+native_divs+native_spans-raw_html-raw_tex-raw_attribute-latex_macros"
# What pandoc reads of report/, beside the text of a page.
_READ = {".bib", ".html", ".lua", ".tex", ".typ"}


def pandoc(text: str, *options: str, folder: Path, own: str = "page.lua", kept: str = "") -> str:
    """``text`` (Markdown) converted with report/text.lua and the filter that is the format's ``own``.

    Before them report/safe.lua refuses what would read a file, run in a browser, or be code for TeX or Typst.

    ``folder`` is where the relative links of the page begin.  What comes out is ``kept`` there by that name, in a
    folder .pandoc, for the next call with the same text and options: a page of which only a figure changed is not
    converted again.

    Citations are of report/references.bib and of the references that the page brings.

    Raises HwcoreError with what pandoc said, warnings about missing resources included.
    """
    command = [pypandoc.get_pandoc_path(), "--from", _READER, "--standalone", "--fail-if-warnings", *options]
    command += [f"--lua-filter={(REPORT / name).resolve()}" for name in ("safe.lua", "text.lua", own)]
    command += ["--citeproc", f"--bibliography={(REPORT / 'references.bib').resolve()}"]
    command += ["--metadata=link-citations"]
    said = text.replace("<br>", '<span class="br"></span>')
    if not kept:
        return _converted(command, said, folder)
    file, question = folder / ".pandoc" / kept, _question(command, said)
    known = _answer(file, question)
    if known is None:
        known = _converted(command, said, folder)
        write_text(file, f"{_seal(question, known)}\n{known}")
    return known


def _converted(command: Sequence[str], text: str, folder: Path) -> str:
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HwcoreError(f"pandoc: {' '.join(done.stderr.split())}")
    return done.stdout


def _question(command: Sequence[str], text: str) -> str:
    """All that the answer of pandoc depends on."""
    shapes = [f"{path.name} {checksum(path)}" for path in sorted(REPORT.iterdir()) if path.suffix in _READ]
    program = Path(shutil.which(command[0]) or command[0]).stat()
    return "\n".join([f"{program.st_size} {program.st_mtime_ns}", *command, *shapes, text])


def _seal(question: str, answer: str) -> str:
    return hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()


def _answer(file: Path, question: str) -> str | None:
    """What is kept in ``file``, if it is whole and answers ``question``."""
    try:
        seal, _, answer = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return answer if seal == _seal(question, answer) else None
