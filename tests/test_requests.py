"""What trainings and analyses ask of a cluster, beside what they use."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from conftest import Project
from hwcore.jobs import Job
from hwcore.train.duration import seconds
from hwcore.train.spec import RunSpec
from hwcore.workflow import Workflow

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
    trainings = [(job, record) for job, record in records if job.rule == "train"]
    assert {plan.minutes("train", job.name) for job, _ in trainings} == {10}
    for job, record in trainings:
        assert record["cpu_seconds"] < 600, job.name


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
