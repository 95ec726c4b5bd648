"""The gallery: what finished results show, as a page of the documentation that needs no run."""

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from hwcore.claims.ledger import VERDICTS
from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_text
from hwcore.provenance import commit
from hwcore.reporting.words import banner, claim_head, measured, pipe_table, plain, verdict_counts

# Figures of a study: those that most of its claims are about.
_FIGURES = 2


def gallery(results: Path, page: Path) -> None:
    """Write ``page`` and, into a folder of its name beside it, the figures that it shows.

    ``results`` is a results/<scale> of a finished report.  The page has the verdicts of each study as a table, and
    the two figures that most of its claims are about.  Figures of an earlier gallery are removed.

    Raises HwcoreError where results are missing, or the claims are not those of the plan.
    """
    studies = _studies(results)
    claims = _claims(results, studies)
    shown = {study["study"]: _chosen(study, claims) for study in studies}
    folder = page.with_suffix("")
    files = {
        _need(results, f"{figure['path']}.svg"): folder / _name(figure)
        for figures in shown.values()
        for figure in figures
    }
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source, copy in files.items():
        shutil.copyfile(source, copy)
    parts = ["# Gallery", _about(results, studies)]
    if len(studies) > 1:
        parts += [verdict_counts(claims), _overview(studies, claims)]
    for study in studies:
        parts += _study(study, claims[claims.study == study["study"]], shown[study["study"]], folder.name)
    write_text(page, "\n\n".join(part for part in parts if part) + "\n")


def _studies(results: Path) -> list[dict[str, Any]]:
    """What the pages of the studies describe, by the plan that made the index."""
    jobs = read_json(_need(results, "plan/summary.json"))
    studies: list[dict[str, Any]] = jobs["index:index"]["spec"]["studies"]
    return studies


def _claims(results: Path, studies: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    path = _need(results, "claims.parquet")
    claims = pd.read_parquet(path)
    planned = {(study["study"], claim) for study in studies for claim in study["claims"]}
    if planned != set(zip(claims.study, claims.claim, strict=True)):
        raise HwcoreError(f"{path}: its claims are not those of the studies; {_again(results)}")
    return claims


def _need(results: Path, name: str) -> Path:
    path = results / name
    if not path.is_file():
        raise HwcoreError(f"{path}: is missing; {_again(results)}")
    return path


def _again(results: Path) -> str:
    return f"run `make report SCALE={results.name}` first"


def _chosen(study: Mapping[str, Any], claims: pd.DataFrame) -> list[dict[str, Any]]:
    """The figures that most claims are about, in the order of the page; the first figure where no claim names one."""
    figures = [*(figure for each in study["experiments"] for figure in each["figures"]), *study["figures"]]
    about = claims[claims.study == study["study"]].figure.value_counts()
    named = sorted(
        (figure for figure in figures if about.get(figure["path"], 0)), key=lambda figure: -about[figure["path"]]
    )
    chosen = [figure["path"] for figure in named[:_FIGURES] or figures[:1]]
    return [figure for figure in figures if figure["path"] in chosen]


def _name(figure: Mapping[str, Any]) -> str:
    """The file of a figure: its path from results/<scale>/figures/ in one word."""
    return "-".join(Path(figure["path"]).parts[1:]) + ".svg"


def _about(results: Path, studies: list[dict[str, Any]]) -> str:
    made = commit()
    by = "code that is not under version control"
    if made["commit"]:
        by = f"commit `{made['commit'][:10]}`" + (" with uncommitted changes" if made["dirty"] else "")
    day = datetime.now(UTC).date().isoformat()
    text = (
        f"What hwcore found at the scale `{results.name}`, by {by}, on {day}. `make gallery SCALE={results.name}` "
        "writes this page from finished results. [How verdicts are reached](verdicts.md) says what they mean."
    )
    return "\n\n".join(filter(None, [text, banner(studies[0]["scale"])]))


def _overview(studies: Iterable[Mapping[str, Any]], claims: pd.DataFrame) -> str:
    given = [verdict for verdict in VERDICTS if (claims["verdict"] == verdict).any()]
    rows = []
    for study in studies:
        counts = claims[claims.study == study["study"]].verdict.value_counts()
        source = study["source"]
        author = f"{source['author']}, {source['date']}" if source else ""
        link = f"[{plain(study['title'])}](#{study['study']})"
        rows.append([link, author, *(int(counts.get(verdict, 0)) for verdict in given)])
    return pipe_table(["study", "report by", *given], rows, numbers=given)


def _study(
    study: Mapping[str, Any], claims: pd.DataFrame, figures: Iterable[Mapping[str, Any]], folder: str
) -> list[str]:
    rows = [_row(claim) for claim in claims.itertuples()]
    return [
        # neither GitHub nor the site knows the other's way to name a heading
        f'<a id="{study["study"]}"></a>\n\n## {plain(study["title"])}',
        verdict_counts(claims),
        *(f"![{_alt(figure['caption'])}]({folder}/{_name(figure)})\n\n{figure['caption']}" for figure in figures),
        pipe_table(["verdict", claim_head(study), "reported → measured (95 % interval)", "why"], rows) if rows else "",
    ]


def _row(claim: Any) -> list[str]:
    found = "" if claim.verdict in ("not testable", "not judged") else measured(claim)
    numbers = " → ".join(filter(None, [claim.reported, found]))
    return [f"**{claim.verdict}**", claim.says, numbers, _short(claim.reason)]


def _alt(caption: str) -> str:
    """The first sentence of a caption, as a text that stands in for the figure."""
    return _short(caption).replace("[", "(").replace("]", ")")


def _short(text: str) -> str:
    """The first sentence."""
    first, stop, _ = text.partition(". ")
    return first + "." if stop else text
