"""Pandoc, as the pages use it."""

import subprocess
from pathlib import Path

import pypandoc

from hwcore.errors import HwcoreError

REPORT = Path("report")
# Markdown as in all pages; without smart quotes being lost in raw HTML
_READER = "markdown+native_divs+implicit_figures+pipe_tables"


def pandoc(text: str, *options: str, folder: Path) -> str:
    """``text`` (Markdown) converted; ``folder`` is where its relative links begin.

    Raises HwcoreError with what pandoc said, warnings about missing resources included.
    """
    command = [pypandoc.get_pandoc_path(), "--from", _READER, "--standalone", "--fail-if-warnings", *options]
    command += ["--lua-filter", str((REPORT / "page.lua").resolve())]
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HwcoreError(f"pandoc: {' '.join(done.stderr.split())}")
    return done.stdout
