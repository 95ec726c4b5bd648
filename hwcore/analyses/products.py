"""Products of the Hessian with vectors, in a number of passes over the data that does not grow with the weights."""

import torch
from torch import Tensor

from hwcore.analyses.krylov import Product
from hwcore.analyses.run import Run
from hwcore.nets.network import Parameters, flatten, forward, unflatten
from hwcore.nets.spec import Network
from hwcore.train.loss import losses

_CHUNK = 2**20  # numbers in the widest activations of one pass over a part of the data
_MEMORY = 2**25  # numbers in all activations of all samples up to which they are kept: some 400 MB with gradients


def hessian_product(run: Run, replicate: int, *, samples: int | None = None, dtype: torch.dtype) -> Product:
    """V (P,) → H v (P,), of the mean loss of a replicate over the training samples."""
    data = run.data.of_replicates([replicate]).training(samples)
    x, y = data.train_x.to(dtype), data.train_y if data.classes else data.train_y.to(dtype)
    weights = flatten({name: value[replicate : replicate + 1].to(dtype) for name, value in run.parameters.items()})
    buffers = {name: value[replicate : replicate + 1].to(dtype) for name, value in run.buffers.items()}
    return product_of(run.network, run.spec.training.loss, weights, buffers, x, y)


def product_of(network: Network, loss: str, weights: Tensor, buffers: Parameters, x: Tensor, y: Tensor) -> Product:
    """V (P,) → H v (P,), of the mean loss at ``weights`` (1, P) over all of (x, y) (Pearlmutter 1994).

    Where memory allows, the gradient and how it came about are kept, so that a product costs one more backward
    pass.  The weights are never changed, so no call changes what the next one sees.  A product is where its vector
    is, whatever device computes it.
    """
    size = max(1, _CHUNK // network.widest)
    parts = [slice(start, start + size) for start in range(0, len(x), size)]

    def slope(rows: slice) -> tuple[Tensor, Tensor]:
        part, targets = x[rows], y[..., rows] if loss != "mse" else y[rows]
        at = weights.clone().requires_grad_()
        outputs = forward(network, unflatten(network, at), buffers, part)
        mean = losses(loss, outputs, targets).sum() * (len(part) / len(x))
        return at, torch.autograd.grad(mean, at, create_graph=True)[0]

    kept = [slope(rows) for rows in parts] if len(x) * sum(network.activations()) <= _MEMORY else None

    def product(vector: Tensor) -> Tensor:
        total = torch.zeros_like(weights)
        direction = vector.to(weights).unsqueeze(0)
        for at, gradient in kept or map(slope, parts):
            (turned,) = torch.autograd.grad(gradient, at, direction, retain_graph=kept is not None)
            total += turned
        return total.squeeze(0).to(vector.device)

    return product
