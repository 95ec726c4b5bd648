"""The plan behind the workflow: what code a job depends on, and what it needs on this machine."""

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT, Project
from hwcore.fingerprint import Code, digest
from hwcore.studies import schema
from hwcore.workflow import NO_TEX, Workflow

FOUND = [import_module(f"hwcore.analyses.{path.stem}") for path in (ROOT / "hwcore/analyses").glob("[a-z]*.py")]
MODULES = {module.__name__.rpartition(".")[2]: module for module in FOUND if hasattr(module, "analyse")}


def test_the_options_of_a_study_file_are_those_of_the_code() -> None:
    assert set(schema.ANALYSES) == set(MODULES)
    for kind, module in MODULES.items():
        wanted = set(module.analyse.__kwdefaults__ or {}) | set(module.analyse.__annotations__) - {"runs", "return"}
        assert set(schema.ANALYSES[kind].model_fields) == wanted


def config() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / "config.yaml").read_text())
    return found


def test_without_tex_all_but_the_pdf_is_planned(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("PATH", str(project.folder))
    without = Workflow(config(), ["config.yaml"], [])
    assert capsys.readouterr().err.splitlines() == [NO_TEX]
    assert not [path for path in without.results() if path.startswith("results/quick/report") and path.endswith("pdf")]
    assert "results/quick/report/tiny.tex" in without.results()
    (project.folder / "tectonic").write_text("#!/bin/sh\n")
    (project.folder / "tectonic").chmod(0o755)
    there = Workflow(config(), ["config.yaml"], [])
    assert set(there.results()) - set(without.results()) == {"results/quick/report/tiny.pdf"}
    assert capsys.readouterr().err == ""


def test_a_figure_depends_on_its_own_module_and_on_no_other_kind() -> None:
    code = Code(ROOT)
    modules = code.modules("workflow_scripts/figure.py", ["hwcore.figures.curves"])
    assert {"hwcore", "hwcore.figures.curves", "hwcore.figures.style", "hwcore.jobs"} <= set(modules)
    assert not {"hwcore.figures.capacity", "hwcore.train.train", "hwcore.studies.study"} & set(modules)
    trained = code.modules("workflow_scripts/train.py")
    assert {"hwcore.train.optimizers", "hwcore.nets.network", "hwcore.data.load"} <= set(trained)
    assert not [name for name in trained if name.startswith(("hwcore.figures", "hwcore.claims", "hwcore.analyses"))]


def package(folder: Path, text: str) -> str:
    (folder / "script.py").write_text(text)
    return Code(folder).digest("script.py")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("x = 1\n", "x = 1  # why\n", True),
        ("x = [1, 2]\n", "x = [\n    1,\n    2,\n]\n", True),
        ("x = 'a'\n", 'x = "a"\n', True),
        ("x = 1\r\n", "x = 1\n", True),
        ("def f():\n    'said'\n    return 1\n", "def f():\n    'otherwise'\n    return 1\n", True),
        ("def f():\n    return 'said'\n", "def f():\n    return 'otherwise'\n", False),
        ("x = 1\n", "x = 1.0\n", False),
        ("x = 1\n", "x = True\n", False),
        ("x = 1\n", "x = '1'\n", False),
        ("x = None\n", "x = 0\n", False),
        ("x = a - b\n", "x = b - a\n", False),
        ("x = a + b\n", "x = a - b\n", False),
        ("f(x=1, y=2)\n", "f(y=2, x=1)\n", False),
        ("async def f(): pass\n", "def f(): pass\n", False),
    ],
)
def test_what_counts_as_a_change(tmp_path: Path, first: str, second: str, same: bool) -> None:
    assert (package(tmp_path, first) == package(tmp_path, second)) == same


@given(
    st.recursive(
        st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(max_examples=50, deadline=None)
def test_a_digest_tells_values_apart(value: object) -> None:
    assert digest(value) == digest(value)
    assert digest(value) != digest([value])


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


def test_prepared_data_of_other_settings_are_not_taken_for_these(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    (clone.folder / "resources/data").mkdir(parents=True)
    prepared = "resources/data/digits.safetensors"
    (clone.folder / prepared).write_bytes((finished.folder / prepared).read_bytes())
    shutil.rmtree(clone.folder / "results")
    # the same settings: the file is good
    assert "prepare digits" not in clone.stale()
    shutil.rmtree(clone.folder / "results")
    clone.edit("config.yaml", "digits: {source: digits, size: [28, 28]}", "digits: {source: digits, size: [14, 14]}")
    done = clone.snakemake("report")
    assert done.returncode != 0
    assert f"error: {prepared}: was prepared from other settings of digits; delete it" in done.stdout + done.stderr
