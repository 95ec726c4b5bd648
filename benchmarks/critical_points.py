"""Critical points of a hundred small networks, and their exact Hessians, in float64 on one CPU thread.

Hessians: one network at a time by PyTorch, and all at once; both sides compute the same matrices.

Critical points: from the same weights, one network at a time by SciPy's Levenberg-Marquardt (MINPACK) on
residuals and Jacobians by PyTorch, and by hwcore with its restarts and the evidence for each point; seconds are
of a network, SciPy's of the first twenty.  `plain` and `hwcore` are the shares of networks whose gradient norm
falls to 1e-6 (ReLU) or 1e-8, and `certified` that of those with evidence of an exact critical point near by.
"""

import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from torch import Tensor
from torch.func import functional_call

from hwcore.analyses import critical_points
from hwcore.analyses.curvature import Perceptron, start, surface
from hwcore.analyses.run import Run
from hwcore.nets.network import flatten, initialize
from hwcore.nets.spec import Network
from hwcore.train.device import computing_on
from hwcore.train.replicates import seeds
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

Array = NDArray[np.float64]

ROUNDS = 5
NETWORKS, SAMPLES = 100, 100
WIDTHS = [1, 5, 3, 4, 2, 1]
SMALL = [1, 3, 5, 1]
PLAIN, EVALUATIONS = 20, 1000


def _hessians(activation: str) -> list[dict[str, Any]]:
    with computing_on("cpu"):
        return [_measure(activation)]


def _measure(activation: str) -> dict[str, Any]:
    network = Network.model_validate({"mlp": WIDTHS, "activation": activation})
    weights = flatten(initialize(network, range(NETWORKS))[0]).double()
    x = torch.linspace(-1, 1, SAMPLES, dtype=torch.float64)[:, None]
    y = torch.sinc(5 * x)
    hessians = Perceptron(network, x, y)
    plain, sizes = _module(WIDTHS, activation)

    def loss(flat: Tensor) -> Tensor:
        return torch.nn.functional.mse_loss(functional_call(plain, _parts(flat, sizes), (x,)), y)

    def one_at_a_time() -> Tensor:
        return torch.stack([torch.autograd.functional.hessian(loss, own) for own in weights])

    def together() -> Tensor:
        return hessians.hessian(weights, torch.arange(NETWORKS))[2]

    torch.testing.assert_close(together(), one_at_a_time(), rtol=1e-9, atol=1e-12)
    seconds: dict[Callable[[], Tensor], list[float]] = {one_at_a_time: [], together: []}
    for _ in range(ROUNDS):
        for side, own in seconds.items():
            begin = time.perf_counter()
            side()
            own.append(time.perf_counter() - begin)
    plain_s, hwcore_s = (statistics.median(own) for own in seconds.values())
    return {"name": f"hessians-{activation}", "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s}


def _module(widths: list[int], activation: str) -> tuple[torch.nn.Module, dict[str, torch.Size]]:
    kinds = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "softplus": torch.nn.Softplus}
    layers: list[torch.nn.Module] = []
    for fan_in, out in pairwise(widths):
        layers += [torch.nn.Linear(fan_in, out), kinds[activation]()]
    module = torch.nn.Sequential(*layers[:-1]).double()
    return module, {name: value.shape for name, value in module.named_parameters()}


def _parts(flat: Tensor, sizes: dict[str, torch.Size]) -> dict[str, Tensor]:
    parts = flat.split([size.numel() for size in sizes.values()])
    return {name: part.view(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}


def _points(function: str, activation: str, weight_decay: float) -> list[dict[str, Any]]:
    """As in the study alluri: ReLU networks from their trained weights, smooth ones from their initial ones."""
    data = _FUNCTIONS[function]
    spec = RunSpec.model_validate(
        {
            "study": "benchmark",
            "experiment": f"critical-points-{function}",
            "model": "m",
            "network": {"mlp": SMALL},
            "data": {**data, "sampling": "uniform", "samples": 1000, "test_samples": 2},
            "training": {"optimizer": "adam", "lr": 0.01, "loss": "mse", "epochs": 2000, "batch_size": "full"},
            "replicates": NETWORKS,
        }
    )
    tolerance = 1e-6 if activation == "relu" else 1e-8
    with TemporaryDirectory() as folder, computing_on("cpu") as device:
        train(spec, None, Path(folder), device="cpu")
        run = Run.open(Path(folder), None, device=device)
        network = Network.model_validate({"mlp": SMALL, "activation": activation})
        if activation == "relu":
            begin = start(run)
        else:
            begin = flatten(initialize(network, seeds(spec, "init", range(NETWORKS)))[0]).double()
        began = time.perf_counter()
        ends = torch.stack([_minpack(run, own, activation, weight_decay) for own in begin[:PLAIN]])
        plain_s = (time.perf_counter() - began) / PLAIN
        began = time.perf_counter()
        found = critical_points.analyse(
            {"m": run},
            solver="levenberg-marquardt",
            tolerance=tolerance,
            activation="none" if activation == "relu" else activation,
            weight_decay=weight_decay,
        )
        hwcore_s = (time.perf_counter() - began) / NETWORKS
        _, slope, _ = surface(run, network, weight_decay).hessian(ends, torch.arange(PLAIN))
    return [
        {
            "name": _name(function, activation, weight_decay),
            **{"plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s},
            "plain": (slope.norm(dim=1) <= tolerance).double().mean().item(),
            "hwcore": float(found.converged.mean()),
            "certified": float(found.certified.mean()),
        }
    ]


def _minpack(run: Run, begin: Tensor, activation: str, weight_decay: float) -> Tensor:
    """Where SciPy ends, whose objective is the sum of squares of what `residuals` gives."""
    module, sizes = _module(SMALL, activation)
    x, y = run.data.train_x.double(), run.data.train_y.double()

    def residuals(flat: Tensor) -> Tensor:
        errors = (functional_call(module, _parts(flat, sizes), (x,)) - y)[:, 0] / math.sqrt(len(x))
        return torch.cat([errors, math.sqrt(weight_decay / 2) * flat])

    jacobian = torch.func.jacfwd(residuals)

    def values(flat: Array) -> Array:
        return residuals(torch.from_numpy(flat)).detach().numpy()

    def slopes(flat: Array) -> Array:
        matrix: Tensor = jacobian(torch.from_numpy(flat))
        return matrix.detach().numpy()

    least = float(np.finfo(float).eps)
    found = least_squares(
        values, begin.numpy(), slopes, method="lm", ftol=least, xtol=least, gtol=least, max_nfev=EVALUATIONS
    )
    return torch.from_numpy(found.x)


def _name(function: str, activation: str, weight_decay: float) -> str:
    return f"critical-points-{function}-{activation}" + (f"-{weight_decay:g}" if weight_decay else "")


_FUNCTIONS: dict[str, dict[str, Any]] = {
    "cos": {"function": "cos(x)", "domain": [-10, 10]},
    "arcsinh": {"function": "arcsinh(x)", "domain": [-10, 10]},
    "sinc5": {"function": "sin(5*pi*x)/(5*pi*x)", "at": {0: 1}, "domain": [-1, 1]},
}
_CASES = [
    ("cos", "relu", 0.0),
    ("cos", "tanh", 1e-5),
    ("cos", "tanh", 1e-6),
    ("cos", "softplus", 1e-5),
    ("arcsinh", "tanh", 1e-5),
    ("sinc5", "tanh", 1e-5),
]
WORKS = {f"hessians-{activation}": partial(_hessians, activation) for activation in ("tanh", "relu")} | {
    _name(*case): partial(_points, *case) for case in _CASES
}
