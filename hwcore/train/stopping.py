"""When a replicate ends before its last epoch, and with which weights."""

from typing import Any

import torch
from torch import Tensor

from hwcore.nets.network import Parameters
from hwcore.train.replicates import Replicates
from hwcore.train.spec import Until


class StoppingRule:
    """Which of r replicates ``until`` stops, epoch after epoch, at a cost that does not grow with the epochs done.

    All is compared where the metrics lie; one number for each replicate is read back from there.
    """

    def __init__(self, until: Until, replicates: int, where: torch.device) -> None:
        self.until = until
        self._streak = torch.zeros(replicates, dtype=torch.int64, device=where)  # epochs in a row in which it held

    @property
    def needs_grad_norm(self) -> bool:
        return self.until.grad_norm is not None

    def stops(
        self, epoch: int, now: Tensor, before: Tensor | None, grad_norm: Tensor, best_epoch: Tensor | None
    ) -> Tensor:
        """Which replicates stop after ``epoch``, counted from 1: (r,), on the CPU.

        ``now`` (2, r) are this epoch's training loss and accuracy, ``before`` those of ``until.over`` epochs
        earlier, None where there were none yet; ``grad_norm`` (r,) is the mean over the epoch's steps;
        ``best_epoch`` (r,) is that of the lowest validation loss.
        """
        until = self.until
        loss, accuracy = now
        holds = torch.ones_like(self._streak, dtype=torch.bool)
        if until.loss is not None:
            holds &= loss <= until.loss
        if until.loss_change is not None:
            holds &= torch.zeros_like(holds) if before is None else (loss - before[0]).abs() <= until.loss_change
        if until.grad_norm is not None:
            holds &= grad_norm <= until.grad_norm
        if until.accuracy is not None:
            holds &= accuracy >= until.accuracy
        if until.validation_patience is not None:
            assert best_epoch is not None, "a study that asks for it holds a part of the data out"
            holds &= epoch - best_epoch >= until.validation_patience
        self._streak = torch.where(holds, self._streak + 1, 0)
        if epoch < until.first_epoch:
            return torch.zeros(len(holds), dtype=torch.bool)
        return (self._streak >= until.patience).cpu()

    def keep(self, places: Tensor) -> None:
        """Go on with the replicates at ``places``."""
        self._streak = self._streak[places]

    def state(self) -> dict[str, Tensor]:
        return {"streak": self._streak}

    def load(self, state: dict[str, Tensor]) -> None:
        self._streak = state["streak"].to(self._streak.device)


class BestWeights:
    """The weights of R replicates after the first epoch in which their validation loss was lowest."""

    def __init__(self, replicates: Replicates) -> None:
        count, where = len(replicates.going), replicates.going.device
        self._loss = torch.full((count,), torch.inf, dtype=torch.float64, device=where)
        self._epoch = torch.zeros(count, dtype=torch.int64, device=where)
        tensors = {**replicates.parameters, **replicates.buffers}
        self._weights: Parameters = {name: value.detach().clone() for name, value in tensors.items()}

    def see(self, epoch: int, loss: Tensor, replicates: Replicates) -> None:
        """Take the weights of those in training, of validation losses (r,), where they are the best so far."""
        better = loss < self._loss[replicates.going]
        if epoch == 1:
            # a loss that is not a number is no better than any, but there are no other weights yet
            better = torch.ones_like(better)
        places = replicates.going[better]
        self._loss[places] = loss[better].nan_to_num(torch.inf)
        self._epoch[places] = epoch
        for name, value in {**replicates.parameters, **replicates.buffers}.items():
            self._weights[name][places] = value.detach()[better]

    def epochs(self, going: Tensor) -> Tensor:
        """The best epochs of the replicates ``going`` (r,), counted from 1: (r,)."""
        return self._epoch[going]

    def restore(self, replicates: Replicates, which: Tensor) -> None:
        """Give the replicates ``which`` (r,) of those in training their best weights."""
        places = replicates.going[which]
        with torch.no_grad():
            for name, value in {**replicates.parameters, **replicates.buffers}.items():
                value[which] = self._weights[name][places]

    def state(self) -> dict[str, Any]:
        return {"loss": self._loss, "epoch": self._epoch, "weights": self._weights}

    def load(self, state: dict[str, Any]) -> None:
        where = self._loss.device
        self._loss, self._epoch = state["loss"].to(where), state["epoch"].to(where)
        self._weights = {name: value.to(where) for name, value in state["weights"].items()}
