"""The first page of a report: what was run, what came out, and what to distrust."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hwcore.claims.ledger import TESTED, VERDICTS
from hwcore.claims.rule import LEVEL
from hwcore.claims.words import counted, listed
from hwcore.reporting.claims import CONTRARY, Figures, chip, sentence, words
from hwcore.reporting.words import networks, plain, verdict_counts, with_count

Context = Mapping[str, Any]
# How many of the claims that do not hold the first page tells at most.
_DISCREPANCIES = 5


def abstract(study: Context, claims: pd.DataFrame) -> str:
    """What was run, and the count of verdicts, in a few sentences."""
    experiments = study["experiments"]
    bases = {each["base"] for each in experiments}
    others = [each for each in experiments if each["variant"] != "as-described"]
    source = study["source"]
    if source:
        report = plain(f"“{source['title']}” ({source['author']}, {source['date']})")
        text = f"The experiments of {report} were run again: "
    else:
        text = "This report covers "
    text += counted(len(bases), "experiment")
    if others:
        kinds = {each["variant"] == "as-run" for each in others}
        how = [
            words
            for known, words in ((True, "as the code of the report ran them"), (False, "in a corrected form"))
            if known in kinds
        ]
        of_them = "" if len(bases) == 1 else f"{len({each['base'] for each in others})} of them "
        text += f", {of_them}also {listed(how, 'or')}"
    trained = networks(study)
    text += f"; {trained:,} {'network was' if trained == 1 else 'networks were'} trained."
    return f"{text} {verdict_counts(claims)}" if study["scale"]["judged"] != "no" else text


def summary(study: Context, claims: pd.DataFrame, figures: Figures) -> str:
    """The verdicts as a bar, the findings that the study names, the clearest discrepancies, and the caveats."""
    judged = study["scale"]["judged"] != "no"
    parts = ["## Summary {#summary .unnumbered}", _bar(claims) if judged else ""]
    findings = claims.set_index("claim", drop=False).loc[study["findings"]]
    parts += _list("What came out", (sentence(row, study, figures, why=True) for row in findings.itertuples()))
    if judged:
        contrary = claims[claims.verdict.isin(CONTRARY) & ~claims.claim.isin(findings.claim)]
        # those that chance explains least, and then what is counted, which says nothing of what networks learn
        worst = contrary.sort_values("p", kind="stable", na_position="last")
        # one of those that say the same of several models
        worst = worst[~worst.says.map(words).duplicated()].head(_DISCREPANCIES)
        lines = (sentence(row, study, figures, why=True) for row in worst.itertuples())
        more = len(contrary) - len(worst)
        title = "Where this reproduction differs most" + (f" ({counted(more, 'more claim')} below)" if more > 0 else "")
        parts += _list(title, lines)
    parts += _list("What to keep in mind", [*_corrected(claims), *_caveats(study)])
    return "\n\n".join(filter(None, parts))


def _bar(claims: pd.DataFrame) -> str:
    """The share of each verdict."""
    counts = {verdict: int((claims.verdict == verdict).sum()) for verdict in VERDICTS}
    parts = [
        chip(verdict, with_count(verdict, count), **{"data-count": count}) for verdict, count in counts.items() if count
    ]
    return f'<div class="verdicts">\n\n{" ".join(parts)}\n\n</div>' if parts else ""


def _corrected(claims: pd.DataFrame) -> list[str]:
    """How many verdicts do not outlast the number of claims that were tested."""
    tested = claims[claims.verdict.isin(TESTED) & claims.p.notna()]
    lost = tested[tested.p_holm > LEVEL]
    if lost.empty:
        return []
    counts = [f"{n} of {sum(tested.verdict == each)} “{each}”" for each in TESTED if (n := sum(lost.verdict == each))]
    would = f"{listed(counts)} that rest on a test would not stand; the reason of each says so"
    return [f"With [Holm’s correction](#appendix-judging) for all claims of the study, {would}."]


def _caveats(study: Context) -> list[str]:
    lines = []
    if {model["replicates"] for each in study["experiments"] for model in each["models"]} == {1}:
        lines.append("Each network was trained once, which shows nothing of how one run differs from another.")
    links: dict[str, str] = {}
    for each in study["experiments"]:
        links.setdefault(each["base"], _link(each))
    runs = list(dict.fromkeys(each["base"] for each in study["experiments"] if each["variant"] == "as-run"))
    if runs:
        lines.append(
            f"In {'one experiment' if len(runs) == 1 else counted(len(runs), 'experiment')} the code of the report did "
            f"something that its text does not say; {'it' if len(runs) == 1 else 'each'} was run both ways: "
            f"{listed([links[base] for base in runs])}."
        )
    skipped = [
        _link(each) + ("" if each["id"] == each["base"] else f", {each['variant'].replace('-', ' ')}")
        for each in study["not_rerun"]
    ]
    if skipped:
        lines.append(f"Not run again, for the reasons given there: {'; '.join(skipped)}.")
    choices = {tuple(choice) for each in study["experiments"] for choice in each["choices"]}
    if choices:
        number = f"[{counted(len(choices), 'setting')}](#appendix-choices)"
        chosen = f"{number} {'is a choice' if len(choices) == 1 else 'are choices'}"
        silent = " of this reproduction, where the original report is silent or unclear, or was not followed"
        lines.append(f"{chosen}{silent if study['source'] else ' with a reason'}.")
    return lines


def _link(experiment: Context) -> str:
    return f"[{plain(experiment['title'])}](#experiment-{experiment['base']})"


def _list(title: str, lines: Iterable[str]) -> Sequence[str]:
    items = [f"- {line}" for line in lines]
    return [f"**{title}**", "\n".join(items)] if items else []
