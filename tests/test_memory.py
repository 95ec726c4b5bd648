"""Analyses that are called again and again need no more memory than once."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hwcore.analyses import landscape, sharpness
from hwcore.analyses.products import curvature_product
from hwcore.analyses.run import Run
from hwcore.data.load import Data
from hwcore.data.prepare import prepare
from hwcore.nets.network import flatten
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

# glibc's own count of memory in use; that of the system does not fall when memory is freed, nor grow when it is reused
MALLINFO = getattr(ctypes.CDLL(None), "mallinfo2", None)
pytestmark = pytest.mark.skipif(MALLINFO is None, reason="this C library does not tell how much memory is in use")
MEGABYTE = 2**20


class Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def in_use() -> int:
    """Bytes in the heap and in mapped blocks that are not freed."""
    assert MALLINFO is not None
    gc.collect()
    MALLINFO.restype = Mallinfo
    found = MALLINFO()
    return int(found.uordblks + found.hblkhd)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network of 101,100 parameters: a gradient that is never freed is 0.4 MB."""
    folder = tmp_path_factory.mktemp("memory")
    prepare("digits", {"source": "digits"}, folder / "digits.safetensors")
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [64, 500, 120, 80, 10]}, "replicates": 1}
    training = {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 1, "batch_size": 60}
    data = {"dataset": "digits", "train_samples": 120, "test_samples": 20}
    train(
        RunSpec.model_validate({**said, "data": data, "training": training}),
        folder / "digits.safetensors",
        folder / "run",
        device="cpu",
    )
    return Run.open(folder / "run", folder / "digits.safetensors", device=torch.device("cpu"))


def products(run: Run) -> Callable[[], object]:
    product = curvature_product(run, 0, dtype=torch.float32)
    vector = torch.ones(run.network.parameters())
    return lambda: product(vector)


def fresh_products(run: Run) -> Callable[[], object]:
    vector = torch.ones(run.network.parameters())
    return lambda: curvature_product(run, 0, dtype=torch.float32)(vector)


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
    before = in_use()
    for _ in range(100):
        call()
    assert in_use() - before < 10 * MEGABYTE


@pytest.mark.parametrize("validation", [None, 0.5])
def test_a_training_keeps_its_inputs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: float | None
) -> None:
    """In the order of memory of a step, and those for validation apart."""
    count, size = 2000, 2000 * 3 * 32 * 32 * 4

    def made(*args: object, **names: object) -> Data:
        x, y = torch.zeros(count, 3, 32, 32), torch.zeros(count, dtype=torch.int64)
        return Data(x, y, x[:10].clone(), y[:10].clone(), 10)

    used: list[int] = []
    monkeypatch.setattr("hwcore.train.train.load", made)
    monkeypatch.setattr("hwcore.train.train._fit", lambda *args: used.append(in_use()))
    monkeypatch.setattr("hwcore.train.train._write", lambda *args: None)
    network = {"input": [3, 32, 32], "layers": [{"avg_pool": 8}, "flatten", {"linear": 10}]}
    said = {"study": "s", "experiment": "e", "model": "m", "network": network, "replicates": 1}
    training = {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 1, "batch_size": 60}
    job = {**said, "data": {"dataset": "d"}, "training": {**training, "validation": validation}}
    spec, before = RunSpec.model_validate(job), in_use()
    train(spec, None, tmp_path, device="cpu")
    assert size <= used[0] - before < 1.1 * size


def test_a_gradient_that_is_kept_would_be_noticed(run: Run) -> None:
    before = in_use()
    kept = [torch.ones(run.network.parameters()) for _ in range(100)]
    assert in_use() - before > 20 * MEGABYTE
    assert len(kept) == 100
