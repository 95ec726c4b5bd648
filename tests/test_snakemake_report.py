"""Snakemake's own report: it can be made with what is installed, and has every figure and page in its place."""

import ast
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import snakemake.report
from docutils.core import publish_parts
from test_packaging import distributions, pins

from conftest import Project
from hwcore.shown import _text

FIGURES = "results/quick/figures/"


@pytest.fixture(scope="module")
def page(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the report in a zip."""
    # beside the results, where every other file is one that a rule makes
    finished.run("--report", "results/tiny.zip")
    archive = (finished.folder / "results/tiny.zip").rename(tmp_path_factory.mktemp("report") / "tiny.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        return opened.read("tiny/report.html").decode()


def value(page: str, name: str) -> Any:
    """What the page gives one of its variables."""
    start = page.rindex(f"var {name} = ") + len(f"var {name} = ")
    return json.JSONDecoder().raw_decode(page, start)[0]


def test_every_figure_and_page_is_there_with_labels_and_caption(finished: Project, page: str) -> None:
    results, categories = value(page, "results"), value(page, "categories")
    drawn = {str(path.relative_to(finished.folder)) for path in (finished.folder / FIGURES).rglob("*.svg")}
    assert {*results} == drawn | {"results/quick/report/tiny.html"}
    assert {*categories} == {"A tiny study"}
    corrected = results[f"{FIGURES}tiny/fit--corrected/loss.svg"]
    assert corrected["labels"] == {"figure": "loss", "variant": "corrected"}
    for path, result in results.items():
        assert len(result["caption"].strip()) > len("<p></p>"), path


def test_captions_have_the_numbers_of_the_scale(finished: Project, page: str) -> None:
    """The same words as on the page of the study."""
    markdown = " ".join((finished.folder / "results/quick/report/tiny.md").read_text().split())
    results = value(page, "results")
    shown = [path for path in results if path.startswith(f"{FIGURES}tiny/")]
    assert shown
    for path in shown:
        caption = results[path]["caption"].strip().removeprefix("<p>").removesuffix("</p>").strip()
        assert caption
        assert " ".join(caption.split()) in markdown, path


def test_a_changed_caption_draws_nothing_again(finished: Project, edited: Any) -> None:
    first = "caption: Training loss"
    assert first in (finished.folder / "report/tiny/study.yaml").read_text()
    assert not [job for job in edited("report/tiny/study.yaml", first, "caption: The training loss") if "draw" in job]


@pytest.mark.parametrize("text", ["1. of two", "- a *b* `c` d_ |e|", "(a) is a \\ b"])
def test_a_caption_is_shown_as_it_is_written(text: str) -> None:

    assert publish_parts(_text(text), writer="html5")["body"].strip() == f"<p>{text}</p>"


def test_what_makes_the_report_is_installed_with_what_runs() -> None:
    """Snakemake does without these packages until a report is asked for."""
    folder = Path(snakemake.report.__file__).parent
    trees = [ast.parse(path.read_text()) for path in folder.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    needed = distributions(modules)
    assert {"pygments", "docutils"} <= needed
    assert needed <= pins("run").keys()
