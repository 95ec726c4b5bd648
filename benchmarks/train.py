"""The training engine beside a plain loop and beside what the machine could do at best.

Seconds per epoch and network.  Both sides have all cores of the machine: the plain loop through
torch's threads, hwcore by ensembles side by side.  Images are the first samples of the real sets
(`train_samples` below), so that a round takes seconds; both sides see the same.  The floor is the
larger of the arithmetic of an epoch at the measured rate of float32 matrix products and of its
traffic with memory (inputs once, weights and optimizer state at every step) at the measured
bandwidth; activations are taken to stay in the cache.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import plain
from benchmarks.data import prepared
from hwcore.data.load import Data, load
from hwcore.data.spec import DatasetData
from hwcore.nets.network import count
from hwcore.train import precision
from hwcore.train.device import available_threads, computing_on
from hwcore.train.recorder import Metrics
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit

ROUNDS = 5
ADAM = {"optimizer": "adam", "lr": 0.001}
SINC = {"function": "sin(5*pi*x)/(5*pi*x)", "at": {0: 1}, "domain": [-1, 1], "samples": 300, "test_samples": 100}
DEEP = [1, 5, 10, 10, 10, 10, 10, 5, 1]


def _mnist(train: int) -> dict[str, Any]:
    return {"dataset": "mnist", "train_samples": train, "test_samples": train // 6}


def _cifar(train: int) -> dict[str, Any]:
    return {"dataset": "cifar10", "train_samples": train, "test_samples": train // 5}


def _conv(channels: int, kernel: int = 3, padding: int = 0) -> dict[str, Any]:
    return {"conv": {"channels": channels, "kernel": kernel, "padding": padding}}


def _image(input: list[int], *layers: Any) -> dict[str, Any]:
    return {"input": input, "layers": list(layers)}


def _konda3() -> dict[str, Any]:
    layers: list[Any] = []
    for i, channels in enumerate((64, 128, 256, 256)):
        layers += [_conv(channels, 3, 1), "batch_norm", "relu", *([] if i == 2 else [{"max_pool": 2}])]
    dense = ["global_average_pool", {"dropout": 0.25}, {"linear": 512}, "relu", {"dropout": 0.5}, {"linear": 10}]
    return _image([3, 32, 32], *layers, *dense)


CNN = _image(
    [1, 28, 28],
    *(_conv(10, 4), {"max_pool": 2}, "relu", _conv(20, 4), {"max_pool": 2}, "relu", "flatten"),
    *({"linear": 50}, "relu", {"dropout": 0.25}, {"linear": 100}, "relu", {"linear": 10}),
)
SPECS: dict[str, dict[str, Any]] = {
    "function-57": {
        "networks": [{"mlp": [1, 8, 4, 1]}],
        "data": SINC,
        "training": {**ADAM, "loss": "mse", "epochs": 10, "batch_size": 30},
        "replicates": 100,
    },
    "function-571": {
        "networks": [{"mlp": mlp, "activation": "leaky_relu"} for mlp in (DEEP, [1, 10, 18, 15, 4, 1], [1, 190, 1])],
        "data": SINC,
        "training": {**ADAM, "loss": "mse", "epochs": 100, "batch_size": "full"},
        "replicates": 10,
    },
    "mnist-mlp": {
        "networks": [{"mlp": [784, 500, 50, 10]}],
        "data": _mnist(12_000),
        "training": {**ADAM, "loss": "cross_entropy", "epochs": 4, "batch_size": 100},
        "replicates": 6,
    },
    "mnist-cnn": {
        "networks": [CNN],
        "data": _mnist(6_000),
        "training": {**ADAM, "loss": "cross_entropy", "epochs": 4, "batch_size": 100},
        "replicates": 4,
    },
    "cifar-konda3": {
        "networks": [_konda3()],
        "data": _cifar(2_000),
        "training": {**ADAM, "loss": "cross_entropy", "epochs": 4, "batch_size": 100},
        "replicates": 2,
    },
    "cifar-majumder1": {
        "networks": [_image([3, 32, 32], _conv(16), "relu", {"max_pool": 2}, "flatten", {"linear": 10})],
        "data": _cifar(6_400),
        "training": {**ADAM, "loss": "cross_entropy", "epochs": 4, "batch_size": 64},
        "replicates": 4,
    },
}


def measure(name: str) -> list[dict[str, Any]]:
    """One row for the CPU, and one for the GPU if there is one."""
    rows = [_row(name, name, "cpu")]
    if torch.cuda.is_available():
        rows.append(_row(f"{name}-gpu", name, "cuda"))
    return rows


def _row(shown: str, name: str, device: str) -> dict[str, Any]:
    work = SPECS[name]
    threads = available_threads()
    works: list[tuple[Callable[[], None], Callable[[], None]]] = []
    floor, epochs, replicates = 0.0, work["training"]["epochs"], work["replicates"]
    with computing_on(device) as where:
        for spec, data, path in runs(name):
            fitted = data.shaped(spec.network.input)
            parts = plain.loaders(images(spec, path) if path else fitted, spec.training)
            net = plain.build(spec.network, 0)
            works.append(
                (
                    partial(_plain, net, parts, spec, threads, where),
                    partial(ours, spec, data.to(where), precision.number_format(spec, where), threads),
                )
            )
            if device == "cpu":
                floor += _floor(net, fitted, spec, threads)
        times = in_turns(works)
    plain_s = sum(t for t, _ in times) / epochs / len(works)
    hwcore_s = sum(t for _, t in times) / epochs / len(works) / replicates
    row = {"name": shown, "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s}
    if device == "cpu":
        row |= {"floor_s": floor / len(works), "floor_ratio": hwcore_s / (floor / len(works))}
    return row


def runs(name: str) -> Iterator[tuple[RunSpec, Data, Path | None]]:
    """Each network of a work, with its data and the file of these."""
    work = SPECS[name]
    path = prepared(work["data"]["dataset"]) if "dataset" in work["data"] else None
    for i, network in enumerate(work["networks"]):
        said = {key: work[key] for key in ("data", "training", "replicates")}
        names = {"study": "benchmark", "experiment": name, "model": str(i)}
        spec = RunSpec.model_validate({**names, "network": network, **said})
        yield spec, load(spec.data, path, **names, replicates=work["replicates"]), path


def images(spec: RunSpec, path: Path) -> tuple[plain.Images, plain.Images]:
    """The samples of the run as single images."""
    assert isinstance(spec.data, DatasetData)
    names = {"study": spec.study, "experiment": spec.experiment, "model": spec.model}
    data = load(spec.data.model_copy(update={"normalize": False}), path, **names, replicates=1)
    parts = ((data.train_x, data.train_y), (data.test_x, data.test_y))
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    bytes_of = ((x * 255).round().to(torch.uint8) for x, _ in parts)
    first, second = (plain.Images(x, y, about["mean"], about["std"]) for x, (_, y) in zip(bytes_of, parts, strict=True))
    return first, second


def _plain(net: nn.Module, parts: list[Any], spec: RunSpec, threads: int, where: torch.device) -> None:
    torch.set_num_threads(threads)
    plain.fit(net, parts, spec.training, where)


def ours(spec: RunSpec, data: Data, dtype: torch.dtype, threads: int) -> None:
    torch.set_num_threads(1)
    recorders = fit(spec, data, dtype, threads=threads)
    # on a GPU this waits for the end
    assert all(bool(part.probe(Metrics).values.isfinite().any()) for part in recorders)


def in_turns(works: list[tuple[Callable[[], None], Callable[[], None]]]) -> list[tuple[float, float]]:
    """The median time of each pair's two sides, after a warm-up."""
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in works]
    for turn in range(ROUNDS + 1):
        for pair, taken in zip(works, times, strict=True):
            for work, into in zip(pair, taken, strict=True):
                started = time.perf_counter()
                work()
                if turn:
                    into.append(time.perf_counter() - started)
    return [(statistics.median(first), statistics.median(second)) for first, second in times]


