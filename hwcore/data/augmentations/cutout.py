"""A black square at a random place (cutout of DeVries & Taylor 2017, arXiv:1708.04552)."""

import torch
from torch import Generator, Tensor

from hwcore.data.augmentations.spec import Cutout


def draw(spec: Cutout, shape: tuple[int, int], count: int, generator: Generator) -> Tensor:
    """The pixel (row, column) of each image that the square is about, int64 of shape (count, 2)."""
    return torch.stack(
        [torch.randint(size, (count,), generator=generator, device=generator.device) for size in shape], dim=1
    )


def apply(spec: Cutout, x: Tensor, drawn: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C) with the rows and columns from ``size // 2`` before the pixel on black, ``size`` of each."""
    (_, height, width, channels), first = x.shape, drawn - spec.size // 2
    rows, columns = (
        (first[:, axis, None] <= places) & (places < first[:, axis, None] + spec.size)
        for axis, places in enumerate(torch.arange(size, device=x.device) for size in (height, width))
    )
    # whole rows of memory are chosen from faster than pixels
    square = rows[:, :, None] & columns.repeat_interleave(channels, 1)[:, None, :]
    return torch.where(square, black.repeat(width), x.flatten(2)).reshape(x.shape)
