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


def apply(spec: Rotate, x: Tensor, drawn: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C) turned about their centres; what comes from outside is black."""
    height, width = x.shape[1:3]
    cosine, sine = drawn[:, :1], drawn[:, 1:]
    # where each pixel comes from, as a complex number; grid_sample has the borders of an image at -1 and 1
    down, right = (torch.arange(size, device=x.device) - (size - 1) / 2 for size in (height, width))
    columns = torch.complex(cosine * right * (2 / width), sine * right * (2 / height))
    rows = torch.complex(-sine * down * (2 / width), cosine * down * (2 / height))
    places = torch.view_as_real(columns[:, None, :] + rows[:, :, None])
    # zero is what grid_sample has outside
    zero = black.float()[:, None, None]
    images = x.permute(0, 3, 1, 2).contiguous().float() - zero
    turned = F.grid_sample(images, places, mode=spec.interpolation, padding_mode="zeros", align_corners=False) + zero
    return turned.to(x.dtype).permute(0, 2, 3, 1).contiguous()
