import torch.nn.functional as F
from torch import Tensor

from hwcore.nets.layer import Pass
from hwcore.nets.specs.max_pool import MaxPool


def forward(layer: MaxPool, name: str, x: Tensor, run: Pass) -> Tensor:
    return F.max_pool2d(x, layer.size, layer.stride, layer.padding)
