"""Loss and accuracy of all replicates on a whole data set."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hwcore.nets.network import Parameters, channels_last, forward
from hwcore.nets.spec import Network
from hwcore.train.loss import correct, losses

# Numbers in the widest activations of one batch of all replicates: 4 MB in float32, so that on a
# CPU they stay near it; a GPU is not filled by so few.  There are at least as many as weights, which are read for
# each batch: ten million of them for every three images took a network twice as long.
_BATCH = {"cpu": 2**20, "cuda": 2**26}
# Samples of a batch with dropout: of one number, so that a replicate's masks do not depend on the others.
_DROPOUT_BATCH = 256


@torch.no_grad()
def evaluate(
    network: Network,
    parameters: Parameters,
    buffers: Parameters,
    loss: str,
    x: Tensor,
    y: Tensor,
    *,
    dtype: torch.dtype = torch.float32,
    dropout: Sequence[Generator] | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean loss and the accuracy of each replicate on (x, y), both float64 of shape (R,).

    ``x`` has shape (N, *input), ``y`` as in ``hwcore.train.loss.losses``.  Every sample counts the
    same, in the last, shorter batch too.  The accuracy of a regression is NaN.  The batch size
    depends on R: two calls with equal R, weights and data give equal bits.  With a ``dtype`` of
    bfloat16 matrix products are in that format, as in training; analyses compute in float32.  With ``dropout``,
    a generator for each replicate, dropout is active.
    """
    replicates = next(iter(parameters.values())).shape[0]
    numbers = max(_BATCH[x.device.type], sum(value.numel() for value in parameters.values()))
    size = _DROPOUT_BATCH if dropout else max(1, min(10_000, numbers // (replicates * network.widest)))
    total = torch.zeros(replicates, dtype=torch.float64, device=x.device)
    right = torch.zeros(replicates, dtype=torch.int64, device=x.device)
    own = y.dim() == 2 and loss != "mse"
    for start in range(0, len(x), size):
        inputs = x[start : start + size]
        if inputs.dim() == 4:
            inputs = channels_last(inputs)
        targets = y[:, start : start + size] if own else y[start : start + size]
        with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            outputs = forward(network, parameters, buffers, inputs, dropout=dropout).to(x.dtype)
        total += losses(loss, outputs, targets).double() * len(inputs)
        if loss != "mse":
            right += correct(outputs, targets)
    accuracy = right.double() / len(x) if loss != "mse" else torch.full_like(total, torch.nan)
    return total / len(x), accuracy
