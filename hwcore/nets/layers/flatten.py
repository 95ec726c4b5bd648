from torch import Tensor

from hwcore.nets.layer import Pass, channels_last, from_images
from hwcore.nets.specs.flatten import Flatten


def forward(layer: Flatten, name: str, x: Tensor, run: Pass) -> Tensor:
    """(B, R·C, H, W) → (R, B, C·H·W)"""
    if run.training and x.dim() == 4 and x.requires_grad:
        # the gradient comes back in the other order of memory, in which the layers before are slow
        x.register_hook(channels_last)
    return from_images(x, run.replicates).flatten(2)
