"""The documentation: its pages are followed word for word, its reference is fresh, its links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from conftest import ROOT, Project, make_project
from hwcore import reference
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.studies.create import create
from hwcore.studies.schema import ExperimentFile
from hwcore.studies.study import load

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: with a title it goes into that file, without one and in `sh` it is run."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    yield from (Block(*parts) for parts in _FENCE.findall(page.read_text()))


def put(path: Path, text: str) -> None:
    """Do with a block what the page says: add it below its first line where the file has that line, else at the end."""
    before = path.read_text() if path.is_file() else ""
    first, _, rest = text.partition("\n")
    if first and rest and f"\n{first}\n" in before:
        path.write_text(before.replace(f"\n{first}\n", f"\n{text}", 1))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + text)


def follow(page: Path, folder: Path) -> None:
    """Do all that a page says, in order.  Fails the test where a command fails."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    for block in blocks(page):
        if block.title:
            put(folder / block.title, block.text)
        elif block.language == "sh":
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, block.text + done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    """A fresh copy of the project in which `make` finds its environment installed."""
    project = make_project(tmp_path / "hwcore")
    shutil.rmtree(project.folder / "report/tiny")
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, project.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "zensical.toml"):
        shutil.copy(ROOT / name, project.folder)
    project.add_make()
    return project


def test_the_tutorial_ends_with_a_report_of_ones_own(clone: Project) -> None:
    follow(DOCS / "tutorial.md", clone.folder)
    assert (clone.folder / "results/quick/report/first.html").is_file()
    for scale in ("quick", "standard"):
        for suffix in ("md", "html", "tex"):
            page = (clone.folder / f"results/{scale}/report/mine.{suffix}").read_text()
            assert "discs from rings" in " ".join(page.split())
    (claim,) = pd.read_parquet(clone.folder / "results/standard/claims.parquet").itertuples()
    assert claim.study == "mine"
    assert claim.n == 5
    assert claim.verdict in ("holds", "fails", "undecided")


def test_the_added_analysis_runs(clone: Project) -> None:
    follow(DOCS / "extend.md", clone.folder)
    table = pd.read_parquet(clone.folder / "results/quick/tables/norms/fit/norms.parquet")
    assert set(table.columns) == {"model", "layer", "replicate", "weight_norm"}
    assert (table.weight_norm > 0).all()
    assert (clone.folder / "results/quick/figures/norms/fit/norms.svg").is_file()
    assert "## weight_norm" in (clone.folder / "docs/reference/analyses.md").read_text()


def tutorial_study() -> dict[str, Any]:
    """The study that the tutorial ends with."""
    parts = [block.text for block in blocks(DOCS / "tutorial.md") if block.title == "report/mine/study.yaml"]
    study: dict[str, Any] = yaml.safe_load("".join(parts))
    return study


def readings(example: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tutorial's study with an example in it: in one of its experiments, or beside them."""
    study = tutorial_study()
    if example.keys() <= {*ExperimentFile.model_fields, "variants"}:
        for id, experiment in study["experiments"].items():
            # claims speak of models that the example may not have
            yield {**study, "experiments": {**study["experiments"], id: {**experiment, **example}}, "claims": {}}
    yield {**study, **example}


EXAMPLES = [
    pytest.param(yaml.safe_load(block.text), id=f"{page.stem}-{number}")
    for page in sorted((DOCS / "reference").glob("*.md"))
    for number, block in enumerate(blocks(page), start=1)
    if block.language == "yaml" and page.stem != "configuration"
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_reference_is_read(example: dict[str, Any], tmp_path: Path) -> None:
    config = parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])
    path = tmp_path / "mine/study.yaml"
    path.parent.mkdir()
    errors = []
    for reading in readings(example):
        path.write_text(yaml.safe_dump(reading, sort_keys=False))
        try:
            assert load("mine", tmp_path, config).experiments
        except HwcoreError as error:
            errors.append(str(error))
        else:
            return
    pytest.fail("\n".join(errors))


def test_the_examples_of_the_configuration_are_read() -> None:
    examples = [block for block in blocks(DOCS / "reference/configuration.md") if block.language == "yaml"]
    assert examples
    for block in examples:
        values = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(block.text)
        parse(values, ["config.yaml"])


def test_the_reference_is_fresh() -> None:
    for path in PAGES:
        text = path.read_text()
        assert reference.fill(text, path.name) == text, f"{path.name} is stale: make docs"


def test_every_part_of_the_reference_has_one_place() -> None:
    text = "".join(path.read_text() for path in PAGES)
    places = re.findall(r"<!-- reference: (.*) -->", text)
    assert sorted(places) == sorted(reference.PLACES)


def test_an_unknown_place_is_an_error() -> None:
    with pytest.raises(HwcoreError, match=r"page\.md: unknown place 'trainig'"):
        reference.fill("<!-- reference: trainig -->\n<!-- end -->\n", "page.md")


def test_the_reference_says_what_each_key_means() -> None:
    """A field without a description leaves the last cell of its row empty."""
    for path in sorted((DOCS / "reference").glob("*.md")):
        lines = path.read_text().splitlines()
        assert not [line for line in lines if line.endswith("|  |")], path.name


def test_the_site_is_built_without_a_broken_link_and_asks_no_other_host(clone: Project) -> None:
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = sorted((clone.folder / "site").rglob("*.html"))
    assert {"index.html", "tutorial.html", "analyses.html"} <= {path.name for path in made}
    for path in made:
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"([^\"]+)\"", path.read_text())
        assert loaded
        assert not [address for address in loaded if "//" in address], path.name


def test_what_the_readme_points_to_exists() -> None:
    """The site checks the links of docs/, and nothing else those of the README."""
    targets = re.findall(r"\]\((?!\w+:)([^)#]+)", (ROOT / "README.md").read_text())
    assert "docs/tutorial.md" in targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_a_study_is_laid_down_once(tmp_path: Path) -> None:
    """That it runs is what the tutorial begins with."""
    made = create("mine", tmp_path / "report")
    assert made == tmp_path / "report/mine"
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    assert set(before) == {"study.yaml", "report.md"}
    (made / "study.yaml").write_text("changed")
    with pytest.raises(HwcoreError, match="report/mine: exists already; choose another name"):
        create("mine", tmp_path / "report")
    assert (made / "study.yaml").read_text() == "changed"


@pytest.mark.parametrize("name", ["", "My Study", "../mine", "a--b", "Übung", "mine/", "-"])
def test_a_bad_name_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(HwcoreError) as error:
        create(name, tmp_path)
    assert re.fullmatch(r"NAME: .* cannot name a study; use small letters, .*make study NAME=mine", str(error.value))
    assert not list(tmp_path.iterdir())
