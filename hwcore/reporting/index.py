"""The index: all studies side by side."""

from pathlib import Path
from typing import Any

import pandas as pd

from hwcore.claims.ledger import VERDICTS
from hwcore.reporting.html import write_html
from hwcore.reporting.words import banner, claim_head, measured, pipe_table, short_banner, verdict_counts


def index(studies: list[dict[str, Any]], pages: list[str], claims: Path, output: Path, *, asked: bool = False) -> None:
    """Write index.html: a row per study, then what each study runs and the verdicts of its claims.

    ``studies`` are the contexts of the pages, ``pages`` the suffixes that each was made in; ``asked`` says that
    there is a page of questions too.
    """
    table = pd.read_parquet(claims)
    scale = studies[0]["scale"]
    title = "Reproduced course reports" if any(study["source"] for study in studies) else "Reports"
    parts = [
        f"---\ntitle: '{title}'\nlang: en\n" + _meta(scale) + "---",
        banner(scale),
        "## Studies",
        _overview(studies, pages, table),
        f"[**Questions across studies**](questions.html): question by question, what they ran and found "
        f"({_forms('questions', pages)})."
        if asked
        else "",
        "## Experiments",
        _experiments(studies),
        "## Verdicts",
        verdict_counts(table),
        *(_verdicts(study, table) for study in studies),
    ]
    write_html("\n\n".join(part for part in parts if part), output)


def _meta(scale: dict[str, str]) -> str:
    said = short_banner(scale)
    return f"banner: '{said}'\n" if said else ""


def _forms(page: str, suffixes: list[str]) -> str:
    return " · ".join(f"[{suffix}]({page}.{suffix})" for suffix in suffixes)


def _overview(studies: list[dict[str, Any]], pages: list[str], claims: pd.DataFrame) -> str:
    rows = []
    given = [verdict for verdict in VERDICTS if (claims["verdict"] == verdict).any()]
    for study in studies:
        name = study["study"]
        verdicts = claims[claims.study == name].verdict.value_counts()
        links = _forms(name, pages)
        networks = sum(len(each["models"]) * each["replicates"] for each in study["experiments"])
        counts = [verdicts.get(verdict, 0) for verdict in given]
        source = study["source"]
        author = f"{source['author']}, {source['date']}" if source else ""
        rows.append(
            [f"[{study['title']}]({name}.html)", author, len(study["experiments"]), f"{networks:,}", *counts, links]
        )
    heads = ["study", "report by", "experiments", "networks", *given, "pages"]
    return pipe_table(heads, rows, numbers={"experiments", "networks", *given})


def _experiments(studies: list[dict[str, Any]]) -> str:
    rows = [
        [
            study["study"],
            each["section"],
            f"[{each['title']}]({study['study']}.html#experiment-{each['base']})",
            each["variant"],
            len(each["models"]),
            each["replicates"],
        ]
        for study in studies
        for each in study["experiments"]
    ]
    heads = ["study", "section", "experiment", "variant", "models", "replicates"]
    return pipe_table(heads, rows, numbers={"models", "replicates"})


def _verdicts(study: dict[str, Any], claims: pd.DataFrame) -> str:
    own = claims[claims.study == study["study"]]
    rows = [[row.where, row.says, row.reported, measured(row), f"**{row.verdict}**"] for row in own.itertuples()]
    heads = ["section", claim_head(study), "reported", "measured (95 % interval)", "verdict"]
    return f"### {study['title']}\n\n" + pipe_table(heads, rows) if rows else ""