def _floor(net: nn.Module, data: Data, spec: RunSpec, threads: int) -> float:
    size = len(data.train_x) if spec.training.batch_size == "full" else spec.training.batch_size
    steps = -(-len(data.train_x) // size)
    net.train()
    with FlopCounterMode(display=False) as counter:
        out = net(data.train_x[:size])
        out.square().mean().backward()
    flops = counter.get_total_flops() * len(data.train_x) / size
    net.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(data.test_x[:size])
    flops += counter.get_total_flops() * len(data.test_x) / len(data.test_x[:size])
    # Adam reads weight, gradient and two moments and writes three of them
    weights = 4 * 7 * count(spec.network) * steps
    inputs = 4 * (data.train_x.numel() + data.test_x.numel())
    rate, bandwidth = _machine(threads)
    return float(max(flops / rate, (weights + inputs) / bandwidth))


@cache
def _machine(threads: int) -> tuple[float, float]:
    """Operations per second of a float32 matrix product and bytes per second of a copy, on all cores."""
    torch.set_num_threads(threads)
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    source = torch.randn(2**26)
    target = torch.empty_like(source)
    product = _fastest(lambda: a @ b)
    copy = _fastest(lambda: target.copy_(source))
    return 2 * 2048**3 / product, 2 * 4 * 2**26 / copy


def _fastest(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


WORKS = {name: partial(measure, name) for name in SPECS}
