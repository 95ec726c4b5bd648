"""The plan behind the workflow: what code a job depends on, and what it needs on this machine."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, Project
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.planned import Submitted, _one_of
from hwcore.studies.kinds import ANALYSES
from hwcore.workflow import Workflow

FOUND = [import_module(f"hwcore.analyses.{path.stem}") for path in (ROOT / "hwcore/analyses").glob("[a-z]*.py")]
MODULES = {module.__name__.rpartition(".")[2]: module for module in FOUND if hasattr(module, "analyse")}


def test_the_options_of_a_study_file_are_those_of_the_code() -> None:
    assert set(ANALYSES) == set(MODULES)
    for kind, module in MODULES.items():
        wanted = set(module.analyse.__kwdefaults__ or {}) | set(module.analyse.__annotations__) - {"runs", "return"}
        # the epochs of `over` are gone through outside
        assert set(ANALYSES[kind].model_fields) - {"over"} == wanted


def config() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / "config.yaml").read_text())
    return found


def test_without_tex_the_pdf_is_made_of_the_markdown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("PATH", str(project.folder))

    def read(workflow: Workflow) -> set[str]:
        inputs = workflow.inputs("pdf", "tiny")
        return {Path(path).suffix for path in inputs if Path(path).parent.name == "report"}

    without = Workflow(config(), ["config.yaml"], [])
    assert read(without) == {".md"}
    deployed = Workflow(config(), ["config.yaml"], [], deployed=True)
    (project.folder / "tectonic").write_text("#!/bin/sh\n")
    (project.folder / "tectonic").chmod(0o755)
    there = Workflow(config(), ["config.yaml"], [])
    assert read(there) == read(deployed) == {".tex"}
    assert set(there.results()) == set(without.results())
    assert {"results/quick/report/tiny.pdf", "results/quick/report/tiny.tex"} <= set(there.results())


def test_a_configuration_among_results_is_no_target(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    among = "results/quick/workflow/configuration.json"
    assert Workflow(config(), ["config.yaml"], ["report", "--configfile", among]).results()
    with pytest.raises(HwcoreError, match=f"target {among}: nothing makes this file"):
        Workflow(config(), ["config.yaml"], ["report", among])


def test_a_study_may_be_called_by_a_number() -> None:
    assert parse({**config(), "studies": 2024}, ["config.yaml"]).studies == ["2024"]


@pytest.mark.parametrize("target", ["prepare:dataset=digits", "analyse:scale=quick,table=tiny/fit/predictions"])
def test_a_process_on_a_node_knows_its_job_as_it_was_planned(
    finished: Project, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(finished.folder)
    rule, name = target.partition(":")[0], target.rpartition("=")[2]
    here = Submitted("quick", ["snakemake", "--target-jobs", target, "--allowed-rules", rule])
    there = Workflow(config(), ["config.yaml"], [])
    assert [*here.jobs] == [(rule, name)]
    assert here.inputs(rule, name) == there.inputs(rule, name)
    assert here.arguments(rule, name) == there.arguments(rule, name)
    assert here.recorded() == []


def test_trainings_on_a_node_are_as_they_were_planned(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.folder)
    names = ["tiny/fit/narrow", "tiny/fit--corrected/wide"]
    targets = [f"train_snapshots_steps:scale=quick,run={name}" for name in names]
    here = Submitted("quick", ["snakemake", "--target-jobs", *targets, "--cores", "all"])
    there = Workflow(config(), ["config.yaml"], [])
    assert here.recorded() == [("snapshots", "steps")]
    for name in names:
        assert here.training(name) == there.training(name)
        assert here.threads(name, None) == there.threads(name, None)


@pytest.mark.parametrize("names", [["a/b"], ["a/b", "a/bc", "a/d.e", "x", "a"], [f"e{i}/m{i}" for i in range(300)]])
def test_the_names_of_a_rule_and_no_others_match(names: list[str]) -> None:
    pattern = _one_of(names)
    assert all(re.fullmatch(pattern, name) for name in names)
    others = ["", "a/", "a/dxe", "b", "e1/m2x", "e1/m", "a/b/c", *(f"{name}0/" for name in names)]
    assert not any(re.fullmatch(pattern, name) for name in {*others} - {*names})


def test_a_job_that_a_later_call_does_not_plan_is_told(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.folder)
    with pytest.raises(HwcoreError, match="train:tiny/fit/gone is no longer planned; run the same command again"):
        Submitted("quick", ["--target-jobs", "train:scale=quick,run=tiny/fit/gone"])


def test_no_process_on_a_node_loads_the_planner() -> None:
    """It takes longer than many a job, and each has two such processes."""
    check = "import sys, hwcore.planned; sys.exit('hwcore.plan' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_a_module_that_is_loaded_unseen_fails_the_job(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    clone.edit(
        "hwcore/figures/curves.py",
        "def draw(",
        "import importlib\n\nimportlib.import_module('hwcore.seeds')\n\n\ndef draw(",
    )
    done = clone.snakemake("results/quick/figures/tiny/fit/loss.svg")
    assert done.returncode != 0
    assert "hwcore.seeds was loaded without being part of the job's fingerprint" in done.stdout + done.stderr


def test_a_syntax_error_in_a_module_is_told_in_a_line(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    clone.edit("hwcore/figures/curves.py", "def draw(", "def draw((")
    done = clone.snakemake("report")
    said = (done.stdout + done.stderr).partition("error: ")[2].splitlines()
    assert done.returncode != 0
    assert len(said) == 1
    assert "hwcore/figures/curves.py: line" in said[0]
    assert "is not valid Python" in said[0]


def test_a_plan_that_changed_is_not_run(finished: Project) -> None:
    command = [
        sys.executable,
        "-m",
        "workflow_scripts.figure",
        "results/quick/plan/tiny.json",
        "tiny/fit/loss",
        "0" * 64,
    ]
    done = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "changed since this run was planned" in done.stderr


def test_prepared_data_without_a_record_of_what_made_them_are_made_again(finished: Project, tmp_path: Path) -> None:
    """Snakemake's records lie in results/, and so does a proof of them."""
    clone = finished.clone(tmp_path / "clone")
    (clone.folder / "resources/data").mkdir(parents=True)
    prepared = "resources/data/digits.safetensors"
    (clone.folder / prepared).write_bytes((finished.folder / prepared).read_bytes())
    assert clone.stale() == set()
    shutil.rmtree(clone.folder / "results")
    assert "prepare digits" in clone.stale()


def test_records_of_an_earlier_call_move_to_the_results(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    shutil.move(clone.folder / "results/.snakemake", clone.folder / ".snakemake/metadata")
    assert clone.stale() == set()
    assert (clone.folder / ".snakemake/metadata").is_symlink()
