"""LaTeX as PDF."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hwcore.errors import HwcoreError
from hwcore.files import atomic


def to_pdf(latex: Path, output: Path) -> None:
    """Typeset ``latex`` with latexmk and pdflatex, or with tectonic where only that is installed.

    No date gets into the file: equal pages give equal bytes.  Raises HwcoreError with TeX's first
    error, or with what to install where there is no TeX.
    """
    program = shutil.which("latexmk") or shutil.which("tectonic")
    if program is None:
        raise HwcoreError(f"{output}: no TeX was found; install latexmk with TeX Live, or tectonic")
    with tempfile.TemporaryDirectory(prefix="hwcore-") as folder:
        if program.endswith("latexmk"):
            command = [program, "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"-outdir={folder}", latex.name]
        else:
            command = [program, "--keep-logs", "--outdir", folder, latex.name]
        fixed = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
        done = subprocess.run(
            command,
            cwd=latex.parent,
            env={**os.environ, **fixed},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        made = Path(folder) / f"{latex.stem}.pdf"
        if done.returncode != 0 or not made.is_file():
            raise HwcoreError(f"{latex}: {_first_error(Path(folder) / f'{latex.stem}.log', done.stdout + done.stderr)}")
        with atomic(output) as temporary:
            shutil.copyfile(made, temporary)


def _first_error(log: Path, said: str) -> str:
    text = log.read_text(errors="replace") if log.is_file() else said
    error = re.search(r"^! (.*)\n(?:.*\n)*?(l\.\d+.*)", text, re.MULTILINE)
    return f"{error[1]} ({error[2].strip()})" if error else " ".join(said.split()[-40:])
