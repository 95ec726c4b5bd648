"""The index: what all studies found, on one screen, with links to their pages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hwcore.claims.ledger import VERDICTS
from hwcore.claims.words import listed
from hwcore.reporting.html import write_html
from hwcore.reporting.sparkline import sparkline
from hwcore.reporting.words import banner, networks, pipe_table, plain, short_banner, verdict_counts, with_count

Context = Mapping[str, Any]


def index(
    studies: Sequence[Context],
    forms: Sequence[str],
    claims: Path,
    output: Path,
    *,
    questions: Sequence[Context] = (),
    numbers: Mapping[str, Path] | None = None,
    others: Sequence[str] = (),
) -> None:
    """Write index.html: the verdicts by study, and by question and study; folded, a row for each experiment.

    ``studies`` are the contexts of the pages, ``forms`` the suffixes that each was made in beside HTML; ``questions``
    have ``id``, ``title``, ``headline`` (the label of the panel of which sparklines are made) and, by study, their
    ``claims`` and the first of their ``experiments``; ``numbers`` are, by question, what its figure shows.  ``others``
    are the studies that were not asked for.
    """
    table = pd.read_parquet(claims)
    scale = studies[0]["scale"]
    panels = {
        question["id"]: _headline(numbers[question["id"]], question["headline"])
        for question in questions
        if numbers and question["id"] in numbers
    }
    lines = {
        f"line-{id}-{study['study']}": line
        for id, panel in panels.items()
        for study in studies
        if panel and (line := sparkline(panel, study["study"], alone=len(studies) == 1))
    }
    title = "Reproduced course reports" if any(study["source"] for study in studies) else "Reports"
    parts = [
        f"---\ntitle: '{title}'\nlang: en\n" + _meta(scale) + "---",
        banner(scale),
        verdict_counts(table),
        "## Studies",
        _block("overview", _overview(studies, forms, table)),
        _left_out(others),
        *(
            ["## Questions", _asked(forms), _block("matrix", _matrix(studies, questions, table, panels, lines))]
            if questions
            else []
        ),
        "## Experiments",
        _folded("All experiments, with their verdicts", _block("matrix", _experiments(studies, table))),
    ]
    write_html("\n\n".join(part for part in parts if part), output, pieces=lines, toc=False)


def _meta(scale: dict[str, str]) -> str:
    said = short_banner(scale)
    return f"banner: '{said}'\n" if said else ""


def _block(name: str, content: str) -> str:
    return f'<div class="{name}">\n\n{content}\n\n</div>'


def _folded(summary: str, content: str) -> str:
    return f'<div class="folded" summary="{summary}">\n\n{content}\n\n</div>'


def _forms(page: str, suffixes: Sequence[str]) -> str:
    return " · ".join(f"[{suffix}]({page}.{suffix})" for suffix in ["html", *suffixes])


def _asked(forms: Sequence[str]) -> str:
    return (
        "The table shows what the studies claim on the same question; [**Questions across studies**](questions.html) "
        f"sets side by side what they ran and found ({_forms('questions', forms)})."
    )


def _overview(studies: Sequence[Context], forms: Sequence[str], claims: pd.DataFrame) -> str:
    rows = []
    for study in studies:
        name = study["study"]
        experiments = {each["base"] for each in study["experiments"]}
        source = study["source"]
        own = source or study
        author = ", ".join(plain(own[key]) for key in ("author", "date") if own[key])
        counts = _counts(claims[claims.study == name])
        verdicts = _stack(counts) + _chips(counts) if counts else "no claim"
        link = f"[{plain(study['title'])}]({name}.html)"
        rows.append([link, author, verdicts, len(experiments), f"{networks(study):,}", _forms(name, forms)])
    heads = ["study", "report by", "verdicts", "experiments", "networks", "pages"]
    return pipe_table(heads, rows, numbers={"experiments", "networks"})


def _left_out(others: Sequence[str]) -> str:
    if not others:
        return ""
    them = "it" if len(others) == 1 else "them"
    return f"Not in this report: {plain(listed(others))}. `--config studies=all` covers {them} too."


def _matrix(
    studies: Sequence[Context],
    questions: Sequence[Context],
    claims: pd.DataFrame,
    panels: Mapping[str, Context | None],
    lines: Mapping[str, str],
) -> str:
    rows = []
    for question in questions:
        cells = []
        panel = panels.get(question["id"])
        for name in (study["study"] for study in studies):
            base = question["experiments"].get(name)
            own = claims[(claims.study == name) & claims.claim.isin(question["claims"].get(name, []))]
            place = f"{name}.html#experiment-{base}"
            piece = f"line-{question['id']}-{name}"
            line = f"[]{{#{piece} .piece}}" if piece in lines else ""
            cells.append(line + (_chips(_counts(own), place) or f"[no claim]({place})") if base else "–")
        axes = f"[{_axes(panel)}]{{.axes}}" if panel else ""
        rows.append([f"[{question['title']}](questions.html#{question['id']}){axes}", *cells])
    return pipe_table(["question", *(study["study"] for study in studies)], rows)


def _headline(numbers: Path, label: str) -> Context | None:
    """The panel with that label, or the first, since a panel whose column no table has is not drawn.

    None of a figure that could not be drawn.
    """
    panels: list[Context] = json.loads(numbers.read_text(encoding="utf-8"))["panels"]
    return next((panel for panel in panels if panel["y"]["label"] == label), panels[0] if panels else None)


def _axes(panel: Context) -> str:
    """What the sparklines of a row show; they share both axes."""
    return f"lines: {panel['y']['label']}, by {panel['x']['label']}"


def _experiments(studies: Sequence[Context], claims: pd.DataFrame) -> str:
    rows = [
        [
            f"[{plain(each['title'])}]({study['study']}.html#experiment-{each['base']})",
            each["variant"],
            study["study"],
            plain(each["section"]),
            _chips(_counts(own[own.claim.map(study["claims"]) == each["id"]])),
            len(each["models"]),
            each["replicates"],
        ]
        for study in studies
        for own in [claims[claims.study == study["study"]]]
        for each in study["experiments"]
    ]
    heads = ["experiment", "variant", "study", "section", "verdicts", "models", "replicates"]
    return pipe_table(heads, rows, numbers={"models", "replicates"})


def _counts(claims: pd.DataFrame) -> dict[str, int]:
    """How many claims have each verdict, in the order of pages."""
    given = claims["verdict"].value_counts()
    return {verdict: int(given[verdict]) for verdict in VERDICTS if verdict in given}


def _stack(counts: Mapping[str, int]) -> str:
    """All verdicts as one bar; the chips beside it say the same in words."""
    parts = "".join(f'[]{{.{_class(verdict)} style="flex:{count}"}}' for verdict, count in counts.items())
    return f'[{parts}]{{.stack aria-hidden="true"}}'


def _chips(counts: Mapping[str, int], place: str = "") -> str:
    """The verdicts with their numbers, each a link to ``place``."""
    chips = [f"[{with_count(verdict, count)}]{{.verdict .{_class(verdict)}}}" for verdict, count in counts.items()]
    linked = " ".join(f"[{chip}]({place})" if place else chip for chip in chips)
    return f"[{linked}]{{.counts}}" if chips else ""


def _class(verdict: str) -> str:
    return verdict.replace(" ", "-")
