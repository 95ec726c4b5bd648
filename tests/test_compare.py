"""Plans are compared by what they say."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Project
from workflow_scripts.compare import differences, main

JOB = {"spec": {"a": {"b": 1, "c": [1, 2]}}, "settings": {}, "inputs": {"x": "p"}, "outputs": {}, "fingerprint": "1"}


def test_what_two_plans_say_differently() -> None:
    old = {"train:s/e/m": JOB, "train:s/e/n": JOB, "figure:s/e/f": JOB}
    new = {key.replace("/f", "/g"): copy.deepcopy(job) for key, job in old.items()}
    for key in ("train:s/e/m", "train:s/e/n"):
        new[key]["spec"]["a"] |= {"b": 2, "d": None}
        new[key]["fingerprint"] = "2"
    new["train:s/e/m"]["spec"]["a"]["c"] = [1, 3]
    new["train:s/e/n"]["inputs"] = {}
    assert list(differences(old, old)) == []
    assert list(differences(old, new)) == [
        "- figure:s/e/f",
        "+ figure:s/e/g",
        '~ train: inputs.x: "p" → nothing  (s/e/n)',
        "~ train: spec.a.b: 1 → 2  (s/e/m, s/e/n)",
        "~ train: spec.a.c.1: 2 → 3  (s/e/m)",
        "~ train: spec.a.d: nothing → null  (s/e/m, s/e/n)",
    ]


def test_the_order_of_models_counts() -> None:
    old = {"figure:f": {**JOB, "spec": {"labels": {"a": 1, "b": 2}}}}
    new = {"figure:f": {**JOB, "spec": {"labels": {"b": 2, "a": 1}}}}
    assert list(differences(old, new)) == ['~ figure: spec.labels (order): ["a", "b"] → ["b", "a"]  (f)']


def test_a_sweep_that_says_what_was_written_out_plans_the_same(project: Project, tmp_path: Path) -> None:
    """The command itself, on the plans that Snakemake writes."""
    written = """      a-1: {label: "a 1", mlp: [1, 3, 1], training: {lr: 0.1}}
      a-2: {label: "a 2", mlp: [1, 4, 1], training: {lr: 0.2}}
"""
    swept = """      "a-{n}": {zip: {n: [1, 2], h: [3, 4], training.lr: [0.1, 0.2]}, label: "a {n}", mlp: [1, "{h}", 1]}
"""
    project.edit("report/tiny/study.yaml", "      wide: {label: wide, mlp: [1, 8, 1]}\n", written)
    project.run("--dry-run", "report")
    old = tmp_path / "old/quick/plan"
    shutil.copytree(project.folder / "results", tmp_path / "old", ignore=shutil.ignore_patterns(".snakemake"))
    project.edit("report/tiny/study.yaml", written, swept)
    project.run("--dry-run", "report")

    def compared() -> str:
        command = [sys.executable, "-m", "workflow_scripts.compare", old, project.folder / "results/quick/plan"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert compared() == "no difference\n"
    project.edit("report/tiny/study.yaml", "h: [3, 4]", "h: [3, 5]")
    project.run("--dry-run", "report")
    assert "~ train: spec.network.layers.1.out: 4 → 5  (tiny/fit--corrected/a-2, tiny/fit/a-2)\n" in compared()
    project.edit("config.yaml", "size: [28, 28]", "size: [14, 28]")
    project.run("--dry-run", "data")
    assert "~ prepare: spec.identity." in compared()


@pytest.mark.parametrize("content", [None, "", "[]", "{}"])
def test_what_is_no_plan(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "s.json"
    if content is not None:
        path.write_text(content)
    (tmp_path / "good.json").write_text(json.dumps({"train:x": JOB}))
    assert main([str(path), str(tmp_path / "good.json")]) == (
        f"error: {path}: is no plan; `snakemake --dry-run report` writes results/<scale>/plan"
    )
    assert str(main([])).startswith("error: name two plans")
