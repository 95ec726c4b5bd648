"""The gallery: what finished results show, as pages of the documentation that need no run."""

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from hwcore.claims.ledger import VERDICTS
from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_text
from hwcore.provenance import commit
from hwcore.reporting.words import banner, claim_head, measured, pipe_table, plain, verdict_counts

# Figures of a study: those that most of its claims are about.
_FIGURES = 2
_INDEX = "index.md"
_INTRODUCTION = """\
# Gallery

What hwcore found in the reports that it comes with, study by study. `make gallery SCALE=standard STUDIES=alluri`
writes the page of a study from finished results, and this one; each page names the scale, the commit and the day.
[How verdicts are reached](../verdicts.md) says what the verdicts mean."""


def gallery(results: Path, folder: Path) -> None:
    """Write a page for each study into ``folder``, its figures beside it, and an index of all pages that are there.

    ``results`` is a results/<scale> of a finished report.  A page has the verdicts of its study as a table, and the
    two figures that most of its claims are about.  Pages of other studies, from earlier runs, stay.

    Raises HwcoreError where results are missing, or the claims are not those of the plan.
    """
    studies = _studies(results)
    claims = _claims(results, studies)
    shown = {study["study"]: _chosen(study, claims) for study in studies}
    for figure in (figure for figures in shown.values() for figure in figures):
        _need(results, f"{figure['path']}.svg")
    # the first page that is written is a change that is not committed
    by = _by()
    for study in studies:
        name = study["study"]
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for figure in shown[name]:
            shutil.copyfile(results / f"{figure['path']}.svg", folder / name / _name(figure))
        write_text(folder / f"{name}.md", _page(results, study, claims[claims.study == name], shown[name], by))
    write_text(folder / _INDEX, _index(folder))


def _by() -> str:
    """By which code the pages are made."""
    made = commit()
    if not made["commit"]:
        return "code that is not under version control"
    return f"commit `{made['commit'][:10]}`" + (" with uncommitted changes" if made["dirty"] else "")


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
    """The file of a figure: its path from the folder of its study in one word."""
    return "--".join(Path(figure["path"]).parts[2:]) + ".svg"


def _page(
    results: Path, study: Mapping[str, Any], claims: pd.DataFrame, figures: Iterable[Mapping[str, Any]], by: str
) -> str:
    rows = [_row(claim) for claim in claims.itertuples()]
    counts = claims.verdict.value_counts()
    source = study["source"]
    day = datetime.now(UTC).date().isoformat()
    # by this the index knows the page
    about = {
        "title": study["title"],
        "report": f"{source['author']}, {source['date']}" if source else "",
        "scale": results.name,
        "verdicts": {verdict: int(counts[verdict]) for verdict in VERDICTS if verdict in counts},
    }
    parts = [
        f"---\n{yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=120)}---",
        f"# {plain(study['title'])}",
        f"At the scale `{results.name}`, by {by}, on {day}. [All studies]({_INDEX})",
        banner(study["scale"]),
        verdict_counts(claims),
        *(
            f"![{_alt(figure['caption'])}]({study['study']}/{_name(figure)})\n\n{figure['caption']}"
            for figure in figures
        ),
        pipe_table(["verdict", claim_head(study), "reported → measured (95 % interval)", "why"], rows) if rows else "",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _index(folder: Path) -> str:
    pages = {path: head for path in sorted(folder.glob("*.md")) if "verdicts" in (head := _front_matter(path))}
    given = [verdict for verdict in VERDICTS if any(verdict in page["verdicts"] for page in pages.values())]
    rows = [
        [f"[{plain(page['title'])}]({path.name})", plain(page["report"]), page["scale"]]
        + [page["verdicts"].get(verdict, 0) for verdict in given]
        for path, page in pages.items()
    ]
    table = pipe_table(["study", "report by", "scale", *given], rows, numbers=given)
    return f"{_INTRODUCTION}\n\n{table}\n"


def _front_matter(path: Path) -> dict[str, Any]:
    """What the head of a page says of it, nothing of the index and of other pages."""
    start, found, _ = path.read_text(encoding="utf-8").partition("\n---\n")
    try:
        head = yaml.safe_load(start.removeprefix("---\n")) if found and start.startswith("---\n") else None
    except yaml.YAMLError:
        head = None
    return head if isinstance(head, dict) else {}


def _row(claim: Any) -> list[str]:
    found = "" if claim.verdict in ("not testable", "not judged") else measured(claim)
    numbers = " → ".join(filter(None, [plain(claim.reported), found]))
    # a first sentence alone may sound like another verdict: what a cap decides comes after it
    why = " ".join(filter(None, [claim.reason, claim.diagnosis]))
    return [f"**{claim.verdict}**", plain(claim.says), numbers, plain(why)]


def _alt(caption: str) -> str:
    """The first sentence of a caption, as a text that stands in for the figure."""
    return _short(caption).replace("[", "(").replace("]", ")")


def _short(text: str) -> str:
    """The first sentence."""
    first, stop, _ = text.partition(". ")
    return first + "." if stop else text
