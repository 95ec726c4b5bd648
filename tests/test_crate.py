"""Finished results as an RO-Crate, judged by the public validator of its profile."""

import hashlib
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils.http import HttpRequester

from conftest import Project
from hwcore.files import read_json, write_json
from hwcore.machine import machine

PROFILE = "provenance-run-crate"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
Entities = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def made(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project of its own with the crate of its results, a training of which diverged in one replicate."""
    project = finished.clone(tmp_path_factory.mktemp("crate") / "project")
    run = project.folder / "results/quick/runs/tiny/fit/narrow/run.json"
    write_json(run, {**read_json(run), "diverged": [1]})
    # as the job itself would have written it
    record = project.folder / "results/quick/benchmarks/train/tiny/fit/narrow.json"
    noted = read_json(record)
    noted["sha256"][str(run.relative_to(project.folder))] = hashlib.sha256(run.read_bytes()).hexdigest()
    write_json(record, noted)
    project.run("crate")
    return project


@pytest.fixture(scope="module")
def entities(made: Project) -> Entities:
    return read(made)


def ids(links: Any) -> list[str]:
    """The ids that one link or several lead to."""
    return [link["@id"] for link in (links if isinstance(links, list) else [links])]


def read(project: Project) -> Entities:
    graph = read_json(project.folder / "results/quick/ro-crate-metadata.json")["@graph"]
    assert len({each["@id"] for each in graph}) == len(graph)
    return {each["@id"]: each for each in graph}


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """What the validator says of a crate; the one document that it reads of the network is that of a package."""
    package = find_spec("rocrate")
    assert package
    assert package.origin
    context = (Path(package.origin).parent / "data/ro-crate.jsonld").read_bytes()
    assert json.loads(context)["@id"] == CONTEXT

    def get(self: HttpRequester, url: str, **_: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response._content = (200, context) if url == CONTEXT else (404, b"")
        response.headers["Content-Type"] = "application/ld+json"
        response.url = url
        return response

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    monkeypatch.setenv("ROCRATE_VALIDATOR_AUTO_WARM", "0")

    def validate(folder: Path) -> list[str]:
        settings = ValidationSettings(
            rocrate_uri=str(folder), profile_identifier=PROFILE, requirement_severity=Severity.REQUIRED, no_cache=True
        )
        return [f"{issue.check.identifier}: {issue.message}" for issue in services.validate(settings).get_issues()]

    return validate


@pytest.mark.filterwarnings("ignore")
def test_the_validator_of_the_profile_accepts_it(made: Project, problems: Callable[[Path], list[str]]) -> None:
    assert problems(made.folder / "results/quick") == []


@pytest.mark.filterwarnings("ignore")
def test_the_validator_refuses_what_is_wrong(
    made: Project, tmp_path: Path, problems: Callable[[Path], list[str]]
) -> None:
    """It does look: a crate whose actions name no instrument does not pass."""
    folder = made.clone(tmp_path / "clone").folder / "results/quick"
    path = folder / "ro-crate-metadata.json"
    crate = read_json(path)
    for entity in crate["@graph"]:
        if entity["@type"] == "CreateAction":
            entity.pop("instrument", None)
    write_json(path, crate)
    assert any("instrument" in problem for problem in problems(folder))


def test_every_file_has_its_hash_and_size(made: Project, entities: Entities) -> None:
    root = made.folder / "results/quick"
    parts = ids(entities["./"]["hasPart"])
    assert {*parts} == {id for id, each in entities.items() if "File" in each["@type"]}
    for id in parts:
        content = (root / unquote(id)).read_bytes()
        assert entities[id]["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[id]["contentSize"] == str(len(content))
    made_files = {
        path for folder in ("tables", "figures", "runs", "report") for path in (root / folder).rglob("[!.]*.*")
    }
    shown = {str(path.relative_to(root)) for path in made_files if not {".latex", ".pandoc"} & {*path.parts}}
    assert shown <= {unquote(id) for id in parts}
    copies = {"Snakefile", "config.yaml", "report/tiny/study.yaml", "report/tiny/report.md", "configuration.json"}
    assert {f"workflow/{copy}" for copy in copies} <= {*parts}


def test_every_job_is_an_action_with_command_times_and_versions(entities: Entities) -> None:
    action = entities["#job/train%3Atiny/fit/narrow"]
    assert "python -m workflow_scripts.train results/quick/plan/tiny.json tiny/fit/narrow" in action["description"]
    assert ids(action["object"]) == ["workflow/report/tiny/study.yaml"]
    assert action["startTime"] < action["endTime"]
    instruments = [entities[id] for id in ids(action["instrument"])]
    assert instruments[0]["@id"] == "workflow/workflow_scripts/train.py"
    assert {"Python", "torch", "numpy"} <= {each["name"] for each in instruments if "softwareVersion" in each}
    usage = {entities[id]["propertyID"]: entities[id]["value"] for id in ids(action["resourceUsage"])}
    assert {*usage} == {"cpu", "memory", "machine"}
    assert usage["machine"].startswith(f"{machine()['cpu']}, {machine()['cores']} cores")
    assert "runs/tiny/fit/narrow/metrics.parquet" in ids(action["result"])
    assert ids(entities["#job/judge%3Atiny"]["result"]) == ["claims/tiny.parquet"]
    # every reference leads to an entity
    for each in entities.values():
        if each["@id"] != "ro-crate-metadata.json":
            lists = [value if isinstance(value, list) else [value] for value in each.values()]
            linked = {one["@id"] for values in lists for one in values if isinstance(one, dict)}
            assert not {id for id in linked if not id.startswith("http")} - entities.keys()


def test_replicates_that_diverged_are_told(entities: Entities) -> None:
    action = entities["#job/train%3Atiny/fit/narrow"]
    assert "1 of 2 replicates diverged" in action["description"]
    assert entities["#diverged/tiny/fit/narrow"]["value"] == "1"
    assert "#diverged/tiny/fit/narrow" in ids(action["result"])
    assert "#diverged/tiny/fit/wide" not in entities


def test_it_is_stale_by_content_and_no_part_of_the_report(made: Project, tmp_path: Path) -> None:
    clone = made.clone(tmp_path / "clone")
    crate = clone.folder / "results/quick/ro-crate-metadata.json"
    before = crate.read_bytes()
    assert clone.stale("crate") == set()
    clone.edit("report/tiny/report.md", "Prose.", "More prose.")
    assert not any("RO-Crate" in job for job in clone.stale("report"))
    assert "describe the results as an RO-Crate" in clone.stale("crate")
    clone.edit("report/tiny/report.md", "More prose.", "Prose.")
    clone.run("--forcerun", "crate", "--", "crate")
    assert crate.read_bytes() == before
