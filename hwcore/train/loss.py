"""Losses and accuracy, one number per replicate."""

import torch.nn.functional as F
from torch import Tensor


def losses(kind: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean loss of each replicate, of shape (R,).

    ``outputs`` has shape (R, B, outputs).  ``targets`` are labels of shape (B,) or (R, B) for
    ``cross_entropy`` (of logits) and ``nll`` (of log-probabilities), and values of shape
    (B, outputs) or (R, B, outputs) for ``mse``.
    """
    if kind == "mse":
        return (outputs - targets).square().flatten(1).mean(1)
    function = F.cross_entropy if kind == "cross_entropy" else F.nll_loss
    labels = targets.expand(outputs.shape[:2])
    each = function(outputs.flatten(0, 1), labels.reshape(-1), reduction="none")
    return each.view(outputs.shape[:2]).mean(1)


def correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """How many of each replicate's outputs (R, B, classes) are right: shape (R,)."""
    return (outputs.argmax(-1) == targets).sum(1)
