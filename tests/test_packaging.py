"""What a stranger gets: the pins, the environments, the make targets and what they promise."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import grimp
import pypandoc
import pytest
import yaml

from hwcore.fingerprint import Code
from hwcore.train.files import FILES
from workflow_scripts import audit
from workflow_scripts.audit import told

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("run", "dev", "slurm", "audit")
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
# conda-forge's name of a package where it is not PyPI's
PYPI = {"pytorch": "torch", "pypandoc": "pypandoc-binary", "matplotlib-base": "matplotlib", "typst-py": "typst"}
# What a rule's script loads by name and not by an import.
CHOSEN = {"prepare": "hwcore.data.sources", "analyse": "hwcore.analyses", "figure": "hwcore.figures"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(name: str) -> Iterator[str]:
    """Each requirement of a compiled list on one line, with its marker and hashes."""
    text = (ROOT / f"requirements/{name}.txt").read_text().replace("\\\n", " ")
    yield from (line for line in text.splitlines() if line and not line.lstrip().startswith("#"))


@cache
def pins(name: str) -> dict[str, set[str]]:
    """The versions of each package; there are several where they depend on Python's version."""
    found: dict[str, set[str]] = {}
    for line in requirements(name):
        package, version = re.fullmatch(r"([\w.-]+)==([^\s;]+).*", line).groups()
        found.setdefault(canonical(package), set()).add(version)
    return found


def direct(name: str) -> dict[str, str | None]:
    """What a list asks for itself, with the version if it fixes one."""
    lines = (ROOT / f"requirements/{name}.in").read_text().splitlines()
    asked = [line.partition("==") for line in lines if line and not line.startswith(("#", "-r"))]
    return {canonical(package): version or None for package, _, version in asked}


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_a_version_and_hashes_and_no_address(name: str) -> None:
    for line in requirements(name):
        assert re.fullmatch(r"[\w.-]+==[^\s;]+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line
    assert "://" not in (ROOT / f"requirements/{name}.txt").read_text()


@pytest.mark.parametrize("name", LISTS)
def test_what_is_asked_for_is_pinned_to_one_version_for_all_pythons(name: str) -> None:
    for package, version in direct(name).items():
        assert len(pins(name)[package]) == 1, package
        assert version in (None, *pins(name)[package]), package


@pytest.mark.parametrize("name", LISTS[1:])
def test_lists_install_on_top_of_each_other(name: str) -> None:
    assert pins("run").items() <= pins(name).items()


def graph() -> grimp.ImportGraph:
    return grimp.build_graph("hwcore", include_external_packages=True, cache_dir=None)


def distributions(modules: set[str]) -> set[str]:
    """The PyPI packages of the external modules among ``modules``."""
    installed = packages_distributions()
    names = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"hwcore"}
    return {canonical(installed[name][0]) for name in names}


def test_every_import_is_asked_for_by_name() -> None:
    """Nothing is there only because something else happens to need it."""
    used = distributions(graph().modules) | distributions(script_imports())
    assert used <= direct("run").keys()


def script_imports() -> set[str]:
    sources = [path.read_text() for path in (ROOT / "workflow_scripts").glob("*.py")]
    return {name for source in sources for name in re.findall(r"^(?:from|import) ([\w.]+)", source, re.MULTILINE)}


def environment(name: str) -> dict[str, str]:
    """conda-forge packages and versions of one environment."""
    said = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())
    assert said["name"] == f"hwcore-{name}"
    assert said["channels"] == ["conda-forge", "nodefaults"]
    return {package: version for package, _, version in (line.partition("=") for line in said["dependencies"])}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_environment_has_the_pinned_versions(name: str) -> None:
    packages = environment(name)
    # no PyPI package, so no pin: Python, the pandoc that pypandoc-binary holds, and the TeX engine
    assert packages.pop("python") == "3.11"
    assert packages.pop("pandoc", None) in (None, pypandoc.get_pandoc_version())
    assert packages.pop("tectonic", None) != ""
    for package, version in packages.items():
        assert {version} == pins("run")[canonical(PYPI.get(package, package))], package


