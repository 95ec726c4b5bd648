from collections.abc import Sequence

import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.layer import Parameters, Pass, constant
from hwcore.nets.spec import Shape
from hwcore.nets.specs.batch_norm import BatchNorm

_EPSILON, _MOMENTUM = 1e-5, 0.1  # as torch.nn.BatchNorm2d has them


def initialize(layer: BatchNorm, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    parameters = constant(layer.tensors(shape), {"weight": 1.0, "bias": 0.0}, len(generators))
    return parameters, constant(layer.statistics(shape), {"running_mean": 0.0, "running_var": 1.0}, len(generators))


def forward(layer: BatchNorm, name: str, x: Tensor, run: Pass) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy 2015), for each replicate and channel by itself.

    While training the running statistics are updated, else they are used and kept.
    """
    # rows become (B, R·features), which is what images are already
    rows = x.dim() == 3
    flat = x.transpose(0, 1).flatten(1) if rows else x
    mean, variance = (run.buffers[f"{name}.running_{each}"].view(-1) for each in ("mean", "var"))
    weight, bias = (run.parameters[f"{name}.{each}"].flatten() for each in ("weight", "bias"))
    momentum = _MOMENTUM if run.momentum is None else run.momentum
    flat = F.batch_norm(flat, mean, variance, weight, bias, run.training, momentum, _EPSILON)
    return flat.unflatten(1, (x.shape[0], -1)).transpose(0, 1) if rows else flat
