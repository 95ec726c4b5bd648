"""Data as training and analyses see it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hwcore.data.spec import DataSpec
from hwcore.errors import HwcoreError


@dataclass(frozen=True)
class Data:
    """Training and test set on one device.

    Inputs are float32 of shape (N, *input).  Targets of a function are float32 of shape (N, 1).
    Labels are int64 of shape (N,), or (R, N) where each replicate has its own random ones.
    ``classes`` is their number, 0 for a function.  ``black`` is the value of a black pixel in each channel,
    float32 of shape (C,), of images.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: int
    black: Tensor | None = None

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
        labels = self.classes > 0
        return replace(
            self,
            train_x=self.train_x[:samples],
            train_y=self.train_y[..., :samples] if labels else self.train_y[:samples],
            test_x=self.test_x[:0],
            test_y=self.test_y[..., :0] if labels else self.test_y[:0],
        )

    def last_test_batch(self, size: int) -> "Data":
        """With the last of the test set's mini-batches of ``size`` samples, in its order; what is left, if fewer."""
        start = (len(self.test_x) - 1) // size * size
        y = self.test_y[..., start:] if self.classes else self.test_y[start:]
        return replace(self, test_x=self.test_x[start:], test_y=y)

    def of_replicates(self, replicates: Sequence[int]) -> "Data":
        """With the labels of these replicates, where each has its own."""
        targets = {name: getattr(self, name) for name in ("train_y", "test_y")}
        kept = {name: y[list(replicates)] for name, y in targets.items() if self.classes and y.dim() == 2}
        return replace(self, **kept)

    def to(self, device: torch.device | str) -> "Data":
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        moved: dict[str, Any] = {name: value.to(device) for name, value in tensors.items()}
        return replace(self, **moved)


def load(spec: DataSpec, prepared: Path | None, *, study: str, experiment: str, model: str, replicates: int) -> Data:
    """The data of a model.  ``prepared`` is the file of a data set, None for a function.

    They come from the ``tensors`` of the module ``spec.loader``, with these same arguments.  What is random in
    them has its seed from the names, and from the number of the replicate.

    Raises HwcoreError if the file is missing or not a prepared data set.
    """
    names = {"study": study, "experiment": experiment, "model": model}
    tensors, classes = import_module(spec.loader).tensors(spec, prepared, **names, replicates=replicates)
    return Data(**tensors, classes=classes)
