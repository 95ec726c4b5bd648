"""Analyses that are called again and again need no more memory than once."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hwcore.analyses import landscape, sharpness
from hwcore.analyses.products import hessian_product
from hwcore.analyses.run import Run
from hwcore.data.prepare import prepare
from hwcore.nets.network import flatten
from hwcore.train.job import TrainingJob
from hwcore.train.train import train

STATM = Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not STATM.exists(), reason="this system does not tell how much memory a process has")
MEGABYTE = 2**20


def resident() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network of 101,100 parameters: a gradient that is never freed is 0.4 MB."""
    folder = tmp_path_factory.mktemp("memory")
    prepare("digits", {"source": "digits"}, folder / "digits.safetensors")
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [64, 500, 120, 80, 10]}, "replicates": 1}
    training = {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 1, "batch_size": 60}
    data = {"dataset": "digits", "train_samples": 120, "test_samples": 20}
    train(
        TrainingJob.model_validate({**said, "data": data, "training": training}),
        folder / "digits.safetensors",
        folder / "run",
        device="cpu",
    )
    return Run.open(folder / "run", folder / "digits.safetensors", device=torch.device("cpu"))


def products(run: Run) -> Callable[[], object]:
    product = hessian_product(run, 0, dtype=torch.float32)
    vector = torch.ones(run.network.parameters())
    return lambda: product(vector)


def fresh_products(run: Run) -> Callable[[], object]:
    vector = torch.ones(run.network.parameters())
    return lambda: hessian_product(run, 0, dtype=torch.float32)(vector)


def points(run: Run) -> Callable[[], object]:
    return lambda: landscape.analyse({"m": run}, across="line", extent=1.0, count=3, samples=50, replicates=1)


def boxes(run: Run) -> Callable[[], object]:
    data = run.data.training(50)
    f = sharpness._objective(run.network, "cross_entropy", {}, data.train_x, data.train_y)
    x = flatten(run.parameters)[0].double().numpy()
    return lambda: f(x + np.float64(0))


@pytest.mark.parametrize("kind", [products, fresh_products, points, boxes])
def test_memory_does_not_grow_over_a_hundred_calls(run: Run, kind: Callable[[Run], Callable[[], object]]) -> None:
    call = kind(run)
    for _ in range(20):
        call()
    before = resident()
    for _ in range(100):
        call()
    assert resident() - before < 10 * MEGABYTE


def test_a_gradient_that_is_kept_would_be_noticed(run: Run) -> None:
    before = resident()
    kept = [torch.ones(run.network.parameters()) for _ in range(100)]
    assert resident() - before > 20 * MEGABYTE
    assert len(kept) == 100
