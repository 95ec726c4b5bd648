"""Why a job is stale, in words."""

import base64
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Project
from hwcore.jobs import Job
from hwcore.stale import changed_inputs, changes, reasons
from hwcore.upgrade import VERSION

SPEC: dict[str, Any] = {"kind": "sgd", "training": {"lr": 0.1, "epochs": 2}, "layers": [{"out": 3}, {"out": 4}]}
PARTS: dict[str, dict[str, Any]] = {
    "stated": SPEC,
    "code": {"workflow_scripts/train.py": "1", "hwcore.a": "2"},
    "versions": {"torch": "2.1", "pillow": None},
    "inputs": {"data": "3", "recipe": "4"},
}


def job(folder: Path, **changed: Any) -> Job:
    """A job whose results were made from SPEC and PARTS, and what it is now."""
    files = {"data": folder / "data", "recipe": folder / "recipe", "more": folder / "more"}
    made = Job("train", "m", folder, SPEC, {}, files, {}, folder / "record.json", fingerprint="old", parts=PARTS)
    record = {"job": {"fingerprint": "old", **PARTS}}
    made.timing.write_text(json.dumps(record))
    return replace(made, **({"fingerprint": "new"} | changed))


@pytest.mark.parametrize(
    ("spec", "phrases"),
    [
        ({"training": {"lr": 0.2, "epochs": 2}}, ["training.lr 0.2 instead of 0.1"]),
        ({"kind": "adam"}, ["kind adam instead of sgd"]),
        ({"kind": None}, ["kind null instead of sgd"]),
        ({"kind": "two words"}, ['kind "two words" instead of sgd']),
        ({"kind": ""}, ['kind "" instead of sgd']),
        ({"training": {"lr": "0.1", "epochs": 2}}, ['training.lr "0.1" instead of 0.1']),
        ({"kind": "0" * 64}, ["kind changed"]),
        ({"training": {"lr": 0.1, "epochs": 2.0}}, ["training.epochs 2.0 instead of 2"]),
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
    assert reasons(job(tmp_path, parts={**PARTS, "stated": {**SPEC, **spec}})) == phrases


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
    versions = {"scipy": "1.1", "pillow": "11"}
    phrases = ["pillow 11 instead of none", "scipy 1.1 instead of none", "torch none instead of 2.1"]
    assert reasons(job(tmp_path, parts={**PARTS, "versions": versions})) == phrases


def test_which_inputs_changed(tmp_path: Path) -> None:
    changed = job(tmp_path, parts={**PARTS, "inputs": {"recipe": "5", "more": "6"}})
    assert changed_inputs(changed) == [tmp_path / "data", tmp_path / "recipe"]
    assert reasons(changed) == ["no longer reads data", "now reads more"]


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"job": "x"}',
        '{"job": {"fingerprint": "x"}}',
        json.dumps({"job": PARTS | {"fingerprint": "x", "code": 1}}),
    ],
)
def test_nothing_is_known_of_results_whose_record_does_not_say(tmp_path: Path, record: str | None) -> None:
    stale = job(tmp_path)
    assert changed_inputs(replace(stale, parts={**PARTS, "inputs": {}}))
    stale.timing.unlink() if record is None else stale.timing.write_text(record)
    assert reasons(stale) == changed_inputs(stale) == []


def test_items_of_a_list_are_called_by_their_ids() -> None:
    old, new = ([{"id": "fit", "lr": lr}, {"id": "more"}] for lr in (1, 2))
    assert list(changes(old, new, "experiments")) == [("experiments.fit.lr", 1, 2)]
    assert list(changes(old, old[::-1], "models")) == [("models (order)", ["fit", "more"], ["more", "fit"])]
    assert [path for path, *_ in changes(old, old[:1], "models")] == ["models.more"]


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


def test_results_without_snakemakes_records_are_known(finished: Project, tmp_path: Path) -> None:
    """As after `cp -r results/* …`, which leaves out the hidden folder of these."""
    clone = finished.clone(tmp_path / "clone")
    shutil.rmtree(clone.folder / "results/.snakemake")
    assert clone.reasons() == {}
    clone.edit("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
    told = clone.reasons("results/quick/runs/tiny/classify/small/checkpoint.safetensors")
    # the prepared data did not come along
    assert told["train tiny/classify/small"] == "training.lr 0.2 instead of 0.1; after prepare digits"


def test_results_of_which_nothing_is_known_are_stale(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    record = clone.folder / "results/quick/benchmarks/train/tiny/fit/wide.json"
    record.unlink()
    assert clone.reasons() == {}  # Snakemake has a record
    shutil.rmtree(clone.folder / "results/.snakemake")
    run = "results/quick/runs/tiny/fit/wide/checkpoint.safetensors"
    assert clone.reasons(run) == {"train tiny/fit/wide": "no record tells what it was made from"}
    clone.run(run)
    assert clone.reasons(run) == {}


def test_what_is_made_by_hand_counts(finished: Project, tmp_path: Path) -> None:
    """Also where it is other than Snakemake's record says."""
    clone = finished.clone(tmp_path / "clone")
    option = "log: true, caption: Training loss", "log: false, caption: Training loss"
    study = clone.folder / "report/tiny/study.yaml"
    before = study.read_bytes()
    clone.edit("report/tiny/study.yaml", *option)
    draw = "draw tiny/fit/loss"
    assert draw in clone.reasons()
    command = [sys.executable, "-m", "workflow_scripts.figure", "results/quick/plan/tiny.json", "tiny/fit/loss"]
    subprocess.run(command, cwd=clone.folder, check=True)
    assert draw not in clone.reasons()
    study.write_bytes(before)
    assert draw in clone.reasons()


def test_a_job_that_was_stopped_is_told(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    path = "results/quick/figures/tiny/fit/loss.svg"
    marker = clone.folder / ".snakemake/incomplete" / base64.b64encode(path.encode()).decode()
    assert clone.reasons(path) == {}
    marker.write_text("")
    assert clone.reasons(path) == {"draw tiny/fit/loss": "was stopped before it ended"}


def test_a_file_that_was_edited_is_told(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    page = clone.folder / "results/quick/report/tiny.md"
    page.write_text(page.read_text() + "\nMore.\n")
    told = clone.reasons("results/quick/report/tiny.html")
    assert told == {"HTML of tiny": "results/quick/report/tiny.md was changed since"}


def test_a_dry_run_changes_no_result(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    page = "results/quick/report/tiny.md"
    (clone.folder / "results/damaged.txt").write_text(f"{page}\n")
    version = clone.folder / "results/format.json"
    version.write_text('{"version": 1}')
    before = {path: path.read_bytes() for path in (clone.folder / "results").rglob("*") if path.is_file()}
    assert clone.reasons(page) == {"write the page of tiny": f"{page} is damaged"}
    assert {path: path.read_bytes() for path in (clone.folder / "results").rglob("*") if path.is_file()} == before
    clone.run(page)
    assert (clone.folder / f"{page}.damaged").is_file()
    assert json.loads(version.read_text()) == {"version": VERSION}
