"""A page as PDF where there is no TeX: pandoc makes Typst of it, and the package typst typesets that."""

import re
from collections.abc import Callable
from pathlib import Path

import typst

from hwcore.errors import HwcoreError
from hwcore.files import atomic
from hwcore.reporting.pandoc import REPORT
from hwcore.reporting.printing import to_print

# By its stub the root is of the same type as the source, which is bytes here.
_compile: Callable[..., bytes] = typst.compile


def to_pdf(markdown: Path, output: Path) -> None:
    """Typeset ``markdown`` with report/page.typ and the figures in PDF.  Its links begin in the folder of ``output``.

    Fonts are those that the package brings, and no date gets into the file: equal pages give equal bytes everywhere.

    Raises HwcoreError with Typst's first error.
    """
    template = (REPORT / "page.typ").resolve()
    source = to_print(markdown, "typst", f"--template={template}", folder=output.parent)
    # figures lie beside the folder of the page
    root = output.parent.parent
    try:
        made = _compile(source.encode(), root=root, ignore_system_fonts=True)
    except typst.TypstError as error:
        raise HwcoreError(f"{markdown}: Typst: {error.message}{_where(source, error.diagnostic)}") from None
    with atomic(output) as temporary:
        temporary.write_bytes(made)


def _where(source: str, diagnostic: str) -> str:
    """The line of the Typst that an error is about."""
    place = re.search(r"\.typ:(\d+):\d+", diagnostic)
    return f" ({source.splitlines()[int(place[1]) - 1].strip()[:80]})" if place else ""
