"""A page as PDF, by TeX."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hwcore.errors import HwcoreError
from hwcore.files import atomic

_PASSES = 6  # a table of contents and tables that break across pages need three from nothing


def to_pdf(latex: Path, output: Path) -> None:
    """Typeset ``latex`` with pdflatex, or with tectonic where only that is installed.

    No date gets into the file: equal pages give equal bytes.  What pdflatex notes for its next pass stays in a
    folder .latex beside ``output``: a page whose headings and columns stay where they were needs one pass.

    Raises HwcoreError with TeX's first error, or with what to install where there is no TeX.
    """
    if program := shutil.which("pdflatex"):
        kept = output.parent / ".latex"
        notes = _notes(kept, latex.stem)
        # notes that belong to another page may lead nowhere, or to an error
        if not (notes and _typeset(program, latex, output, kept, notes)):
            _typeset(program, latex, output, kept, {})
    elif program := shutil.which("tectonic"):
        with tempfile.TemporaryDirectory(prefix="hwcore-") as folder:
            done = _run([program, "--untrusted", "--keep-logs", "--outdir", folder, latex.name], latex.parent)
            _copy(latex, Path(folder), output, done)
    else:
        raise HwcoreError(f"{output}: no TeX was found; install pdflatex with TeX Live, or tectonic")


def _typeset(program: str, latex: Path, output: Path, kept: Path, notes: dict[str, bytes]) -> bool:
    """Passes until one leaves the notes that it read: then neither they nor the page depend on where it began.

    False, with nothing written, if ``notes`` do not lead there.  From none, the last pass counts all the same.
    """
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    with tempfile.TemporaryDirectory(prefix="hwcore-") as name:
        folder = Path(name)
        for file, content in notes.items():
            (folder / file).write_bytes(content)
        settled, left = False, notes
        for _ in range(_PASSES):
            done = _run([*command, f"-output-directory={folder}", latex.name], latex.parent)
            read, left = left, _notes(folder, latex.stem)
            settled = done.returncode == 0 and left == read
            if settled or done.returncode != 0:
                break
        if notes and not settled:
            return False
        _copy(latex, folder, output, done)
        for file, content in left.items():
            with atomic(kept / file) as temporary:
                temporary.write_bytes(content)
    return True


def _notes(folder: Path, stem: str) -> dict[str, bytes]:
    """By file name: what a pass reads of the one before, and not what it makes for people."""
    files = sorted(path for path in folder.glob(f"{stem}.*") if path.suffix not in (".pdf", ".log"))
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    fixed = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **fixed},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _copy(latex: Path, folder: Path, output: Path, done: "subprocess.CompletedProcess[str]") -> None:
    made = folder / f"{latex.stem}.pdf"
    if done.returncode != 0 or not made.is_file():
        raise HwcoreError(f"{latex}: {_first_error(folder / f'{latex.stem}.log', done.stdout + done.stderr)}")
    with atomic(output) as temporary:
        shutil.copyfile(made, temporary)


def _first_error(log: Path, printed: str) -> str:
    text = log.read_text(errors="replace") if log.is_file() else printed
    error = re.search(r"^! (.*)\n(?:.*\n)*?(l\.\d+.*)", text, re.MULTILINE)
    return f"{error[1]} ({error[2].strip()})" if error else " ".join(printed.split()[-40:])
