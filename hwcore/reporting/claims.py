"""Claims as pages show them: the verdict first, then what was said, what was measured, and the figure that shows it."""

import math
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hwcore.claims.words import about_cut, capital, counted
from hwcore.reporting.words import claim_head, measured, pipe_table, plain, told

Context = Mapping[str, Any]
# A link to the figure of a path, or nothing where the page does not show it.
Figures = Callable[[str], str]

_MEASURED = "measured (95 % interval)"
# What speaks against a report.
CONTRARY = ("fails", "inconsistent", "wrong")
# An id of a verdict.
_ID = re.compile(r'<span class="verdict [^"]*" id="([^"]*)">')
# Where a sentence ends and the next one begins.
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z])")
# What is subtracted, or divided by.
_OPERAND = re.compile(r" (minus|over) (?!that )")
# What stands before the two that decide on a best or an order; names may have colons.
_DECISIVE = re.compile(r".*?(?:with the (?:highest|lowest) [^:]*|from the highest [^:]* to the lowest): (.*)")
_SINGLE = str.maketrans("“”", "‘’")
# `all converge (shallow)`: what is said, and of which
_QUALIFIED = re.compile(r"(?P<words>.*\S) \((?P<of>[^()]*)\)")

# `in the graph, the loss is 0.1` and `Figure 3 has a loss of 0.1`, which are not the words of a report
_SHOWN = re.compile(r"(?P<in>in )?(?:the )?(?P<what>graph|notebook|(?:result )?table|Figure \d+)(?P<rest>\W.*)")
# what begins a sentence, and is small within one
_ARTICLE = re.compile(r"^(?:The|An?|All|Both|Each|Every|No|There|This|These|It|In|With|Without|After)\b(?=[ ,])")
# what cannot be told in indirect speech
_QUOTED = re.compile(r"…|\[|\b(?:[Ww]e|[Oo]ur|us|I|my)\b")


def chip(verdict: str, text: str = "", **attributes: Any) -> str:
    """A verdict, or a text that is about it, marked so that pages can give it its colour and symbol."""
    data = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<span class="verdict {verdict.replace(" ", "-")}"{data}>{text or verdict}</span>'


def interval(row: Any) -> str:
    """The measured number with its interval, and the region where the claim says that it lies, for pages that draw it.

    Ratios, and numbers that span more than a decade, are drawn on a logarithmic axis.
    """
    text = measured(row)
    if not math.isfinite(row.reproduced):
        return text
    ends = {"low": row.ci_low, "high": row.ci_high, "from": row.expected_low, "to": row.expected_high}
    numbers = {"value": row.reproduced, **{key: end for key, end in ends.items() if math.isfinite(end)}}
    if not {"from", "to"} & numbers.keys():
        return text
    positive = min(numbers.values()) > 0
    scale = "log" if positive and max(numbers.values()) > 10 * min(numbers.values()) else "linear"
    data = "".join(f' data-{key}="{value:.6g}"' for key, value in numbers.items())
    return f'<span class="interval" data-scale="{scale}"{data}>{text}</span>'


def claims_table(claims: pd.DataFrame, study: Context, figures: Figures) -> str:
    """The claims of an experiment; what is said of several models shares a row."""
    rows: list[list[str]] = []
    for says, members in _grouped(claims):
        several = len(members) > 1
        why = _why([row for _, row in members], [of for of, _ in members] if several else [""])
        rows.append(
            [
                "<br>".join(chip(str(row.verdict), id=f"claim-{row.claim}") for _, row in members),
                f'{plain(says)}<br><span class="why">{why}</span>' if why else plain(says),
                _reported([plain(row.reported) if row.reported else "" for _, row in members]),
                "<br>".join((f"{plain(of)}: " if of and several else "") + _measured(row) for of, row in members),
                ", ".join(dict.fromkeys(filter(None, (figures(row.figure) for _, row in members)))),
            ]
        )
    return _ledger(["verdict", claim_head(study), "reported", _MEASURED, "figure"], rows, [12, 46, 9, 25, 8], study)


def _reported(numbers: Sequence[str]) -> str:
    """What is reported of all, or of each in a line, as they are measured."""
    return numbers[0] if len(set(numbers)) == 1 else "<br>".join(number or "–" for number in numbers)


def ledger(claims: pd.DataFrame, study: Context, told: Container[str]) -> str:
    """All claims of a study in short, with a link to where each of those that are ``told`` in full is."""
    rows: list[list[str]] = []
    for row in claims.itertuples():
        says = f"[{plain(row.says)}](#claim-{row.claim})" if row.claim in told else plain(row.says)
        rows.append([chip(str(row.verdict)), says, plain(row.where), plain(row.reported), _measured(row)])
    return _ledger(["verdict", claim_head(study), "section", "reported", _MEASURED], rows, [12, 42, 8, 10, 28], study)


