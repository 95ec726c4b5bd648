"""Mistakes get one or two lines that name the file, the key, the value and what would be right."""

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import yaml

from conftest import ROOT, Project
from hwcore.config import parse
from hwcore.data.augmentations import spec as augmentations
from hwcore.data.spec import DatasetData, FunctionData, Moments
from hwcore.errors import HwcoreError
from hwcore.nets.shorthand import Cnn
from hwcore.spec import Spec
from hwcore.studies.kinds import ANALYSES, FIGURES, LAYERS
from hwcore.studies.study import load
from hwcore.studies.variants import merge
from hwcore.train.spec import Exponential, Modes, OneCycle, Record, Step, Training, Until

STUDY = "report/tiny/study.yaml"


def complaint(project: Project, *arguments: str) -> str:
    """What a failing call tells the user, below the line that names the profile."""
    done = project.snakemake("report", *arguments)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said, said
    errors = said.partition("error: ")[2].strip().splitlines()
    assert 1 <= len(errors) <= 2, said
    return " ".join(errors)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("epochs: 6,", "epochs: -6,", [f"{STUDY}:10:", "experiments.fit", "training.epochs", "-6", "greater than 0"]),
        ("epochs: 6,", "epochs: 6, steps: 9,", [STUDY, "experiments.fit", "training: steps: 9", "epochs: 6", "null"]),
        ("epochs: 6,", "epochs: six,", [STUDY, "training.epochs", "six", "integer"]),
        ("epochs: 6,", "epochs: 6, learning: 1,", [STUDY, "training.learning", "unknown key", "lr"]),
        ("mlp: [1, 3, 1]", "mlp: [1, -3, 1]", [STUDY, "models.narrow", "-3"]),
        ("mlp: [1, 3, 1]", "mlp: [1]", [STUDY, "models.narrow", "at least two widths"]),
        (
            "mlp: [784, 4, 10]",
            "input: [1, 28, 28], layers: [{conv: {channels: 2, kernel: 3}}, {linear: 10}]",
            [STUDY, "models.small", "layer 2", "flatten"],
        ),
        (
            "mlp: [784, 4, 10]",
            "input: [1, 4, 4], layers: [{conv: {channels: 2, kernel: 5}}]",
            [STUDY, "models.small", "layer 1", "does not fit"],
        ),
        ("dataset: mnist,", "dataset: minst,", ["minst", "mnist"]),
        (
            "dataset: mnist,",
            "dataset: mnist, augment: [{flop: 0.5}],",
            [STUDY, "models.small.data.augment.0", "flop", "crop, flip, rotate, cutout"],
        ),
        (
            "dataset: mnist,",
            "dataset: mnist, normalize: {mean: 0.5, std: 0},",
            [STUDY, "data.normalize.std", "greater than 0"],
        ),
        ("function: cos(x)", "function: cosh(y)", [STUDY, "models.narrow.data.function", "unknown name 'y'", "cosh"]),
        ("function: cos(x)", "function: cos(x)/x", [STUDY, "data.function", "x = 0", "division by zero", "at: {0: …}"]),
        (
            "function: cos(x)",
            "function: sin(x**0.5)",
            [STUDY, "models.narrow.data", "'sin(x**0.5)' has no value at x = -3", "another domain"],
        ),
        (
            "claims:\n",
            "figures: {both: {over: [{fit: 1}, classify], kind: curves, y: [train_loss], caption: C}}\nclaims:\n",
            [STUDY, "figures.both.over", "unknown experiment", "fit"],
        ),
        ("optimizer: sgd", "optimizer: sdg", [STUDY, "training.optimizer", "sdg", "sgd"]),
        ("kind: curves, y: [train_loss]", "kind: curvs, y: [train_loss]", [STUDY, "figures.loss", "curvs", "curves"]),
        ("table: predictions", "table: prediction", [STUDY, "figures.fits", "prediction", "predictions"]),
        (
            "      evaluation: {}\n",
            "      evaluation: {}\n      trajectory: {basis: narow}\n",
            [STUDY, "analyses.trajectory.basis", "narow", "narrow"],
        ),
        (
            "    models:\n      small:",
            "    analyses: {landscape: {across: trajectory}}\n    models:\n      small:",
            [STUDY, "landscape needs", "weights_every"],
        ),
        (
            "    record: {weights_every: 2, steps: true}\n",
            "    analyses: {evaluation: {}}\n",
            [f"{STUDY}:15:", "'analyses' is given twice"],
        ),
        (
            "kind: curves, y: [train_loss], log: true",
            "kind: curves, y: [train_loss], floor: optimum",
            [STUDY, "figures.loss", "optimum"],
        ),
        ("experiment: fit", "experiment: fits", [STUDY, "claims.count", "fits", "fit"]),
        ("evaluation: {}", "evaluation:", [STUDY, "fit.analyses.evaluation", "is empty", "write {}"]),
        (
            "analyses: {predictions: {points: 10}}",
            "analyses: {fitting: null}",
            [STUDY, "fit.variants.as-run.analyses.fitting", "none to remove", "write {}"],
        ),
        ("{parameters: narrow}", "{parameters: narow}", [STUDY, "claims.count", "narow", "narrow"]),
        (
            "{parameters: narrow}\n    rule: count\n    expect: {equal: 10}",
            "{best: test_loss, table: metrics, is: [wide, wid]}\n    rule: best",
            [STUDY, "claims.count", "wid"],
        ),
        ("title: A tiny study", "title: [unclosed", [f"{STUDY}:3:", "is not valid YAML"]),
        ("title: A tiny study\n", "", [STUDY, "title", "missing"]),
        ('section: "1"', "section: 1", [STUDY, "experiments.fit.section: 1 should be a text; put it in quotes"]),
        ("title: A tiny", "titel: A tiny", [f"{STUDY}:2: titel: unknown key", "`title`"]),
        ("title: A tiny", "titel: A tiny", [f"{STUDY}:2: titel: unknown key; did you mean `title`"]),
        (
            "label: narrow, mlp",
            "label: narrow, lr: 0.1, mlp",
            [STUDY, "models.narrow: lr is a setting of the training; write training: {lr: 0.1}"],
        ),
        (
            "caption: Accuracy.}",
            "caption: Accuracy, drawn anew.}",
            [STUDY, "figures.accuracy", "'drawn anew.' is a key without a value; a text with a comma", "in quotes"],
        ),
    ],
)
def test_study_file(project: Project, old: str, new: str, names: list[str]) -> None:
    project.edit(STUDY, old, new)
    said = complaint(project)
    assert all(name in said for name in names), said
    assert not (project.folder / "results").exists()


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("scale=tiny", ["scale", "tiny", "quick"]),
        ("studies=tinny", ["studies", "tinny", "tiny"]),
        ("studies=", ["studies: is empty; name folders of report/"]),
        ("replicates=-1", ["replicates", "-1", "greater than 0"]),
        ("device=gpu", ["device", "gpu", "cuda"]),
        ("sclae=quick", ["sclae", "scale"]),
    ],
)
def test_configuration(project: Project, setting: str, names: list[str]) -> None:
    said = complaint(project, "--config", setting)
    assert all(name in said for name in ["config.yaml", *names]), said


