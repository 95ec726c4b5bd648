"""What the prose of a page asks of the plan, found before any job starts and without loading Jinja."""

import re
from collections.abc import Iterator
from pathlib import Path

from hwcore.errors import HwcoreError

_NAME = r"""(?:"[^"]*"|'[^']*'|\w+)"""
_SETTING = re.compile(rf"\bsetting\s*\(\s*(?P<experiment>{_NAME})\s*,\s*(?P<name>{_NAME})\s*,?\s*\)")
_COMMENT = re.compile(r"\{%#.*?#%\}", re.DOTALL)
_LOOP = re.compile(r"\{%[-+]?\s*for\s+(?P<name>\w+)\s+in\s*\[(?P<items>[^]]*)\]")
_TEXT = re.compile(r"""(["'])(.*?)\1""")


# The key of the report that a study reproduces.
ORIGINAL = "original"
# A citation as pandoc reads it, [@key] or @key, but not the @ of an address.
_CITATION = re.compile(r"(?<![\w@/.\\])@(?:\{(?P<braced>[^{}\s]+)\}|(?P<key>\w+(?:[:.#$%&+?<>~/-]\w+)*))")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"`[^`]*`")
_ENTRY = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^\s,]+)\s*,", re.MULTILINE | re.IGNORECASE)


def read(path: Path) -> str:
    """The text of a template or a bibliography.  Raises HwcoreError if it is not UTF-8."""
    try:
        # some editors begin a file with a mark of its encoding
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise HwcoreError(f"{path}: must be saved as UTF-8") from None


def settings_named(text: str) -> Iterator[tuple[int, str, str]]:
    """The calls of ``setting(experiment, name)`` in a template: the line, counted from 1, and both names.

    A page depends on these settings and no others.  A name may be that of the items of the loop around the call.
    """
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    # of the whole text, as a call may go on in the next line
    for call in _SETTING.finditer(text):
        loops = {loop["name"]: _texts(loop["items"]) for loop in _LOOP.finditer(text, 0, call.start())}
        for experiment in _texts(call["experiment"]) or loops.get(call["experiment"], []):
            for name in _texts(call["name"]) or loops.get(call["name"], []):
                yield text.count("\n", 0, call.start()) + 1, experiment, name


def _texts(code: str) -> list[str]:
    return [found[2] for found in _TEXT.finditer(code)]


def works_cited(text: str) -> Iterator[tuple[int, str]]:
    """The citations in a template: the line, counted from 1, and the key."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if opened := _FENCE.match(line):
            # a block of code ends with as many of the same as it begins with
            fence = opened[1] if not fence else "" if opened[1].startswith(fence) else fence
        if fence:
            continue
        for citation in _CITATION.finditer(_CODE.sub("", line)):
            yield number, citation["braced"] or citation["key"]


def works(bibliography: str) -> list[str]:
    """The keys of the entries of a BibTeX file."""
    return _ENTRY.findall(bibliography)
