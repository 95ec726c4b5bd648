from torch import Tensor

from hwcore.nets.layer import Pass, from_images
from hwcore.nets.specs.global_average_pool import GlobalAveragePool


def forward(layer: GlobalAveragePool, name: str, x: Tensor, run: Pass) -> Tensor:
    """(B, R·C, H, W) → (R, B, C)"""
    return from_images(x, run.replicates).mean((-2, -1))
