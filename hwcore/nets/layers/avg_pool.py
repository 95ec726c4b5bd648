import torch.nn.functional as F
from torch import Tensor

from hwcore.nets.layer import Pass
from hwcore.nets.specs.avg_pool import AvgPool


def forward(layer: AvgPool, name: str, x: Tensor, run: Pass) -> Tensor:
    return F.avg_pool2d(x, layer.size, layer.stride, layer.padding)
