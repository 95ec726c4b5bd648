"""Phrases and tables that pages share."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hwcore.claims import words
from hwcore.claims.ledger import VERDICTS, expected_false
from hwcore.claims.words import UNITS, Unit, counted, listed

# Characters in a line of a page, and in the widest column of a table.
_PAGE, _WIDEST = 72, 48
# What Markdown, or an extension of pandoc, takes for more than a letter: of dashes and dots all but the last.
_SPECIAL = re.compile(r"[\\`*_<>$\[\]~^@{}]|^#|&(?=[\w#]+;)|(?<=\s)#|#(?=#*$)|!(?=\[)|^[-+](?=\s|$)|-(?=-)|\.(?=\.\.)")
# Where a line ends.
_BREAK = re.compile(r"[ \t]*\n\s*")
# A number or letter that would begin a list.
_NUMBERED = re.compile(r"^(\(?(?:\d+|[A-Za-z]|[ivxlcdm]+|[IVXLCDM]+))([.)])(?=\s|$)")
# Each verdict of one claim and of several.
_VERBS = {
    "holds": ("holds", "hold"),
    "fails": ("fails", "fail"),
    **{verdict: (f"is {verdict}", f"are {verdict}") for verdict in VERDICTS if verdict not in ("holds", "fails")},
}


def with_count(verdict: str, count: int) -> str:
    """`1 holds`, `7 fail`, `3 undecided`"""
    return f"{count} {_VERBS[verdict][count > 1].removeprefix('is ').removeprefix('are ')}"


def banner(scale: dict[str, str]) -> str:
    """A paragraph that says what the scale runs, as a block quotation."""
    judged = {"no": " No claim is judged.", "provisional": " Claims on what is cut are judged provisionally."}
    return f"> **Scale `{scale['name']}`:** {scale['describes']}.{judged.get(scale['judged'], '')}"


def short_banner(scale: dict[str, str]) -> str:
    """One line for the head of every page."""
    judged = {
        "no": "stand-ins and caps, no claim is judged",
        "provisional": "capped, judged provisionally",
    }
    said = judged.get(scale["judged"])
    return f"scale {scale['name']}: {said}" if said else ""


def plain(text: Any) -> str:
    """A text of a study file or a table as Markdown that shows it letter by letter, in one line."""
    text = _BREAK.sub(" ", str(text).strip("\n"))
    if text[:1] in ("|", ":"):
        # as an entity, since the bar is escaped in tables, and not all readers know an escaped colon
        return f"&#{ord(text[0])};{plain(text[1:])}"
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", text))


def bracketed(text: str) -> str:
    """Markdown as it can stand in brackets: of the interval [0, 1) the bracket is escaped, which has no counterpart."""
    opened: list[int] = []
    alone: list[int] = []
    for found in re.finditer(r"\\.|[\[\]]", text):
        if found[0] == "[":
            opened.append(found.start())
        elif found[0] == "]":
            if opened:
                opened.pop()
            else:
                alone.append(found.start())
    for place in sorted([*opened, *alone], reverse=True):
        text = f"{text[:place]}\\{text[place:]}"
    return text


def claim_head(study: Mapping[str, Any]) -> str:
    """The head of a column of claims: whose they are."""
    return "the report says" if study["source"] else "claim"


def networks(study: Mapping[str, Any]) -> int:
    """How many networks were trained for a study; those that variants share count once."""
    runs = {model["run"]: model["replicates"] for each in study["experiments"] for model in each["models"]}
    return sum(runs.values())


def measured(claim: Any) -> str:
    """The reproduced number of a row of claims.parquet."""
    return words.measured(*_numbers(claim))


def told(claim: Any) -> str:
    """The same in a sentence."""
    return words.told(*_numbers(claim))


def _numbers(claim: Any) -> tuple[Unit, str, float, float, float, int, str]:
    unit = UNITS[claim.unit]
    return unit, claim.rule, claim.reproduced, claim.ci_low, claim.ci_high, claim.n, claim.absent


def verdict_counts(claims: pd.DataFrame) -> str:
    """How many claims have which verdict, and how many of these chance alone would make false."""
    if claims.empty:
        return "The study states no claims."
    counts = claims["verdict"].value_counts()
    verdicts = [f"{counts[each]} {_VERBS[each][int(counts[each] > 1)]}" for each in VERDICTS if each in counts]
    text = f"Of {counted(len(claims), 'claim')}, {listed(verdicts)}."
    false, tested = expected_false(claims)
    if not tested:
        return text
    if tested == 1:
        chance = "chance alone makes its verdict false in at most 5 % of cases"
        return f"{text} One claim was tested on samples of runs; {chance}."
    return (
        f"{text} {tested:,} claims were tested on samples of runs; chance alone makes at most "
        f"{math.ceil(round(10 * false, 6)) / 10:.1f} of their verdicts false on average."
    )


def pipe_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    widths: Sequence[int] | None = None,
    numbers: Iterable[str] = (),
) -> str:
    """A Markdown table.  ``widths`` are relative column widths, for text that must wrap in print.

    Without them each column is as wide as its text, or in proportion to it where the table is wider than a page.
    """
    aligned = set(numbers)
    lines = [[_cell(cell) for cell in line] for line in [heads, *rows]]
    if widths is None:
        natural = [max(map(len, column)) for column in zip(*lines, strict=True)]
        # pandoc reads dashes as widths where a line is longer than this
        wraps = any(len(_line(line)) > _PAGE for line in lines)
        widths = [min(width, _WIDEST) if wraps else 3 for width in natural]
    rule = ["-" * width + (":" if head in aligned else "") for head, width in zip(heads, widths, strict=True)]
    return "\n".join(_line(line) for line in [lines[0], rule, *lines[1:]])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
