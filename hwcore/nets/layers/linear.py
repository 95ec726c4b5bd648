from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.layer import Parameters, Pass, uniform
from hwcore.nets.spec import Shape
from hwcore.nets.specs.linear import Linear


def initialize(layer: Linear, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    return uniform(layer.tensors(shape), generators), {}


def forward(layer: Linear, name: str, x: Tensor, run: Pass) -> Tensor:
    weight, bias = run.parameters[f"{name}.weight"], run.parameters[f"{name}.bias"] if layer.bias else None
    if len(weight) == 1:
        # a single matrix product is up to a tenth faster than a batch of one
        return F.linear(x[0], weight[0], None if bias is None else bias[0]).unsqueeze(0)
    return torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
