"""Random changes of training images, on the device and for a whole batch at once."""

from collections.abc import Sequence
from importlib import import_module

import torch
from torch import Generator, Tensor

from hwcore.data.augmentations.spec import Augmentation
from hwcore.data.load import Data
from hwcore.errors import HwcoreError


class Augment:
    """A list of augmentations, applied in their order.

    Each is a module hwcore/data/augmentations/<kind>.py with two functions: ``draw(spec, (H, W), count, generator)``
    gives what is random for ``count`` images, a tensor (count, ...), and ``apply(spec, x, drawn, black)`` changes
    images (n, H, W, C) by it.  What comes from outside of an image is ``black``, the value of a black pixel after
    normalisation, so that all is as if it were done to the pixels before.

    One that needs more than the image has two others beside: ``frame(spec, x, black)`` and ``take(spec, framed,
    places, drawn)``, which does the work of ``apply`` where it comes first, on images that were framed once.
    """

    def __init__(self, specs: Sequence[Augmentation], data: Data, dtype: torch.dtype) -> None:
        """``data`` are images (N, C, H, W), before they are shaped for a network.

        Raises HwcoreError if they are not.
        """
        if data.black is None or data.train_x.dim() != 4:
            raise HwcoreError("data.augment: needs images")
        self.shape = data.train_x.shape[1:]
        self._black = data.black.to(dtype)
        self._parts = [(import_module(f"hwcore.data.augmentations.{spec.kind}"), spec) for spec in specs]

    def draw(self, count: int, generators: Sequence[Generator]) -> list[Tensor]:
        """For each augmentation what is random for ``count`` images of each replicate, from its own generator:
        tensors of shape (r, count, ...).
        """
        return [
            torch.stack([part.draw(spec, tuple(self.shape[1:]), count, generator) for generator in generators])
            for part, spec in self._parts
        ]

    def memory(self, x: Tensor) -> Tensor:
        """Images (N, H, W, C) as ``take`` has them taken from: framed where the first augmentation needs it."""
        part, spec = self._parts[0]
        framed: Tensor = part.frame(spec, x, self._black) if hasattr(part, "frame") else x
        return framed

    def take(self, memory: Tensor, places: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """The images at ``places`` (r, B), changed by what was drawn for each, (r, B, ...): (r, B, H, W, C)."""
        (first, spec), *others = self._parts
        draws, *more = (each.flatten(0, 1) for each in drawn)
        if hasattr(first, "take"):
            x: Tensor = first.take(spec, memory, places.flatten(), draws)
        else:
            x = first.apply(spec, memory[places.flatten()], draws, self._black)
        for (part, spec), each in zip(others, more, strict=True):
            x = part.apply(spec, x, each, self._black)
        return x.reshape(*places.shape, *x.shape[1:])
