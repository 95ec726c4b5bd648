"""Loss and accuracy of all replicates on a whole data set."""

from math import prod

import torch
from torch import Tensor

from hwcore.nets.network import Parameters, forward
from hwcore.nets.spec import Network
from hwcore.train.loss import correct, losses

# Numbers in one batch of inputs of all replicates together; 2**22 of them are 16 MB.
_BATCH = 2**22


@torch.no_grad()
def evaluate(
    network: Network, parameters: Parameters, buffers: Parameters, loss: str, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """The mean loss and the accuracy of each replicate on (x, y), both float64 of shape (R,).

    ``x`` has shape (N, *input), ``y`` as in ``hwcore.train.loss.losses``.  Every sample counts the
    same, in the last, shorter batch too.  The accuracy of a regression is NaN.  The batch size
    depends on R: two calls with equal R, weights and data give equal bits.
    """
    replicates = next(iter(parameters.values())).shape[0]
    size = max(1, min(10_000, _BATCH // (replicates * max(64, prod(network.input)))))
    total = torch.zeros(replicates, dtype=torch.float64, device=x.device)
    right = torch.zeros(replicates, dtype=torch.int64, device=x.device)
    own = y.dim() == 2 and loss != "mse"
    for start in range(0, len(x), size):
        inputs = _channels_last(x[start : start + size])
        targets = y[:, start : start + size] if own else y[start : start + size]
        outputs = forward(network, parameters, buffers, inputs)
        total += losses(loss, outputs, targets).double() * len(inputs)
        if loss != "mse":
            right += correct(outputs, targets)
    accuracy = right.double() / len(x) if loss != "mse" else torch.full_like(total, torch.nan)
    return total / len(x), accuracy


def _channels_last(x: Tensor) -> Tensor:
    """Images (B, C, H, W) in the order of memory in which convolutions are fastest; others as they are."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
