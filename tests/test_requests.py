"""What trainings and analyses ask of a cluster, beside what they use."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from conftest import Project
from hwcore.analyses import duration, krylov
from hwcore.analyses.duration import seconds as analysis_seconds
from hwcore.analyses.memory import memory as analysis_memory
from hwcore.jobs import Job
from hwcore.train.duration import seconds
from hwcore.train.memory import memory as training_memory
from hwcore.train.spec import RunSpec
from hwcore.workflow import Workflow

EPOCHS = (10, 20, 40, 80)
SPEC: dict[str, Any] = {
    "study": "s",
    "experiment": "e",
    "model": "m",
    "network": {"mlp": [784, 1000, 1000, 10]},
    "data": {"dataset": "mnist"},
    "training": {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 10, "batch_size": 100},
    "replicates": 5,
}


@pytest.fixture
def jobs(finished: Project, monkeypatch: pytest.MonkeyPatch) -> tuple[Workflow, list[tuple[Job, dict[str, Any]]]]:
    """The plan of a finished project, and what each of its trainings and analyses took."""
    monkeypatch.chdir(finished.folder)
    plan = Workflow(yaml.safe_load((finished.folder / "config.yaml").read_text()), ["config.yaml"], [])
    return plan, [(job, json.loads(job.timing.read_text())) for job in plan.of("train", "analyse")]


def test_memory_is_one_to_three_times_what_is_used(jobs: tuple[Workflow, list[tuple[Job, dict[str, Any]]]]) -> None:
    plan, records = jobs
    assert {job.rule for job, _ in records} == {"train", "analyse"}
    for job, record in records:
        assert 1 <= plan.memory(job.rule, job.name) / record["memory_mb"] <= 3, job.name


def test_what_takes_seconds_asks_for_minutes(jobs: tuple[Workflow, list[tuple[Job, dict[str, Any]]]]) -> None:
    plan, records = jobs
    assert {plan.minutes(job.rule, job.name) for job, _ in records} == {10}
    for job, record in records:
        assert record["cpu_seconds"] < 600, job.name


def test_a_job_asks_for_the_time_of_the_threads_that_it_gets(
    jobs: tuple[Workflow, list[tuple[Job, dict[str, Any]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = jobs
    monkeypatch.setattr(plan, "_work", lambda _: 7200.0)
    assert [plan.minutes("train", "tiny/fit/wide", threads) for threads in (1, 2, 8)] == [120, 60, 15]
    assert plan.minutes("analyse", "tiny/fit/predictions") == 120


def test_a_chain_goes_through_what_waits_for_a_job(jobs: tuple[Workflow, list[tuple[Job, dict[str, Any]]]]) -> None:
    plan, _ = jobs
    trained = plan.longest_chain("train", "tiny/classify/small")
    assert trained > 0
    # of all that rests on the digits this is the only training, and nothing that takes long rests on it
    assert plan.longest_chain("prepare", "digits") == trained
    tables = [plan.longest_chain("analyse", f"tiny/fit/{name}") for name in ("predictions", "evaluation")]
    for model in ("narrow", "wide"):
        spec = plan.training(f"tiny/fit/{model}")
        trains = seconds(spec, spec.data.samples) / plan.threads(f"tiny/fit/{model}", None)
        # a variant that trains nothing of its own reads them too, and takes no longer
        assert plan.longest_chain("train", f"tiny/fit/{model}") == pytest.approx(trains + max(tables))


def test_the_longest_training_starts_first(project: Project) -> None:
    """Else all cores but one could be idle while it ends."""
    models = {
        f"m{epochs}": f"      m{epochs}: {{label: m{epochs}, mlp: [1, 3, 1], training: {{epochs: {epochs}}}}}\n"
        for epochs in EPOCHS
    }
    project.edit("report/tiny/study.yaml", "      wide: {label: wide, mlp: [1, 8, 1]}\n", "".join(models.values()))
    told = project.run(*(f"results/quick/runs/tiny/fit/{model}/metrics.parquet" for model in models), cores=1)
    started = re.findall("start: train tiny/fit/m(\\d+)", told)
    assert [*map(int, started)] == sorted(EPOCHS, reverse=True)


EVALUATION: dict[str, Any] = {"over": None}
LANDSCAPE = {"across": "line", "count": 51, "samples": 1000, "replicates": 1}
SPECTRUM = {"samples": 1000, "steps": 100, "probes": 9, "by": "whole"}
SHARPNESS = {"samples": 1000, "probes": 10, "lanczos_steps": 60}
SEARCH = {"solver": "levenberg-marquardt", "restarts": 3, "steps": 3000}


@pytest.mark.parametrize(
    ("kind", "options", "more", "times"),
    [
        ("landscape", LANDSCAPE, {"samples": 2000}, 2),
        ("landscape", LANDSCAPE, {"across": "plane"}, 51),
        ("landscape", LANDSCAPE, {"replicates": 5}, 5),
        ("hessian_spectrum", SPECTRUM, {"probes": 19}, 2),
        # each of three layers is a matrix
        ("hessian_spectrum", SPECTRUM, {"by": "layer"}, 3),
        # 40 gradients of three passes; products of six, 60 for the eigenvalue and twelve a probe for the trace
        ("sharpness", SHARPNESS, {"probes": 20}, (120 + 6 * 300) / (120 + 6 * 180)),
        # from the trained weights there are two searches, one as far as the reports went
        ("critical_points", SEARCH, {"restarts": 7}, 9 / 5),
        ("critical_points", SEARCH, {"steps": 9000}, 3),
        # where no solver ends nothing is measured around a point
        ("critical_points", {"solver": "none"}, {"solver": "levenberg-marquardt", "steps": 0}, 9),
        # at each epoch
        ("evaluation", EVALUATION, {"over": "epochs"}, 10),
    ],
)
def test_the_time_of_an_analysis_follows_its_options(
    kind: str, options: dict[str, Any], more: dict[str, Any], times: float
) -> None:
    small = {"network": {"mlp": [784, 5, 10]}} if kind == "critical_points" else {}
    spec = RunSpec.model_validate({**SPEC, **small})
    nothing, before, after = (
        analysis_seconds(kind, each, specs)
        for each, specs in ((options, []), (options, [spec]), ({**options, **more}, [spec]))
    )
    assert (after - nothing) / (before - nothing) == pytest.approx(times, rel=0.05)


def test_a_trace_takes_as_many_products_as_are_counted() -> None:
    """Planning loads no torch, and so not the module that says it: twice the range, and the rest ten times."""
    assert duration._TRACE == 2 + krylov._REPEATS


@pytest.mark.parametrize(
    ("kind", "options"),
    [("trajectory", {}), ("landscape", {"across": "trajectory"}), ("evaluation", {"over": "epochs"})],
)
def test_what_reads_the_recorded_weights_asks_for_their_memory(kind: str, options: dict[str, Any]) -> None:
    few, many = (
        analysis_memory(kind, options, [RunSpec.model_validate({**SPEC, "record": {"weights_every": every}})])
        for every in (10, 1)
    )
    # nine more records of 1,796,010 weights of five replicates, in float64 and as they are read
    assert many - few > 9 * 5 * 1_796_010 * 8 / 2**20


@pytest.mark.parametrize(("kind", "options"), [("hessian_spectrum", SPECTRUM), ("sharpness", SHARPNESS)])
def test_the_vectors_of_lanczos_are_in_the_memory_asked_for(kind: str, options: dict[str, Any]) -> None:
    spec = RunSpec.model_validate(SPEC)
    name = "steps" if kind == "hessian_spectrum" else "lanczos_steps"
    few, many = (analysis_memory(kind, {**options, name: steps}, [spec]) for steps in (100, 150))
    assert many - few == pytest.approx(50 * 8 * 1_796_010 / 2**20, abs=2)
    # of a small network there are no more than it has parameters
    small = RunSpec.model_validate({**SPEC, "network": {"mlp": [1, 2, 1]}})
    assert analysis_memory(kind, {**options, name: 10**9}, [small]) < few


def test_large_networks_of_torchvision_ask_for_the_memory_of_their_parameters() -> None:
    """A vgg11 of 132,863,336 parameters took 5,161 MB where that of all networks, 1,802 MB, was asked for."""
    images = {"dataset": "cifar10", "train_samples": 64, "test_samples": 10}
    small, large = (
        training_memory(
            RunSpec.model_validate(
                {
                    **SPEC,
                    "network": {"torchvision": name, "input": [3, 32, 32], "out": 10},
                    "data": images,
                    "training": {**SPEC["training"], "batch_size": 8},
                    "replicates": 1,
                }
            ),
            64,
        )
        for name in ("resnet18", "vgg11")
    )
    assert 962 < small < 1802
    assert 5161 < large < 10_000


@pytest.mark.parametrize(("augment", "sides"), [({"crop": 4}, 40), ({"rotate": 10}, 34)])
def test_the_frame_of_an_augmentation_is_in_the_memory_asked_for(augment: dict[str, Any], sides: int) -> None:
    network = {"cnn": {"input": [3, 32, 32], "conv": [4], "out": 10}}
    plain, framed, later = (
        training_memory(
            RunSpec.model_validate({**SPEC, "network": network, "data": {"dataset": "cifar10", "augment": augmented}}),
            50_000,
        )
        for augmented in ([], [augment], [{"flip": 0.5}, augment])
    )
    assert framed - plain == pytest.approx(4 * 50_000 * 3 * sides**2 / 2**20, abs=1)
    assert later == plain


def test_a_slow_analysis_asks_for_longer() -> None:
    large = {**SPEC, "network": {"input": [3, 32, 32], "layers": [{"kind": "conv", "channels": 500, "kernel": 5}] * 3}}
    large["network"]["layers"] += [{"kind": "flatten"}, {"kind": "linear", "out": 10}]
    spec = RunSpec.model_validate(large)
    assert analysis_seconds("evaluation", EVALUATION, [spec]) > 6 * 3600
    assert analysis_seconds("evaluation", EVALUATION, [RunSpec.model_validate(SPEC)]) < 60
    # on few of the training samples it takes less
    few = analysis_seconds("evaluation", {**EVALUATION, "samples": 100}, [spec])
    assert few < 0.5 * analysis_seconds("evaluation", EVALUATION, [spec])
    # no equations of that many unknowns are solved
    assert analysis_seconds("critical_points", SEARCH, [spec]) < 60


def changed(**training: Any) -> RunSpec:
    return RunSpec.model_validate({**SPEC, "training": {**SPEC["training"], **training}})


@pytest.mark.parametrize(
    ("more", "times"),
    [
        (lambda: changed(epochs=30), 3),
        (lambda: RunSpec.model_validate({**SPEC, "replicates": 10}), 2),
        # half as many steps, each of twice the samples: what is done once a step halves
        (lambda: changed(batch_size=200), 0.75),
    ],
)
def test_time_grows_with_the_work(more: Callable[[], RunSpec], times: float) -> None:
    assert seconds(more(), 60_000) / seconds(changed(), 60_000) == pytest.approx(times, rel=0.3)
    assert seconds(changed(), 60_000) == seconds(changed(), None)


def test_time_is_that_of_the_arithmetic_at_least() -> None:
    """5 networks for 10 epochs of 60,000 images: 6 operations for each of 1.8 million weights, at 100 GFLOP/s."""
    operations = 5 * 10 * 60_000 * 6 * (784 * 1000 + 1000 * 1000 + 1000 * 10)
    assert operations / 1e11 < seconds(changed(), 60_000) < 20 * operations / 1e11
