from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from hwcore.nets.layer import Pass
from hwcore.nets.specs.activation import Activation

_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
}


def forward(layer: Activation, name: str, x: Tensor, run: Pass) -> Tensor:
    if layer.kind == "leaky_relu":
        return F.leaky_relu(x, layer.slope)
    if layer.kind == "softmax":
        return x.softmax(-1)
    if layer.kind == "log_softmax":
        return x.log_softmax(-1)
    return _FUNCTIONS[layer.kind](x)
