"""Products of curvature matrices with vectors, in a number of passes over the data that does not grow with the weights.

All are of the mean loss over the samples, L = Σ ℓₙ / N, at weights θ; f are the outputs of the network:

- "hessian": H = ∇²L (Pearlmutter 1994, Neural Computation 6, 147);
- "ggn": the generalised Gauss-Newton matrix Σ Jₙᵀ (∇²_f ℓₙ) Jₙ / N with J = ∂f/∂θ (Schraudolph 2002, Neural
  Computation 14, 1723).  For the losses here it is the Fisher information too, of labels drawn from the network's own
  distribution (Martens 2020, arXiv:1412.1193, section 9.2): Gaussian for mse, categorical for the others;
- "empirical_fisher": Σ ∇ℓₙ ∇ℓₙᵀ / N, of the labels of the data (Kunstner et al. 2019, arXiv:1905.12558, on how it
  differs from the Fisher information).
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from hwcore.analyses.krylov import Product
from hwcore.analyses.run import Run
from hwcore.nets.network import Parameters, flatten, forward, unflatten
from hwcore.nets.spec import Network
from hwcore.train.loss import losses

_CHUNK = 2**20  # numbers in the widest activations of one pass over a part of the data
_MEMORY = 2**25  # numbers in all activations of all samples up to which they are kept: some 400 MB with gradients


def curvature_product(
    run: Run, replicate: int, *, matrix: str = "hessian", samples: int | None = None, dtype: torch.dtype
) -> Product:
    """V (P,) → A v (P,), for a matrix A of the mean loss of a replicate over the training samples."""
    data = run.data.of_replicates([replicate]).training(samples)
    x, y = data.train_x.to(dtype), data.train_y if data.classes else data.train_y.to(dtype)
    weights = flatten({name: value[replicate : replicate + 1].to(dtype) for name, value in run.parameters.items()})
    buffers = {name: value[replicate : replicate + 1].to(dtype) for name, value in run.buffers.items()}
    return product_of(run.network, run.spec.training.loss, weights, buffers, x, y, matrix=matrix)


def product_of(
    network: Network,
    loss: str,
    weights: Tensor,
    buffers: Parameters,
    x: Tensor,
    y: Tensor,
    *,
    matrix: str = "hessian",
) -> Product:
    """V (P,) → A v (P,), for a matrix A of the mean loss at ``weights`` (1, P) over all of (x, y).

    Where memory allows, the outputs and how they came about are kept, so that a product costs one or two more
    backward passes.  The weights are never changed, so no call changes what the next one sees.  A product is where
    its vector is, whatever device computes it.

    Of the loss nll the Gauss-Newton matrix is that of the cross-entropy before a last log-softmax, which the network
    must have: in what it takes for log-probabilities that loss is linear.
    """
    if matrix == "ggn" and loss == "nll":
        network, loss = _on_logits(network)
    shapes = network.activations()
    size = max(1, _CHUNK // network.widest)
    parts = [slice(start, start + size) for start in range(0, len(x), size)]

    def share(rows: slice) -> "_Share":
        part, targets = x[rows], y[..., rows] if loss != "mse" else y[rows]
        at = weights.clone().requires_grad_()
        outputs = forward(network, unflatten(network, at), buffers, part)
        return _SHARES[matrix](at, outputs, partial(_mean_loss, loss, targets), len(part) / len(x))

    kept = [share(rows) for rows in parts] if len(x) * sum(shapes) <= _MEMORY else None

    def product(vector: Tensor) -> Tensor:
        total = torch.zeros_like(weights)
        direction = vector.to(weights).unsqueeze(0)
        for turn in kept or map(share, parts):
            total += turn(direction)
        return total.squeeze(0).to(vector.device)

    return product


# V (1, P) → the share of A v (1, P) that some samples have.
_Share = Callable[[Tensor], Tensor]
# Outputs (1, B, outputs) → their mean loss.
_Loss = Callable[[Tensor], Tensor]


def _hessian(at: Tensor, outputs: Tensor, loss: _Loss, weight: float) -> _Share:
    (slope,) = torch.autograd.grad(loss(outputs) * weight, at, create_graph=True)
    return lambda v: torch.autograd.grad(slope, at, v, retain_graph=True)[0]


def _gauss_newton(at: Tensor, outputs: Tensor, loss: _Loss, weight: float) -> _Share:
    there = outputs.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(there) * weight, there, create_graph=True)
    forwards = _tangent(at, outputs)

    def product(v: Tensor) -> Tensor:
        (bent,) = torch.autograd.grad(slope, there, forwards(v), retain_graph=True)
        return torch.autograd.grad(outputs, at, bent, retain_graph=True)[0]

    return product


def _empirical_fisher(at: Tensor, outputs: Tensor, loss: _Loss, weight: float) -> _Share:
    # samples do not interact, so the gradient of the sum of their losses by the outputs has that of each
    (slope,) = torch.autograd.grad(loss(outputs) * outputs.shape[1], outputs, retain_graph=True)
    forwards = _tangent(at, outputs)

    def product(v: Tensor) -> Tensor:
        rises = (slope * forwards(v)).sum(-1, keepdim=True)  # ∇ℓₙ · v: (1, B, 1)
        each = slope * rises * (weight / outputs.shape[1])
        return torch.autograd.grad(outputs, at, each, retain_graph=True)[0]

    return product


_SHARES: dict[str, Callable[[Tensor, Tensor, _Loss, float], _Share]] = {
    "hessian": _hessian,
    "ggn": _gauss_newton,
    "empirical_fisher": _empirical_fisher,
}


def _tangent(at: Tensor, outputs: Tensor) -> Callable[[Tensor], Tensor]:
    """V (1, P) → J v, of the shape of the outputs: the derivative of Jᵀu, which is linear in u, by u."""
    u = torch.zeros_like(outputs, requires_grad=True)
    (back,) = torch.autograd.grad(outputs, at, u, create_graph=True)
    return lambda v: torch.autograd.grad(back, u, v, retain_graph=True)[0]


def _mean_loss(loss: str, targets: Tensor, outputs: Tensor) -> Tensor:
    return losses(loss, outputs, targets).sum()


def _on_logits(network: Network) -> tuple[Network, str]:
    assert network.layers[-1].kind == "log_softmax"
    return network.model_copy(update={"layers": network.layers[:-1]}), "cross_entropy"
