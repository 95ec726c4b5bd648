"""Mini-batches of the training set."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from hwcore.nets.network import channels_last


class Batches:
    """The training inputs in the order of memory and the number format in which a step takes them.

    Images lie with their channels last, where convolutions are fastest and a batch is gathered row
    by row.
    """

    def __init__(self, x: Tensor, dtype: torch.dtype, size: int, *, shuffle: bool = True) -> None:
        """``x`` is (N, *input); a batch has ``size`` samples, the last one of an epoch what is left.

        Without ``shuffle`` they come in the order of ``x``.
        """
        self.samples, self.size, self._shuffle = len(x), size, shuffle
        self._images = x.dim() == 4
        x = x.to(dtype)
        self._rows = channels_last(x).permute(0, 2, 3, 1) if self._images else x

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return math.ceil(self.samples / self.size)

    def epoch(self, y: Tensor, orders: Sequence[Generator]) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (r, B, *input) and targets (r, B, ...), each replicate's in the order that its generator gives.

        ``y`` is (N, ...), or (r, N) of labels that each replicate has for itself.  The full batch needs no order: it
        is (N, *input) and ``y`` for all replicates.
        """
        if self.size == self.samples:
            yield (self._rows.permute(0, 3, 1, 2) if self._images else self._rows), y
            return
        order = torch.stack([self._order(generator) for generator in orders]).to(y.device)
        rows = torch.arange(len(order), device=y.device).unsqueeze(1)
        labels_differ = y.dim() == 2 and not y.is_floating_point()
        for places in order.split(self.size, dim=1):
            x = self._rows[places]
            yield x.permute(0, 1, 4, 2, 3) if self._images else x, y[rows, places] if labels_differ else y[places]

    def _order(self, generator: Generator) -> Tensor:
        return torch.randperm(self.samples, generator=generator) if self._shuffle else torch.arange(self.samples)