def sentence(row: Any, study: Context, figures: Figures, *, why: bool = False) -> str:
    """One claim in a line: its verdict, what the report says, what was measured here, and its figure."""
    match = _QUALIFIED.fullmatch(row.says)
    says, of = (match["words"], match["of"]) if match else (row.says, "")
    reported = f"reported {row.reported}" if row.reported and not _states(row.says, row.reported) else ""
    place = ", ".join(filter(None, [of, f"§\u00a0{row.where}", reported]))
    text = f"{_stated(says, bool(study['source']))} ({plain(place)})"
    # of a best or an order, the two that decide
    two = _DECISIVE.fullmatch(row.metric) if row.rule in ("best", "order") else None
    metric = two[1] if two else row.metric
    if not metric.startswith("Kendall"):
        metric = "the " + _OPERAND.sub(r" \1 the ", metric)
    if math.isfinite(row.reproduced):
        text += f"; here {plain(metric)} is {plain(told(row))}"
    elif row.absent:
        text += f"; here there is no number for {plain(metric)}: {row.absent}"
    text = f"{text}." if row.verdict == "not judged" else f"{chip(row.verdict)} {text}."
    if why and row.verdict == "undecided" and (cut := about_cut(row.reason)):
        text += f" {plain(cut)}"
    if shown := figures(row.figure):
        text += f" {shown}."
    if why and row.diagnosis:
        text += f" {plain(row.diagnosis)}"
    return text


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _stated(says: str, of_report: bool) -> str:
    """`The report says that all converge`, `The report says “we find … peaks”`, `In the report’s graph, the loss is 1`.

    What is left out or said in the first person is quoted; the rest is told in short, and may be in other words.
    """
    text = says.strip().rstrip(".")
    shown = _SHOWN.fullmatch(text) if of_report else None
    if shown:
        return f"{'In the' if shown['in'] else 'The'} report’s {plain(shown['what'] + shown['rest'])}"
    told = plain(quoted(text)) if _QUOTED.search(text) else f"that {plain(_ARTICLE.sub(_lower, text))}"
    return f"The {'report says' if of_report else 'claim is'} {told}"


def quoted(says: str) -> str:
    """A quotation; quotation marks in it become single ones."""
    return f"“{says.strip().rstrip('.').translate(_SINGLE)}”"


def _states(says: str, reported: str) -> bool:
    """Whether the words have the number."""
    number, text = reported.replace(",", ""), says.replace(",", "")
    return re.search(rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)", text) is not None


def about_figure(claims: pd.DataFrame, most: int = 3) -> str:
    """What a figure has to say of the claims that it shows; nothing where none is judged."""
    judged = claims[~claims.verdict.isin(("not judged", "not testable"))]
    lines = [
        f"[{chip(str(row.verdict))}](#claim-{row.claim}) {plain(row.says)}" for row in judged.head(most).itertuples()
    ]
    if len(judged) > most:
        lines.append(f"and {counted(len(judged) - most, 'more claim')}")
    return f'<div class="shows">\n\n{" · ".join(lines)}\n\n</div>' if lines else ""


def _ledger(heads: list[str], rows: list[list[str]], widths: list[int], study: Context) -> str:
    if not rows:
        return ""
    if study["scale"]["judged"] == "no":
        # a column in which all are the same says nothing; links still lead to the claims
        rows = [["".join(f'<span id="{id}"></span>' for id in _ID.findall(row[0])) + row[1], *row[2:]] for row in rows]
        heads, widths = heads[1:], widths[1:]
    return f'<div class="ledger">\n\n{pipe_table(heads, rows, widths=widths)}\n\n</div>'


def _measured(row: Any) -> str:
    return "not testable" if row.verdict == "not testable" else interval(row)


def words(says: str) -> str:
    """What is said, without of which model."""
    match = _QUALIFIED.fullmatch(says)
    return match["words"] if match else says


def _grouped(claims: pd.DataFrame) -> Iterable[tuple[str, list[tuple[str, Any]]]]:
    """By what is said: of what, and the row."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for row in claims.itertuples():
        match = _QUALIFIED.fullmatch(str(row.says))
        words, of = (match["words"], match["of"]) if match else (str(row.says), "")
        groups.setdefault(words, []).append((of, row))
    for words, members in groups.items():
        # what says for which model it is stays with a claim of its own
        yield (words, members) if len(members) > 1 or not members[0][0] else (str(members[0][1].says), members)


def _why(rows: list[Any], names: list[str]) -> str:
    """What was measured and why the verdicts are what they are; what is the same for all rows is said once."""
    metrics = [plain(f"{capital(row.metric)}.") if row.metric else "" for row in rows]
    reasons, common = _apart([plain(row.reason) for row in rows])
    diagnoses, diagnosis = _apart([plain(row.diagnosis) for row in rows])
    said = zip(metrics, reasons, diagnoses, strict=True)
    told = [" ".join(filter(None, each)) for each in said]
    lines = [f"**{plain(name)}:** {each}" if name else each for name, each in zip(names, told, strict=True) if each]
    shared = " ".join(filter(None, (common, diagnosis)))
    return ("<br>" if len(rows) > 1 else " ").join(filter(None, [*lines, shared]))


def _apart(texts: list[str]) -> tuple[list[str], str]:
    """Each text without the sentences with which all end, and these."""
    sentences = [_SENTENCE.split(text) for text in texts]
    shared: list[str] = []
    while len({each[-1] if each else None for each in sentences}) == 1 and sentences[0]:
        shared.insert(0, sentences[0][-1])
        sentences = [each[:-1] for each in sentences]
    return [" ".join(each) for each in sentences], " ".join(shared)
