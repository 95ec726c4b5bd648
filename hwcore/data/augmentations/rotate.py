"""A random rotation (torchvision's RandomRotation)."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.data.augmentations.spec import Rotate


def draw(spec: Rotate, shape: tuple[int, int], count: int, generator: Generator) -> Tensor:
    """Cosine and sine of each angle, counter-clockwise, of shape (count, 2).

    They are made here, for all samples of one replicate, because their last bit depends on the place in a tensor.
    """
    largest = math.radians(spec.degrees)
    angles = (torch.rand(count, generator=generator, device=generator.device) * 2 - 1) * largest
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def frame(spec: Rotate, x: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C) in a frame of one black pixel, which stands for all that lies outside."""
    n, height, width, _ = x.shape
    framed = black.repeat(n, height + 2, width + 2, 1)
    framed[:, 1:-1, 1:-1] = x
    return framed


def take(spec: Rotate, framed: Tensor, places: Tensor, drawn: Tensor) -> Tensor:
    """The images (n, H, W, C) at ``places`` (n,) among framed ones (N, H + 2, W + 2, C), turned about their centres."""
    height, width = (size - 2 for size in framed.shape[1:3])
    cosine, sine = drawn[:, :1], drawn[:, 1:]
    # where each pixel comes from: row and column of each, as the sum of a part for its row and one for its column
    down, right = (torch.arange(size, device=framed.device) - (size - 1) / 2 for size in (height, width))
    rows = (cosine * down + (height - 1) / 2)[:, :, None] + (sine * right)[:, None, :]
    columns = (-sine * down + (width - 1) / 2)[:, :, None] + (cosine * right)[:, None, :]
    return (_nearest if spec.interpolation == "nearest" else _bilinear)(framed, places, rows, columns)


def apply(spec: Rotate, x: Tensor, drawn: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C) turned about their centres; what comes from outside is black."""
    return take(spec, frame(spec, x, black), torch.arange(len(x), device=x.device), drawn)


def _nearest(framed: Tensor, places: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels at the nearest places; half the time of grid_sample."""
    _, height, width, channels = framed.shape
    rows, columns = rows.round_().clamp_(-1, height - 2), columns.round_().clamp_(-1, width - 2)
    within = rows.mul_(width).add_(columns).long()
    first = places * (height * width) + width + 1
    pixels = framed.view(-1, channels).index_select(0, (within + first[:, None, None]).flatten())
    return pixels.view(len(places), height - 2, width - 2, channels)


def _bilinear(framed: Tensor, places: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    x, zero = framed[places, 1:-1, 1:-1], framed[0, 0, 0].float()[:, None, None]
    height, width = x.shape[1:3]
    # grid_sample has the borders of an image at -1 and 1, and zero outside
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    images = x.permute(0, 3, 1, 2).contiguous().float() - zero
    turned = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + zero
    return turned.to(x.dtype).permute(0, 2, 3, 1).contiguous()
