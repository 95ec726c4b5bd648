"""When a replicate ends before its last epoch."""

import torch
from torch import Tensor

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

    def stops(self, epoch: int, now: Tensor, before: Tensor | None, grad_norm: Tensor) -> Tensor:
        """Which replicates stop after ``epoch``, counted from 1: (r,), on the CPU.

        ``now`` (2, r) are this epoch's training loss and accuracy, ``before`` those of ``until.over`` epochs
        earlier, None where there were none yet; ``grad_norm`` (r,) is the mean over the epoch's steps.
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
