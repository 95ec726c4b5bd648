"""Losses and accuracy, one number per replicate."""

import torch.nn.functional as F
from torch import Tensor


def losses(kind: str, outputs: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """The mean loss of each replicate, of shape (R,).

    ``outputs`` has shape (R, B, outputs).  ``targets`` are labels of shape (B,) or (R, B) for
    ``cross_entropy`` (of logits) and ``nll`` (of log-probabilities), and values of shape
    (B, outputs) or (R, B, outputs) for ``mse``.  ``label_smoothing`` is that of torch.nn.functional.cross_entropy
    and of no other loss (Szegedy et al. 2016, arXiv:1512.00567).
    """
    if kind == "mse":
        return (outputs - targets).square().flatten(1).mean(1)
    rows, labels = outputs.flatten(0, 1), targets.expand(outputs.shape[:2]).reshape(-1)
    if kind == "cross_entropy":
        each = F.cross_entropy(rows, labels, reduction="none", label_smoothing=label_smoothing)
    else:
        each = F.nll_loss(rows, labels, reduction="none")
    return each.view(outputs.shape[:2]).mean(1)


def correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """How many of each replicate's outputs (R, B, classes) are right: shape (R,)."""
    return (outputs.argmax(-1) == targets).sum(1)
