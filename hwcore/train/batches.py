"""Mini-batches of the training set."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from hwcore.data.augment import Augment
from hwcore.nets.network import channels_last


class Batches:
    """The training inputs in the order of memory and the number format in which a step takes them.

    Images lie with their channels last, where convolutions are fastest and a batch is gathered row
    by row.
    """

    def __init__(
        self, x: Tensor, dtype: torch.dtype, size: int, augment: Augment | None = None, *, shuffle: bool = True
    ) -> None:
        """``x`` is (N, *input); a batch has ``size`` samples, the last one of an epoch what is left.

        With ``augment`` each is changed at random, as the image that it is, whatever shape the network takes.
        Without ``shuffle`` they come in the order of ``x``.
        """
        self.samples, self.size, self._shuffle = len(x), size, shuffle
        self._shape, self._augment = x.shape[1:], augment
        x = (x.unflatten(1, augment.shape) if augment and x.dim() == 2 else x).to(dtype)
        self._images = x.dim() == 4
        self._rows = channels_last(x).permute(0, 2, 3, 1) if self._images else x
        if augment:
            self._rows = augment.memory(self._rows)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return math.ceil(self.samples / self.size)

    def epoch(
        self, y: Tensor, orders: Sequence[Generator], changes: Sequence[Generator]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (r, B, *input) and targets (r, B, ...), each replicate's in the order that its generator gives.

        ``y`` is (N, ...), or (r, N) of labels that each replicate has for itself.  The full batch needs no order: it
        is (N, *input) and ``y`` for all replicates.  Augmented inputs are (r, B, *input) there too; what is random
        in them is drawn from ``changes`` at the start of the epoch.
        """
        if self.size < self.samples:
            order = torch.stack([self._order(generator) for generator in orders])
        elif self._augment:
            order = torch.arange(self.samples).expand(len(changes), -1)
        else:
            yield self._inputs(self._rows), y
            return
        order = order.to(y.device)
        drawn = self._augment.draw(self.samples, changes) if self._augment else []
        rows = torch.arange(len(order), device=y.device).unsqueeze(1)
        labels_differ = y.dim() == 2 and not y.is_floating_point()
        for places, *parts in zip(*(each.split(self.size, dim=1) for each in (order, *drawn)), strict=True):
            x = self._augment.take(self._rows, places, parts) if self._augment else self._rows[places]
            yield self._inputs(x), y[rows, places] if labels_differ else y[places]

    def _order(self, generator: Generator) -> Tensor:
        return torch.randperm(self.samples, generator=generator) if self._shuffle else torch.arange(self.samples)

    def _inputs(self, rows: Tensor) -> Tensor:
        """Rows of the memory in the shape that the network takes."""
        if not self._images:
            return rows
        x = rows.movedim(-1, -3)
        return x if len(self._shape) == 3 else x.flatten(-3)