def test_containers_install_the_pinned_versions_and_nothing_else() -> None:
    docker, apptainer = ((ROOT / "envs" / name).read_text() for name in ("Dockerfile", "apptainer.def"))
    base = {re.search(r"^F(?:ROM |rom: )(.*)", text, re.MULTILINE)[1] for text in (docker, apptainer)}
    assert base == {f"python:{environment('train')['python']}-slim"}
    install = "pip install --no-cache-dir --require-hashes --requirement /opt/hwcore/run.txt"
    for text in (docker, apptainer):
        assert re.findall(r"\b(?:pip|apt-get|conda) .*", text) == [install]
        assert re.search(r"requirements/run\.txt /opt/hwcore/run\.txt$", text, re.MULTILINE)
        assert "snakemake" in text


def rules() -> dict[str, tuple[str, str]]:
    """The script and the environment of each rule that has them."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    found = {}
    for rule in re.split(r"^ *rule\b", text, flags=re.MULTILINE)[1:]:
        script = re.search(r"hwcore/launch/client\.py (\w+)", rule)
        conda = re.search(r'conda:\s+"\.\./envs/(\w+)\.yaml"', rule)
        assert script, rule
        assert conda, rule
        found[script[1]] = (script[1], conda[1])
    return found


def test_each_environment_serves_a_rule() -> None:
    assert {name for _, name in rules().values()} == set(ENVIRONMENTS)


@pytest.mark.parametrize("rule", rules())
def test_conda_environment_holds_all_that_its_rules_load(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    script, name = rules()[rule]
    imports = graph()
    room = CHOSEN.get(rule)
    chosen = imports.find_children(room) if room else ()
    modules = Code(ROOT).modules(f"workflow_scripts/{script}.py", tuple(chosen))
    loaded = set().union(*(imports.find_modules_directly_imported_by(module) for module in modules))
    offered = {canonical(PYPI.get(package, package)) for package in environment(name)}
    needed = distributions(loaded)
    if "pandas" in needed:
        # which reads and writes Parquet with it
        needed.add("pyarrow")
    assert needed <= offered


def test_versions_and_names_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    for key, ours in {"title": "name", "version": "version", "license": "license"}.items():
        assert str(citation[key]) == project[ours]
    authors = {author["name"] for author in citation["authors"]}
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith(f"{project['license']} License")
    assert all(f"Copyright (c) {citation['date-released'].year} {name}\n" in licence for name in authors)
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def profile(name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    return said


def test_the_slurm_profile_keeps_what_the_default_profile_says() -> None:
    """A workflow profile replaces the default one; staleness must not change with it."""
    assert profile("default").items() <= profile("slurm").items()


def test_what_is_known_of_the_pins_is_told_and_what_is_not() -> None:
    packages = [
        {"name": "a", "version": "1", "vulns": []},
        {
            "name": "b",
            "version": "2",
            "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}, {"id": "X", "fix_versions": []}],
        },
        {"name": "c", "skip_reason": "not found"},
    ]
    lines, summary = told({"dependencies": packages})
    assert lines == ["b 2: CVE-1, mended in 2.1", "b 2: X"]
    assert summary == (
        "2 of 3 packages were looked up, 2 known vulnerabilities; "
        "of 1 nothing is known here: no database could be reached"
    )
    assert told({"dependencies": packages[:1]}) == ([], "1 of 1 packages were looked up, 0 known vulnerabilities")


@pytest.mark.parametrize(
    ("answer", "error", "status", "line"),
    [
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, "", 0, "1 of 1 packages"),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "fix_versions": []}]}]},
            "",
            1,
            "a 1: X",
        ),
        (None, "ConnectionError: no route", 0, "nothing is known of any package: no database could be reached (Conn"),
        (None, "No module named pip_audit", 2, "error: the packages could not be looked up: No module named pip_audit"),
        (None, "", 2, "error: the packages could not be looked up: pip-audit said nothing"),
    ],
)
def test_an_audit_fails_where_a_vulnerability_is_known_or_nothing_was_looked_up(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: dict[str, Any] | None,
    error: str,
    status: int,
    line: str,
) -> None:
    text = json.dumps(answer) if answer else ""
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, status, text, error)
    )
    assert audit.main(["requirements/run.txt"]) == status
    assert "".join(capsys.readouterr()).startswith(line)


def test_the_profile_for_sites_without_gpus_differs_in_nothing_else() -> None:
    asked = profile("slurm-gres")
    rules = asked.pop("set-resources")
    assert asked == profile("slurm")
    # both on each line: the plugin would submit `--gpus` beside `--gres`
    assert {str(request) for request in rules.values()} == {"{'gpu': 0, 'gres': 'gpu:1'}"}
    text = (ROOT / "profiles/slurm/config.yaml").read_text()
    commented = re.findall(r"^#   (\w+): \{gpu: 0\}$", text, re.MULTILINE)
    optional = [[], ["snapshots"], ["steps"], ["snapshots", "steps"]]
    assert {*FILES} - {"checkpoint", "metrics", "run"} == {"snapshots", "steps"}
    assert [*rules] == commented == [*("_".join(["train", *kinds]) for kinds in optional), "analyse"]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with the Makefile and the lists, whose environment only claims to be complete."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / ".venv").mkdir()
    for time, stamp in enumerate(("python", "run", "dev"), start=2):
        path = tmp_path / f".venv/{stamp}.done"
        path.touch()
        later = path.stat().st_mtime + time
        os.utime(path, (later, later))
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False)


def test_make_alone_lists_its_targets(bare: Path) -> None:
    said = make(bare)
    assert said.returncode == 0
    declared = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    listed = {line.split()[0] for line in said.stdout.splitlines()}
    assert {"report", "test", "lint", "bench", "clean", "requirements"} <= set(declared[1].split()) == listed


def test_make_report_passes_only_what_was_asked_for(bare: Path) -> None:
    """What config.yaml says holds unless the command line says otherwise."""
    assert "--config" not in make(bare, "-n", "report").stdout
    said = make(bare, "-n", "report", "SCALE=standard", "STUDIES=alluri", "CORES=3").stdout
    assert "snakemake --cores 3 report --config scale=standard studies=alluri" in said


def test_make_looks_where_the_report_of_the_configured_scale_is(bare: Path) -> None:
    config = (ROOT / "config.yaml").read_text()
    for target in ("verify", "profile", "watch", "gallery"):
        (bare / "config.yaml").write_text(config)
        assert "results/quick" in make(bare, "-n", target).stdout
        assert "results/full" in make(bare, "-n", target, "SCALE=full").stdout
        (bare / "config.yaml").write_text(config.replace("\nscale: quick", "\nscale: standard  # mine"))
        assert re.search(r"results/standard(?![^\s;])", make(bare, "-n", target).stdout)


def test_make_installs_only_when_the_list_changed(bare: Path) -> None:
    assert "pip install" not in make(bare, "-n", "test").stdout
    changed = bare / "requirements/dev.txt"
    later = (bare / ".venv/dev.done").stat().st_mtime + 3600
    os.utime(changed, (later, later))
    assert "pip install" not in make(bare, "-n", "report").stdout
    assert "dev.txt" in make(bare, "-n", "test").stdout


@pytest.mark.parametrize(
    ("python", "names"),
    [
        ('exec "$REAL" -c "import sys; sys.version_info = (3, 10, 9)\n$2"', ["older than Python 3.11", "make PYTHON="]),
        ('case $2 in *venv*) exit 1;; esac; exec "$REAL" "$@"', ["python3-venv"]),
        (None, ["not found", "make PYTHON="]),
    ],
)
def test_make_says_what_is_wrong_with_a_python(
    bare: Path, python: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(bare / ".venv")
    monkeypatch.setenv("REAL", sys.executable)
    program = bare / "python"
    if python:
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
    done = make(bare, "report", f"PYTHON={program}")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert all(name in said[0] for name in names), said
    assert not (bare / ".venv").exists()


def test_make_clean_keeps_results_and_data(bare: Path) -> None:
    kept = [bare / "results/quick/claims.parquet", bare / "resources/data/mnist.safetensors"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.touch()
    assert make(bare, "clean").returncode == 0
    assert not (bare / ".venv").exists()
    assert all(path.exists() for path in kept)
