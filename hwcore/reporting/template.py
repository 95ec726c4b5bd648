"""What the prose of a page asks of the plan, found before any job starts and without loading Jinja."""

import re
from collections.abc import Iterator

_SETTING = re.compile(r"""\bsetting\(\s*(["'])(?P<experiment>.*?)\1\s*,\s*(["'])(?P<name>.*?)\3\s*\)""")


# The key of the report that a study reproduces.
ORIGINAL = "original"
# A citation as pandoc reads it, [@key] or @key, but not the @ of an address.
_CITATION = re.compile(r"(?<![\w@/.\\])@\{?(?P<key>[A-Za-z][\w:-]*)")
_CODE = re.compile(r"`[^`]*`")
_ENTRY = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^\s,]+)\s*,", re.MULTILINE | re.IGNORECASE)


def settings_named(text: str) -> Iterator[tuple[int, str, str]]:
    """The calls of ``setting(experiment, name)`` in a template: the line, counted from 1, and both names.

    A page depends on these settings and no others.
    """
    # of the whole text, as a call may go on in the next line
    for call in _SETTING.finditer(text):
        yield text.count("\n", 0, call.start()) + 1, call["experiment"], call["name"]


def works_cited(text: str) -> Iterator[tuple[int, str]]:
    """The citations in a template: the line, counted from 1, and the key."""
    for number, line in enumerate(text.splitlines(), start=1):
        for citation in _CITATION.finditer(_CODE.sub("", line)):
            yield number, citation["key"]


def works(bibliography: str) -> list[str]:
    """The keys of the entries of a BibTeX file."""
    return _ENTRY.findall(bibliography)
