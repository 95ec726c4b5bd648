"""A random horizontal flip (torchvision's RandomHorizontalFlip)."""

import torch
from torch import Generator, Tensor

from hwcore.data.augmentations.spec import Flip


def draw(spec: Flip, shape: tuple[int, int], count: int, generator: Generator) -> Tensor:
    """Whether each image is flipped, bool of shape (count,)."""
    return torch.rand(count, generator=generator, device=generator.device) < spec.p


def apply(spec: Flip, x: Tensor, drawn: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C), those that were drawn flipped left for right."""
    return torch.where(drawn[:, None, None, None], x.flip(2), x)
