from collections.abc import Sequence

import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.layer import Parameters, Pass, uniform
from hwcore.nets.spec import Shape
from hwcore.nets.specs.conv import Conv


def initialize(layer: Conv, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    return uniform(layer.tensors(shape), generators), {}


def forward(layer: Conv, name: str, x: Tensor, run: Pass) -> Tensor:
    """One convolution of (B, R·C, H, W) whose groups are those of all replicates."""
    weight = run.parameters[f"{name}.weight"].flatten(0, 1)
    bias = run.parameters[f"{name}.bias"].flatten() if layer.bias else None
    groups = run.replicates * layer.groups
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, groups)
