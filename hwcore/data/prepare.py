"""Turning a data set into one file of tensors."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from hwcore.data.pixels import check_size
from hwcore.tensors import write_tensors


def prepare(
    name: str, identity: Mapping[str, Any], output: Path, places: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write the data set ``name`` as one safetensors file.

    ``identity`` and ``places`` are those of ``hwcore.data.catalog.Source``.  The images come from the
    ``read(name, identity, places)`` of hwcore/data/sources/<source>.py, which returns the training part, the
    test part and the names of the classes.

    The file holds ``train_images`` and ``test_images``, uint8 of shape (N, C, H, W), ``train_labels`` and
    ``test_labels``, int64 of shape (N,), and in the metadata, as the JSON value ``about``, the names of
    the ``classes``, the ``mean`` and ``std`` of each channel of the training images, scaled to 0…1, and
    the ``identity``.  Equal sources give equal bytes.

    Raises HwcoreError for images that cannot be read, a wrong checksum and images of several sizes.
    """
    train, test, classes = import_module(f"hwcore.data.sources.{identity['source']}").read(name, identity, places)
    check_size(name, train[0], test[0])
    channels = max(train[0].shape[1], test[0].shape[1])
    train, test = ((images.expand(-1, channels, -1, -1), labels) for images, labels in (train, test))
    flat = train[0].transpose(0, 1).flatten(1)
    mean, std = zip(*(_moments(channel) for channel in flat), strict=True)
    tensors = {"train_images": train[0], "train_labels": train[1], "test_images": test[0], "test_labels": test[1]}
    about = {"classes": classes, "mean": mean, "std": std, "identity": identity}
    # one value, because safetensors writes several in random order
    write_tensors(output, tensors, {"about": json.dumps(about)})


def _moments(channel: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of uint8 values scaled to 0…1, exactly, from their histogram."""
    counts = torch.bincount(channel.int(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts @ values / counts.sum()).item()
    variance = (counts @ (values - mean).square() / counts.sum()).item()
    return mean, variance**0.5
