"""Why a job is stale, in words."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Project
from hwcore.jobs import Job
from hwcore.stale import changed_inputs, changes, is_known, reasons

SPEC: dict[str, Any] = {"kind": "sgd", "training": {"lr": 0.1, "epochs": 2}, "layers": [{"out": 3}, {"out": 4}]}
PARTS: dict[str, dict[str, str | None]] = {
    "code": {"workflow_scripts/train.py": "1", "hwcore.a": "2"},
    "versions": {"torch": "2.1", "pillow": None},
    "inputs": {"data": "3", "recipe": "4"},
}


def job(folder: Path, **changed: Any) -> Job:
    """A job whose results were made from SPEC and PARTS, and what it is now."""
    files = {"data": folder / "data", "recipe": folder / "recipe", "more": folder / "more"}
    made = Job("train", "m", folder, SPEC, {}, files, {}, folder / "record.json", fingerprint="old", parts=PARTS)
    record = {"job": {"fingerprint": "old", "spec": SPEC, **PARTS}}
    made.timing.write_text(json.dumps(record))
    return replace(made, **({"fingerprint": "new"} | changed))


@pytest.mark.parametrize(
    ("spec", "phrases"),
    [
        ({"training": {"lr": 0.2, "epochs": 2}}, ["training.lr 0.2 instead of 0.1"]),
        ({"kind": "adam"}, ["kind adam instead of sgd"]),
        ({"kind": None}, ["kind null instead of sgd"]),
        ({"kind": "two words"}, ['kind "two words" instead of sgd']),
        ({"kind": "0" * 64}, ["kind changed"]),
        ({"layers": [{"out": 3}, {"out": 5}]}, ["layers.1.out 5 instead of 4"]),
        ({"layers": []}, ['layers [] instead of [{"out": 3}, {"out": 4}]']),
        ({"clip": 1.0}, ["clip 1.0, which was not set"]),
        ({"clip": "0" * 64}, ["clip is new"]),
        ({"training": {"lr": 0.1}}, ["training.epochs is no longer set"]),
        ({"training": {"epochs": 2, "lr": 0.1}}, ["the order of training changed"]),
        (
            {"training": {"lr": 0.2, "epochs": 3}, "kind": "adam", "a": 1, "b": 2},
            [
                "kind adam instead of sgd",
                "training.lr 0.2 instead of 0.1",
                "training.epochs 3 instead of 2",
                "2 more settings",
            ],
        ),
        ({}, []),
    ],
)
def test_what_changed_in_the_settings(tmp_path: Path, spec: dict[str, Any], phrases: list[str]) -> None:
    assert reasons(job(tmp_path, spec={**SPEC, **spec})) == phrases


@pytest.mark.parametrize(
    ("code", "phrases"),
    [
        ({"hwcore.a": "3"}, ["hwcore.a changed"]),
        ({"hwcore.b": "3"}, ["hwcore.b changed"]),
        ({"workflow_scripts/train.py": "3", "hwcore.a": "3"}, ["hwcore.a and workflow_scripts/train.py changed"]),
        ({f"hwcore.{n}": "" for n in "bcdef"}, ["hwcore.b, hwcore.c, hwcore.d and 2 more modules changed"]),
    ],
)
def test_which_code_changed(tmp_path: Path, code: dict[str, str], phrases: list[str]) -> None:
    assert reasons(job(tmp_path, parts={**PARTS, "code": {**PARTS["code"], **code}})) == phrases


def test_which_packages_changed(tmp_path: Path) -> None:
    versions = {"torch": "2.2", "pillow": "11"}
    phrases = ["torch 2.2 instead of 2.1", "pillow 11 instead of none"]
    assert reasons(job(tmp_path, parts={**PARTS, "versions": versions})) == phrases


def test_which_inputs_changed(tmp_path: Path) -> None:
    inputs = {"data": "3", "recipe": "5", "more": "6"}
    assert changed_inputs(job(tmp_path, parts={**PARTS, "inputs": inputs})) == [tmp_path / "recipe", tmp_path / "more"]


@pytest.mark.parametrize("record", [None, "", "{", "[]", "{}"])
def test_nothing_is_known_of_results_whose_record_does_not_say(tmp_path: Path, record: str | None) -> None:
    stale = job(tmp_path)
    assert is_known(stale)
    stale.timing.unlink() if record is None else stale.timing.write_text(record)
    assert not is_known(stale)
    assert reasons(stale) == changed_inputs(stale) == []


def test_items_of_a_list_are_called_by_their_ids() -> None:
    old, new = ([{"id": "fit", "lr": lr}] for lr in (1, 2))
    assert list(changes(old, new, "experiments")) == [("experiments.fit.lr", 1, 2)]


def test_a_dry_run_says_why(finished: Project) -> None:
    """Of each job, against the real pipeline."""
    study, module = (finished.folder / file for file in ("report/tiny/study.yaml", "hwcore/train/optimizers.py"))
    table = finished.folder / "results/quick/tables/tiny/fit/predictions.parquet"
    before = {path: path.read_bytes() for path in (study, module, table)}
    record = finished.folder / "results/quick/benchmarks/train/tiny/fit/wide.json"
    try:
        finished.edit("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
        told = finished.reasons()
        assert told["train tiny/classify/small"] == "training.lr 0.2 instead of 0.1"
        assert told["draw tiny/classify/accuracy"] == "after train tiny/classify/small"
        assert told["write the page of tiny"] == (
            "page.experiments.classify.settings.learning rate 0.2 instead of 0.1; "
            "after train tiny/classify/small and draw tiny/classify/accuracy"
        )
        finished.edit("hwcore/train/optimizers.py", "def ", "CHANGED = 1\n\n\ndef ")
        told = finished.reasons()
        changed = "hwcore.train.optimizers changed"
        assert told["train tiny/classify/small"] == f"training.lr 0.2 instead of 0.1; {changed}"
        assert told["train tiny/fit/wide"] == changed
        for path in (study, module):
            path.write_bytes(before[path])
        table.unlink()
        assert finished.reasons()["analyse tiny/fit/predictions"] == f"{table.relative_to(finished.folder)} is missing"
        table.write_bytes(before[table])
        forced = finished.reasons("--forcerun", "index")
        assert forced == {"index of all studies": "asked for by --force, --forceall or --forcerun"}
        assert finished.reasons() == {}
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    assert json.loads(record.read_text())["job"]["code"].keys() >= {"workflow_scripts/train.py", "hwcore.train.train"}


def test_a_dry_run_of_nothing_made_yet(project: Project) -> None:
    told = project.reasons()
    assert {*told.values()} == {"is not there yet"}
    done = project.snakemake("--dry-run")
    assert done.stdout.endswith(f"\n{len(told) + 1} jobs to run: {done.stdout.rpartition(': ')[2]}")
    assert "train 5, " in done.stdout.splitlines()[-1]


def test_a_dry_run_leaves_to_snakemake_what_it_cannot_do(project: Project) -> None:
    done = project.snakemake("--dry-run", "scale=full")
    assert done.returncode != 0
    assert "error: target scale=full: there is none of that name" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("quiet", [["--quiet"], ["--quiet", "all"], ["--quiet", "rules"], ["--quiet", "progress"]])
def test_a_quiet_dry_run_still_counts(project: Project, quiet: list[str]) -> None:
    told = project.snakemake("--dry-run", "data", *quiet).stdout.splitlines()
    assert [line for line in told if " to run: " in line] == [told[-1]] == ["2 jobs to run: prepare 1, data 1"]
    assert ("prepare digits: is not there yet" in told) == ("progress" in quiet)


def test_of_a_dry_run_one_may_read_the_beginning(project: Project) -> None:
    command = f"{sys.executable} -m snakemake --dry-run | head -n 1"
    done = subprocess.run(command, shell=True, cwd=project.folder, capture_output=True, text=True, check=True)
    assert done.stdout.endswith(": is not there yet\n")
    assert "Broken" not in done.stderr


def test_a_verbose_dry_run_is_that_of_snakemake(project: Project) -> None:
    assert "Reason: Missing output files: " in project.run("--dry-run", "--verbose", "data")
