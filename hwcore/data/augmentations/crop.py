"""A random crop of the padded image (torchvision's RandomCrop to the size of the image)."""

import torch
from torch import Generator, Tensor

from hwcore.data.augmentations.spec import Crop
from hwcore.errors import HwcoreError


def draw(spec: Crop, shape: tuple[int, int], count: int, generator: Generator) -> Tensor:
    """The first row and column of each crop in the padded image, int64 of shape (count, 2).

    Raises HwcoreError for a reflection of more pixels than there are.
    """
    if spec.padding_mode == "reflect" and spec.padding >= min(shape):
        raise HwcoreError(
            f"data.augment: crop: padding {spec.padding} cannot be reflected in images of {shape[0]}×{shape[1]}; "
            f"at most {min(shape) - 1}"
        )
    return torch.randint(2 * spec.padding + 1, (count, 2), generator=generator, device=generator.device)


def frame(spec: Crop, x: Tensor, black: Tensor) -> Tensor:
    """Images (n, H, W, C), padded on all sides."""
    p, (n, height, width, _) = spec.padding, x.shape
    if spec.padding_mode != "constant":
        rows, columns = (_places(spec, size, x.device) for size in (height, width))
        return x[:, rows][:, :, columns]
    padded = black.repeat(n, height + 2 * p, width + 2 * p, 1)
    padded[:, p : p + height, p : p + width] = x
    return padded


def take(spec: Crop, framed: Tensor, places: Tensor, drawn: Tensor) -> Tensor:
    """The crops (n, H, W, C) of the images at ``places`` (n,) among framed ones (N, H + 2p, W + 2p, C)."""
    height, width = (size - 2 * spec.padding for size in framed.shape[1:3])
    # a view of all crops: a row of one is copied as it lies in memory, without an index for each pixel
    crops = framed.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
    return crops[places, drawn[:, 0], drawn[:, 1]]


def apply(spec: Crop, x: Tensor, drawn: Tensor, black: Tensor) -> Tensor:
    """The crops of images (n, H, W, C)."""
    return take(spec, frame(spec, x, black), torch.arange(len(x), device=x.device), drawn)


def _places(spec: Crop, size: int, where: torch.device) -> Tensor:
    """Which row or column of the image stands in each of the padded one."""
    places = torch.arange(-spec.padding, size + spec.padding, device=where)
    if spec.padding_mode == "reflect":
        places = places.abs()
        return torch.where(places < size, places, 2 * (size - 1) - places)
    return places.clamp(0, size - 1)
