"""What both ways to print a page have in common: its structure, and the characters that its fonts have."""

import re
import unicodedata
from functools import cache
from pathlib import Path

from hwcore.reporting.pandoc import REPORT, pandoc

# Sections begin at ## of the Markdown, since the title is the front matter's.
_STRUCTURE = ("--shift-heading-level-by=-1",)
_PUNCTUATION = "–—‘’‚“”„†‡•…‰‹›€™№"
# Latin-1 and most of Latin Extended-A, by what TeX's T1 encoding has.
_LATIN = {chr(code) for code in range(0xA0, 0x17F)} - {*"ĦħĸĿŀŉŦŧ"}
# Joiners, marks of direction and variation selectors show nothing.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
_DECLARED = re.compile(r"^\\newunicodechar\{(.)\}", re.MULTILINE)


def to_print(markdown: Path, form: str, *options: str, folder: Path) -> str:
    """The page as "latex" or "typst", with report/print.lua; ``folder`` is where its relative links begin."""
    text = printed(markdown.read_text(encoding="utf-8"))
    name = f"{markdown.stem}.{form}"
    return pandoc(text, f"--to={form}", *_STRUCTURE, *options, folder=folder, own="print.lua", kept=name)


def printed(text: str) -> str:
    """``text`` with the code points of characters that print has not: a font would leave a gap, or TeX stop.

    Letters and their accents become one character, which is what fonts have.
    """
    return _others().sub(_code_points, _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))


def _code_points(characters: re.Match[str]) -> str:
    return f"[{' '.join(f'U+{ord(each):04X}' for each in characters[0])}]"


@cache
def _others() -> re.Pattern[str]:
    """Characters that are neither Latin nor declared in report/preamble.tex."""
    declared = _DECLARED.findall((REPORT / "preamble.tex").read_text(encoding="utf-8"))
    known = "".join(sorted({*_LATIN, *_PUNCTUATION, *declared}))
    return re.compile(f"[^\\x00-\\x7f{re.escape(known)}]+")
