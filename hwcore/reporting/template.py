"""What the prose of a page asks of the plan, found before any job starts and without loading Jinja."""

import re
from collections.abc import Iterator

_SETTING = re.compile(r"""\bsetting\(\s*(["'])(?P<experiment>.*?)\1\s*,\s*(["'])(?P<name>.*?)\3\s*\)""")


def settings_named(text: str) -> Iterator[tuple[int, str, str]]:
    """The calls of ``setting(experiment, name)`` in a template: the line, counted from 1, and both names.

    A page depends on these settings and no others.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        for call in _SETTING.finditer(line):
            yield number, call["experiment"], call["name"]
