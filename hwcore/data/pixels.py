"""Images as tensors of one size, and what all sources of data sets do with them."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hwcore.errors import HwcoreError

# Of a set that is not divided, this share is for testing.
_TEST_SHARE = 0.2
_SPLIT_SEED = 0

Pixels = NDArray[np.uint8]  # (C, H, W)
Part = tuple[Tensor, Tensor]  # images uint8 (N, C, H, W), labels int64 (N,)


def pixels(image: Image.Image, size: Sequence[int] | None) -> Pixels:
    """An image as uint8 of shape (C, H, W), scaled to ``size`` (H, W) if given; C is 1 for grey and 3 for colour."""
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    array: Pixels = np.array(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def stack(name: str, samples: Iterable[tuple[Pixels, int]]) -> Part:
    """The images of the data set ``name`` with their labels.  Where some are in colour, grey ones are too.

    Raises HwcoreError if there are none or they differ in height or width.
    """
    images, labels = [], []
    for image, label in samples:
        images.append(image)
        labels.append(label)
        check_size(name, images[0], image)
    if not images:
        raise HwcoreError(f"data set {name}: there are no images")
    if len({len(image) for image in images}) > 1:
        images = [np.broadcast_to(image, (3, *image.shape[1:])) for image in images]
    return torch.from_numpy(np.stack(images)), torch.tensor(labels, dtype=torch.int64)


def check_size(name: str, one: Pixels | Tensor, other: Pixels | Tensor) -> None:
    """Raises HwcoreError unless ``one`` and ``other``, of shape (..., H, W), have the same height and width."""
    if one.shape[-2:] != other.shape[-2:]:
        raise HwcoreError(
            f"data set {name}: images differ in size ({one.shape[-2]}×{one.shape[-1]} and "
            f"{other.shape[-2]}×{other.shape[-1]}, as height × width); "
            f"set `size: [32, 32]` or another one in datasets.{name} of config.yaml or in `data` of the study"
        )


def holdout(images: Tensor, labels: Tensor) -> tuple[Part, Part]:
    """A training and a test set: a fixed random fifth of each class is for testing."""
    generator = torch.Generator().manual_seed(_SPLIT_SEED)
    train, test = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = round(len(members) * _TEST_SHARE)
        test.append(members[:count])
        train.append(members[count:])
    train_rows, test_rows = torch.cat(train).sort().values, torch.cat(test).sort().values
    return (images[train_rows], labels[train_rows]), (images[test_rows], labels[test_rows])
