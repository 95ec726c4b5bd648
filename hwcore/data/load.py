"""Data as training and analyses see it."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor

from hwcore.data.functions import sample
from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.errors import HwcoreError
from hwcore.seeds import seed


@dataclass(frozen=True)
class Data:
    """Training and test set on one device.

    Inputs are float32 of shape (N, *input).  Targets of a function are float32 of shape (N, 1).
    Labels are int64 of shape (N,), or (R, N) where each replicate has its own random ones.
    ``classes`` is their number, 0 for a function.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: int

    @property
    def own_train_labels(self) -> bool:
        return self.classes > 0 and self.train_y.dim() == 2

    def shaped(self, shape: tuple[int, ...]) -> "Data":
        """With inputs of ``shape``, e.g. images as the rows that a perceptron takes.

        Raises HwcoreError if the inputs do not have as many numbers.
        """
        has = tuple(self.train_x.shape[1:])
        if has != shape and (len(shape) != 1 or math.prod(has) != shape[0]):
            raise HwcoreError(
                f"the network takes inputs of {'×'.join(map(str, shape))}, but a sample has "
                f"{'×'.join(map(str, has))} = {math.prod(has)} numbers"
            )
        return replace(self, train_x=self.train_x.reshape(-1, *shape), test_x=self.test_x.reshape(-1, *shape))

    def training(self, samples: int | None) -> "Data":
        """The first ``samples`` of the training set, all with None, and an empty test set."""
        own = self.classes > 0
        return replace(
            self,
            train_x=self.train_x[:samples],
            train_y=self.train_y[..., :samples] if own else self.train_y[:samples],
            test_x=self.test_x[:0],
            test_y=self.test_y[..., :0] if own else self.test_y[:0],
        )

    def of_replicates(self, chosen: Sequence[int]) -> "Data":
        """With the labels of these replicates, where each has its own."""
        own = {name: getattr(self, name) for name in ("train_y", "test_y")}
        kept = {name: y[list(chosen)] for name, y in own.items() if self.classes and y.dim() == 2}
        return replace(self, **kept)

    def to(self, device: torch.device | str) -> "Data":
        moved = {name: getattr(self, name).to(device) for name in ("train_x", "train_y", "test_x", "test_y")}
        return replace(self, **moved)


def load(spec: DataSpec, prepared: Path | None, *, study: str, experiment: str, model: str, replicates: int) -> Data:
    """The data of a model.  ``prepared`` is the file of a data set, None for a function.

    Images are scaled to 0…1 and, where ``spec.normalize``, shifted and scaled by the mean and
    standard deviation of each channel over the whole training set.

    Raises HwcoreError if the file is missing or no prepared data set.
    """
    if isinstance(spec, FunctionData):
        pairs = sample(spec, study, experiment)
        parts = {
            f"{part}_{axis}": torch.from_numpy(values).float()
            for part, pair in pairs.items()
            for axis, values in zip("xy", pair, strict=True)
        }
        return Data(**parts, classes=0)
    assert prepared is not None, "a data set needs its prepared file"
    try:
        return _load_images(spec, prepared, study, experiment, model, replicates)
    except (FileNotFoundError, SafetensorError, LookupError):
        wrong = "is damaged; delete it and" if prepared.exists() else "is missing;"
        raise HwcoreError(f"{prepared}: {wrong} run `snakemake --cores 1 {prepared}`") from None


def _load_images(spec: DatasetData, prepared: Path, study: str, experiment: str, model: str, replicates: int) -> Data:
    with safe_open(prepared, framework="pt") as file:
        about = json.loads((file.metadata() or {})["about"])
        classes = len(about["classes"])
        parts: dict[str, Tensor] = {}
        for part, count, fraction in (
            ("train", spec.train_samples, spec.random_labels),
            ("test", spec.test_samples, spec.random_test_labels),
        ):
            images, labels = file.get_tensor(f"{part}_images"), file.get_tensor(f"{part}_labels")
            if count is not None and count < len(labels):
                chosen = _choose(len(labels), count, seed(study, experiment, "data", part))
                images, labels = images[chosen], labels[chosen]
            if fraction:
                seeds = [seed(study, experiment, model, r, f"{part} labels") for r in range(replicates)]
                labels = torch.stack([_randomize(labels, classes, fraction, s) for s in seeds])
            parts |= {f"{part}_x": _scale(images, about, spec), f"{part}_y": labels}
    return Data(**parts, classes=classes)


def _choose(total: int, count: int, seed: int) -> Tensor:
    return torch.randperm(total, generator=Generator().manual_seed(seed))[:count].sort().values


def _randomize(labels: Tensor, classes: int, fraction: float, seed: int) -> Tensor:
    """``labels`` with a random ``fraction`` of them drawn anew from all classes (Zhang et al. 2017)."""
    generator = Generator().manual_seed(seed)
    drawn = torch.randint(classes, labels.shape, generator=generator)
    count = round(fraction * len(labels))
    replaced = torch.randperm(len(labels), generator=generator)[:count]
    result = labels.clone()
    result[replaced] = drawn[replaced]
    return result


def _scale(images: Tensor, about: dict[str, Any], spec: DatasetData) -> Tensor:
    x = images.float().div_(255)
    if spec.normalize:
        shape = (1, -1, 1, 1)
        mean, std = (torch.tensor(about[key]).reshape(shape) for key in ("mean", "std"))
        x = x.sub_(mean).div_(std.clamp(min=1e-6))
    return x
