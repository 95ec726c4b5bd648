"""The page across studies: question by question, what all of them ran, measured and claimed."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from hwcore.claims.ledger import VERDICTS
from hwcore.claims.words import listed
from hwcore.files import read_json, write_text
from hwcore.questions.findings import Findings
from hwcore.questions.question import Question
from hwcore.questions.rows import Rows, joined
from hwcore.questions.words import some_of
from hwcore.reporting import absent
from hwcore.reporting.words import banner, pipe_table, plain, short_banner, with_count

Context = Mapping[str, Any]
_UP = "../"  # from results/<scale>/report/ to results/<scale>/
_HEADS = (
    "study",
    "experiment",
    "networks",
    "parameters",
    "data",
    "samples",
    "optimizer, rate",
    "epochs",
    "batch size",
    "replicates",
)
_WIDTHS = (17, 19, 17, 12, 17, 9, 11, 9, 7, 11)
_NAMES = 3  # the columns by which a reader knows a row
_AT_FULL = "(full scale: "


def questions(context: Context, tables: Mapping[str, pd.DataFrame], claims: Path, output: Path) -> None:
    """Write the page.  ``tables`` are the rows that answer each question, by its id; others have none."""
    ledger = pd.read_parquet(claims)
    scale = context["scale"]
    said = short_banner(scale)
    parts = [
        "---\ntitle: Questions across studies\nlang: en\n" + (f"banner: '{said}'\n" if said else "") + "---",
        banner(scale),
        _INTRODUCTION,
        "## Verdicts by question {#verdicts}",
        _matrix(context, ledger),
    ]
    shown = [question["id"] for question in context["questions"] if question["figure"] is not None]
    for question in context["questions"]:
        parts += [f"## {question['title']} {{#{question['id']}}}", _answer(question, tables.get(question["id"]))]
        if question["id"] in shown:
            parts.append(_figure(question, shown.index(question["id"]) + 1, output.parent.parent))
        parts.append(_settings(question))
    write_text(output, "\n\n".join(part for part in parts if part) + "\n")


_INTRODUCTION = """
This page sets side by side what the studies found on the same question. An answer counts studies, or experiments where
a study has several, or cases where an experiment has several tables. A number rises, falls or differs *clearly*, or has
a *clear trend*, where a 95 % interval excludes zero: that of Kendall's rank correlation τ over all networks or, of two
networks, that of the difference of the means; a change during training is that of the same trainings. The numbers given
with it are the means at the two ends, as in the figure; where the axis is logarithmic, they are geometric and the
largest change is that by the largest factor. With three or four networks no order shows a clear trend. The ρ of an
answer is a rank correlation within each training, averaged over the replicates. Where an experiment has a corrected
variant, the figure and the answer show that one, and otherwise the experiment as described; the tables of settings list
them all. The [index](index.html) lists the studies.
""".strip()

_OPEN = "What was run leaves this question open: no table has the numbers that would answer it."


def _answer(question: Context, table: pd.DataFrame | None) -> str:
    if table is None:
        return f'<div class="answer">\n\n{_OPEN}\n\n</div>'
    asked: type[Question] = import_module(f"hwcore.questions.asked.{question['id'].replace('-', '_')}").Asked
    rows = joined(table, question["models"], question["members"], question["labels"])
    derived = Rows(asked.derived(rows.table), rows.members, rows.labels)
    said = [sentence for sentence in asked.answer(Findings(derived, asked.panels, question["uneven"])) if sentence]
    uneven = [member for member in question["uneven"] if member in rows.members]
    if not said and not uneven:
        return f'<div class="answer">\n\n{_OPEN}\n\n</div>'
    said = [*(said or ["At this scale the question stays open."]), *_caveats(question, rows)]
    if uneven:
        said.append(
            f"Comparisons between networks leave out {_of(uneven, rows)}, where the training of some networks is cut "
            "much more than that of others."
        )
    return f'<div class="answer">\n\n{plain(" ".join(said))}\n\n</div>'


def _caveats(question: Context, rows: Rows) -> Iterator[str]:
    """What the caps of the scale do to the trainings that an answer rests on."""
    cuts = [cut for cut in question["cuts"] if cut["member"] in rows.members]
    parts: list[str] = []
    for unit in dict.fromkeys(cut["unit"] for cut in cuts):
        own = [cut for cut in cuts if cut["unit"] == unit]
        every, members = all(cut["all"] for cut in own), [cut["member"] for cut in own]
        if len(members) == len(rows.members):
            whose = "these trainings" if every else "some of these trainings"
        elif parts:
            whose = f"{'those' if every else 'some of those'} of {_of(members, rows)}"
        else:
            whose = f"{'the' if every else 'some'} trainings of {_of(members, rows)}"
        here, there = (_span([n for cut in own for n in cut[key]]) for key in ("lengths", "full_lengths"))
        parts.append(f"{whose} have {here} {unit.removesuffix('s') if here == '1' else unit} instead of {there}")
    if parts:
        yield f"At this scale {' and '.join(parts)}."
    members = [member for member in question["fewer_images"] if member in rows.members]
    if members:
        whose = _whose(members, rows)
        yield f"{'Networks' if parts else 'At this scale networks'}{whose} learn from fewer images than at full scale."


def _whose(members: Sequence[str], rows: Rows) -> str:
    """` of a and b`, ` of all five studies`, and nothing where there is a single study and these are all of it."""
    if set(rows.members) - {*members}:
        return f" of {_of(members, rows)}"
    studies = len({member.partition("/")[0] for member in members})
    return f" of {some_of(studies, studies, 'study')}" if studies > 1 else ""


def _of(members: Sequence[str], rows: Rows) -> str:
    """Members by their names, all members of a study by its own."""
    names = []
    for member in members:
        study = member.partition("/")[0]
        whole = all(other in members for other in rows.members if other.partition("/")[0] == study)
        names.append(study if whole else rows.name(member))
    return listed(list(dict.fromkeys(names)))


def _span(numbers: Sequence[int]) -> str:
    return " to ".join(f"{number:,}" for number in sorted({min(numbers), max(numbers)}))


def _figure(question: Context, number: int, results: Path) -> str:
    recipe = f"{question['figure']}.json"
    made = read_json(results / recipe)
    if note := absent.note(str(question["figure"]), str(number), made):
        return f'<div class="missing" id="figure-{question["id"]}">\n\n{note}\n\n</div>'
    commit = f", commit `{made['commit'][:10]}`" if made["commit"] else ""
    image = f"![**Figure {number}.** {question['caption']}]({_UP}{question['figure']}.svg)"
    source = f'<div class="source">\n\nFigure: [recipe]({_UP}{recipe}){commit}\n\n</div>'
    return f'<div class="figure" id="figure-{question["id"]}">\n\n{image}\n\n{source}\n\n</div>'


def _settings(question: Context) -> str:
    """The table of settings, under what all of its rows have in common."""
    rows = _rows(question)
    run = [row for row in rows if len(row) == len(_HEADS)]
    kept = [at for at in range(len(_HEADS)) if at < _NAMES or len(run) < 2 or len({row[at] for row in run}) > 1]
    shared = [_named(_HEADS[at], run[0][at]) for at in range(len(_HEADS)) if at not in kept]
    notes = [f"The same in all rows: {'; '.join(shared)}."] if shared else []
    if any(_AT_FULL in cell for row in rows for cell in row):
        notes.append("Values at full scale are in parentheses.")
    table = [[*row, *[""] * (len(_HEADS) - len(row))] for row in rows]
    if not table:
        return ""
    written = pipe_table(
        [_HEADS[at] for at in kept],
        [[row[at].replace(_AT_FULL, "(") for at in kept] for row in table],
        widths=[_WIDTHS[at] for at in kept],
    )
    return "\n\n".join(filter(None, [" ".join(notes).replace(_AT_FULL, "("), written]))


def _named(head: str, cell: str) -> str:
    """A setting outside of its column; some say what they are."""
    return cell if head in ("data", "optimizer, rate") or cell.endswith(("steps", "lengths")) else f"{head} {cell}"


def _rows(question: Context) -> list[list[str]]:
    """One for each experiment and each variant that differs; what is not run again has no settings."""
    rows: list[list[str]] = []
    last: tuple[str, list[str]] = ("", [])
    for row in question["settings"]:
        place = f"{row['study']}/{row['base']}"
        if (place, row["cells"]) == last and not row["shown"]:
            # a variant that differs in nothing that the table shows
            continue
        last = (place, row["cells"])
        variant = "" if row["variant"] == "as-described" else f", {row['variant'].replace('-', ' ')}"
        link = f"[{plain(row['title'])}]({row['study']}.html#experiment-{row['base']})"
        rows.append([row["study"], f"{link}{variant}", *map(plain, row["cells"] or ["not run again"])])
    return rows


def _matrix(context: Context, ledger: pd.DataFrame) -> str:
    studies = context["studies"]
    verdicts = {(str(row.study), str(row.claim)): str(row.verdict) for row in ledger.itertuples()}
    rows = []
    for question in context["questions"]:
        cells = []
        for study in studies:
            given = [verdicts[study, claim] for claim in question["claims"][study]]
            base = next((row["base"] for row in question["settings"] if row["study"] == study), None)
            chips = [_chip(verdict, given.count(verdict)) for verdict in VERDICTS if verdict in given] or ["no claim"]
            cells.append(" ".join(f"[{chip}]({study}.html#experiment-{base})" for chip in chips) if base else "–")
        rows.append([f"[{question['title']}](#{question['id']})", *cells])
    return pipe_table(["question", *studies], rows, widths=[30, *[60 // len(studies)] * len(studies)])


def _chip(verdict: str, count: int) -> str:
    return f"[{with_count(verdict, count)}]{{.verdict .{verdict.replace(' ', '-')}}}"