@pytest.mark.parametrize("name", ["a;b", "$(id)", "a b", "-x", "a'b", ".hidden"])
def test_a_folder_whose_name_could_be_more_than_a_name(tmp_path: Path, name: str) -> None:
    shutil.copytree(ROOT / "tests/tiny", tmp_path / name)
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(HwcoreError, match=r"a name is of letters, digits, .*; rename the folder"):
        load(name, tmp_path, parse(values, ["config.yaml"]))
    for key, entry in (("datasets", {"source": "digits"}), ("scales", values["scales"]["quick"])):
        with pytest.raises(HwcoreError, match=rf"^config\.yaml \+ --config: {key}\..*: a name is of letters"):
            parse({**values, key: {**values[key], name: entry}}, ["config.yaml"])


def test_no_core_to_run_on(project: Project) -> None:
    done = project.snakemake("report", cores=0)
    assert done.returncode != 0
    assert "error: --cores 0: no job can run; give 1 or more, or `all`" in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_before_any_job(project: Project) -> None:
    assert complaint(project, "--config", "device=cuda").startswith("device: cuda, but this machine has no GPU; use")
    # a training that records more is a rule of its own
    figure = project.snakemake("results/quick/figures/tiny/fit/loss.svg", "--config", "device=cuda")
    assert "error: device: cuda, but this machine has no GPU" in figure.stderr
    assert not list(project.folder.glob("results/quick/runs/*"))


def test_unknown_target_names_the_nearest(project: Project) -> None:
    said = complaint(project, "results/quick/figures/tiny/fit/los.svg")
    assert "results/quick/figures/tiny/fit/loss.svg" in said


@pytest.mark.parametrize("name", ["reprot", "report_", "figure"])
def test_a_target_of_an_unknown_name_names_the_nearest(project: Project, name: str) -> None:
    said = complaint(project, name)
    nearest = "figures" if name == "figure" else "report"
    assert f"target {name}: there is none of that name; did you mean `{nearest}`? (known: claims, crate" in said


