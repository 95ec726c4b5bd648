"""A 51 × 51 landscape of an MNIST network on 10,000 images: a loop over a DataLoader, and hwcore.

The loop loads the weights of each point into the network and evaluates it batch by batch, from images that
are transformed one at a time; it has all cores of the machine, hwcore one.  The loop is measured at a few
points in turn with hwcore's whole grid; seconds are of one point.  `same` is the largest relative difference
of the losses at those points.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks import plain
from benchmarks.data import prepared
from benchmarks.train import images
from hwcore.analyses.landscape import analyse, filter_normalized
from hwcore.analyses.run import Run
from hwcore.nets.network import flatten
from hwcore.train.device import available_threads, computing_on
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

ROUNDS, COUNT, SAMPLES = 3, 51, 10_000
POINTS = (0, 700, 1300, 2600)  # of the grid, row by row, at which the loop is measured


def measure() -> list[dict[str, Any]]:
    spec = RunSpec.model_validate(
        {
            **{"study": "benchmark", "experiment": "landscape", "model": "m", "replicates": 1},
            "network": {"mlp": [784, 120, 50, 10]},
            "data": {"dataset": "mnist", "train_samples": SAMPLES, "test_samples": 1_000},
            "training": {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 2, "batch_size": 100},
        }
    )
    path = prepared("mnist")
    with TemporaryDirectory() as name:
        train(spec, path, Path(name), device="cpu")
        return [_compare(Run.open(Path(name), path, device=torch.device("cpu")))]


def _compare(run: Run) -> dict[str, Any]:
    threads = available_threads()
    loader = DataLoader(images(run.spec, run.prepared or Path())[0], batch_size=100)
    directions = filter_normalized(run, 0, 2)
    trained = flatten(run.parameters)[0]
    net = plain.build(run.network, 0).eval()
    steps = torch.linspace(-1, 1, COUNT)
    losses: dict[int, float] = {}
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        torch.set_num_threads(threads)
        for point in POINTS:
            started = time.perf_counter()
            place = torch.stack([steps[point // COUNT], steps[point % COUNT]])
            losses[point] = _loss(net, trained + directions @ place, loader)
            times[0].append(time.perf_counter() - started)
        with computing_on("cpu"):
            started = time.perf_counter()
            table = analyse({"m": run}, across="plane", extent=1.0, count=COUNT, samples=None, replicates=1)
            times[1].append((time.perf_counter() - started) / COUNT**2)
    same = max(abs(table.train_loss[point] / loss - 1) for point, loss in losses.items())
    plain_s, hwcore_s = map(statistics.median, times)
    return {"name": "landscape", "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s, "same": same}


@torch.no_grad()
def _loss(net: nn.Module, weights: torch.Tensor, loader: DataLoader[Any]) -> float:
    nn.utils.vector_to_parameters(weights, net.parameters())
    criterion, total, count = nn.CrossEntropyLoss(), 0.0, 0
    for x, y in loader:
        total += criterion(net(x), y).item() * len(y)
        count += len(y)
    return total / count


WORKS = {"landscape": measure}
