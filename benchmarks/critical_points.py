"""A hundred exact Hessians of networks of 57 parameters: one at a time by PyTorch, and all at once.

Both sides compute the same matrices in float64 on one CPU thread.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch.func import functional_call

from hwcore.analyses.curvature import Perceptron
from hwcore.nets.network import flatten, initialize
from hwcore.nets.spec import Network
from hwcore.train.device import computing_on

ROUNDS = 5
NETWORKS, SAMPLES = 100, 100
WIDTHS = [1, 5, 3, 4, 2, 1]


def _hessians(activation: str) -> list[dict[str, Any]]:
    with computing_on("cpu"):
        return [_measure(activation)]


def _measure(activation: str) -> dict[str, Any]:
    network = Network.model_validate({"mlp": WIDTHS, "activation": activation})
    weights = flatten(initialize(network, range(NETWORKS))[0]).double()
    x = torch.linspace(-1, 1, SAMPLES, dtype=torch.float64)[:, None]
    y = torch.sinc(5 * x)
    surface = Perceptron(network, x, y)
    layers: list[torch.nn.Module] = []
    for fan_in, out in pairwise(WIDTHS):
        layers += [torch.nn.Linear(fan_in, out), {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[activation]()]
    plain = torch.nn.Sequential(*layers[:-1]).double()
    sizes = {name: value.shape for name, value in plain.named_parameters()}

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([size.numel() for size in sizes.values()])
        own = {name: part.view(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}
        return torch.nn.functional.mse_loss(functional_call(plain, own, (x,)), y)

    def one_at_a_time() -> torch.Tensor:
        return torch.stack([torch.autograd.functional.hessian(loss, own) for own in weights])

    def together() -> torch.Tensor:
        return surface.hessian(weights, torch.arange(NETWORKS))[2]

    torch.testing.assert_close(together(), one_at_a_time(), rtol=1e-9, atol=1e-12)
    seconds: dict[Callable[[], torch.Tensor], list[float]] = {one_at_a_time: [], together: []}
    for _ in range(ROUNDS):
        for side, own in seconds.items():
            begin = time.perf_counter()
            side()
            own.append(time.perf_counter() - begin)
    plain_s, hwcore_s = (statistics.median(own) for own in seconds.values())
    return {"name": f"hessians-{activation}", "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s}


WORKS = {f"hessians-{activation}": partial(_hessians, activation) for activation in ("tanh", "relu")}