def test_target_of_another_scale_says_how_to_make_it(project: Project) -> None:
    assert "--config scale=full" in complaint(project, "results/full/figures/tiny/fit/loss.svg")


@pytest.mark.parametrize("name", ["style.css", "references.bib"])
def test_a_file_of_all_pages_that_is_missing(project: Project, name: str) -> None:
    (project.folder / "report" / name).unlink()
    done = project.snakemake("--dry-run", "report")
    assert done.returncode == 1
    assert f"error: report/{name}: is missing, and all pages need it; `git checkout report/{name}`" in done.stderr
    assert "Traceback" not in done.stderr


def test_results_that_is_no_folder(project: Project) -> None:
    (project.folder / "results").write_text("a file")
    assert "results" in complaint(project)


def test_a_network_that_does_not_fit_the_images(project: Project) -> None:
    project.edit(STUDY, "mlp: [784, 4, 10]", "mlp: [100, 4, 10]")
    done = project.snakemake("report")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "784" in said
    assert "100" in said
    assert "Traceback" not in said


def test_no_network(project: Project) -> None:
    """The real host cannot be reached through a proxy that is not there."""
    (project.folder / "more.yaml").write_text("scales: {quick: {datasets: {mnist: mnist}}}")
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "more.yaml", "--", "data"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False, env=environment)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "datasets.mnist.mirror" in said
    assert "Traceback" not in said
    assert not (project.folder / "resources/data/mnist.json").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_leaves_no_half_written_file(project: Project) -> None:
    runs = project.folder / "results/quick/runs"
    runs.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(runs)], check=True)
    try:
        done = project.snakemake("results/quick/runs/tiny/classify/small/checkpoint.safetensors")
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert "No space left on device; free some space" in said
        assert "Traceback" not in said
        assert not [path for path in runs.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", str(runs)], check=True)
    project.run("results/quick/runs/tiny/classify/small/checkpoint.safetensors")


def test_a_job_run_by_hand_needs_no_snakemake(finished: Project) -> None:
    command = [sys.executable, "-m", "workflow_scripts.figure", "results/quick/plan/tiny.json", "tiny/fit/loss"]
    figure = finished.folder / "results/quick/figures/tiny/fit/loss.svg"
    before = figure.read_bytes()
    subprocess.run(command, cwd=finished.folder, check=True)
    assert figure.read_bytes() == before


def test_a_job_that_is_not_in_the_plan(finished: Project) -> None:
    command = [sys.executable, "-m", "workflow_scripts.figure", "results/quick/plan/tiny.json", "tiny/fit/los"]
    done = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "tiny/fit/loss" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_job_run_by_hand_before_its_inputs_are_there(project: Project) -> None:
    project.run("results/quick/runs/tiny/fit/narrow/run.json")
    command = [sys.executable, "-m", "workflow_scripts.figure", "results/quick/plan/tiny.json", "tiny/fit/fits"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    missing = r"results/quick/tables/tiny/fit/predictions\.parquet"
    remedy = rf"`snakemake --cores 8 {missing} --config scale=quick` makes it"
    assert re.fullmatch(rf"error: {missing}: is not there; {remedy}\n", done.stderr)


def test_a_failed_job_keeps_what_others_made(project: Project) -> None:
    project.edit(STUDY, "mlp: [784, 4, 10]", "mlp: [100, 4, 10]")
    assert project.snakemake("report").returncode != 0
    made = Path(project.folder / "results/quick/figures/tiny/fit/loss.svg")
    assert made.is_file()


# What each kind of specification needs at least, beside an option that is out of range.
NEEDED: dict[type[Spec], dict[str, Any]] = {
    Training: {"optimizer": "sgd", "lr": 0.1, "loss": "mse", "epochs": 2, "batch_size": "full"},
    Step: {"step_size": 2},
    Exponential: {"gamma": 0.9},
    FunctionData: {"function": "cos(x)", "domain": [-1, 1], "samples": 9, "test_samples": 9},
    DatasetData: {"dataset": "mnist"},
    Moments: {"mean": 0.5, "std": 0.5},
    Cnn: {"input": [1, 9, 9], "conv": [[2, 3]], "out": 1},
    augmentations.Crop: {"padding": 2},
    augmentations.Rotate: {"degrees": 5},
    augmentations.Cutout: {"size": 2},
    ANALYSES["critical_points"]: {"solver": "none"},
    ANALYSES["interpolation"]: {"between": ["m", "m"], "alphas": {"start": 0, "stop": 1, "count": 3}},
    ANALYSES["landscape"]: {"across": "line"},
    FIGURES["curves"]: {"y": ["train_loss"]},
    FIGURES["minimal_ratio"]: {"table": "metrics"},
    FIGURES["relation"]: {"measures": [["metrics", "train_loss"]]},
    FIGURES["trajectory"]: {"table": "metrics"},
    LAYERS["conv"]: {"channels": 2, "kernel": 3},
    LAYERS["linear"]: {"out": 1},
    LAYERS["max_pool"]: {"size": 2},
    LAYERS["avg_pool"]: {"size": 2},
    LAYERS["dropout"]: {"p": 0.5},
    LAYERS["dropout2d"]: {"p": 0.5},
}
# Where in an experiment the specifications stand that have no kind.
PLACES: dict[type[Spec], tuple[str | int, ...]] = {
    Training: ("training",),
    Until: ("training", "until"),
    Modes: ("training", "modes"),
    Record: ("record",),
    FunctionData: ("data",),
    DatasetData: ("data",),
    Moments: ("data", "normalize"),
    Cnn: ("models", "m", "cnn"),
}


def values_out_of_range(schema: dict[str, Any]) -> Iterator[Any]:
    """By the JSON schema of an option; none where it takes anything, and none of what is within a list."""
    for branch in schema.get("anyOf", [schema]):
        bounds = {"exclusiveMinimum": 0, "minimum": -1, "exclusiveMaximum": 0, "maximum": 1}
        yield from (branch[bound] + beyond for bound, beyond in bounds.items() if bound in branch)
        if branch.get("type") in ("number", "integer"):
            yield math.inf if branch["type"] == "number" else 1.5
        if branch.get("type") == "boolean" or "enum" in branch or "const" in branch:
            yield "nonsense"


def options_out_of_range() -> Iterator[tuple[type[Spec], tuple[str | int, ...], str | None, str, Any]]:
    """Each specification, its place, its kind, one of its options and a value."""
    places: list[tuple[type[Spec], tuple[str | int, ...], str | None]] = [(*each, None) for each in PLACES.items()]
    places += [(spec, ("analyses", "a"), kind) for kind, spec in ANALYSES.items()]
    places += [(spec, ("figures", "f"), kind) for kind, spec in FIGURES.items()]
    places += [(spec, ("models", "m", "layers", 0), kind) for kind, spec in LAYERS.items() if kind in SETTABLE]
    places += [(spec, ("data", "augment", 0), spec.__name__.lower()) for spec in get_args(augmentations.Kind)]
    schedules = {"step": Step, "exponential": Exponential, "one_cycle": OneCycle}
    places += [(spec, ("training", "scheduler"), kind) for kind, spec in schedules.items()]
    for spec, place, kind in places:
        for option, schema in spec.model_json_schema()["properties"].items():
            for value in values_out_of_range(schema) if option != "kind" else ():
                yield spec, place, kind, option, value


# The layers that a list may have and that have settings of their own.
SETTABLE = {*LAYERS} - {"module", "torchvision", "residual"}
OUT_OF_RANGE = list(options_out_of_range())


@pytest.mark.parametrize(
    ("spec", "place", "kind", "option", "value"),
    OUT_OF_RANGE,
    ids=[f"{kind or place[-1]}.{option}={value}" for _, place, kind, option, value in OUT_OF_RANGE],
)
def test_every_option_out_of_range(
    tmp_path: Path, spec: type[Spec], place: tuple[str | int, ...], kind: str | None, option: str, value: Any
) -> None:
    settings = {**({"kind": kind} if kind else {}), **NEEDED.get(spec, {}), option: value}
    settings |= {"caption": "C"} if place[0] == "figures" else {}
    nested: Any = settings
    for key in reversed(place):
        nested = [nested] if key == 0 else {key: nested}
    data = NEEDED[DatasetData] if place[0] == "data" and spec is not FunctionData else NEEDED[FunctionData]
    network: dict[str, Any] = {"mlp": [1, 1]} if place[0] != "models" else {} if spec is Cnn else {"input": [1, 9, 9]}
    model = {"label": "M", **network}
    experiment = {"section": "1", "title": "T", "data": data, "training": NEEDED[Training], "models": {"m": model}}
    experiment = merge(experiment, nested, "e")
    path = tmp_path / "s/study.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"title": "T", "replicates": 1, "experiments": {"e": experiment}}, sort_keys=False))
    with pytest.raises(HwcoreError) as error:
        load("s", tmp_path, parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"]))
    message = str(error.value)
    assert "\n" not in message
    assert (match := re.match(rf"{re.escape(str(path))}:(\d+): experiments\.e\.\S*{option}: ", message)), message
    assert path.read_text().splitlines()[int(match[1]) - 1].strip(" -").startswith(f"{option}:"), message
    assert f": {value!r} should be " in message
