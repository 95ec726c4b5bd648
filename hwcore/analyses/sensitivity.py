"""How much outputs change with inputs, and what the reports measured instead."""

from collections.abc import Callable, Iterator
from math import prod

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwcore.analyses.evaluation import gaps
from hwcore.analyses.run import Run
from hwcore.nets.network import Parameters, forward
from hwcore.nets.spec import Network
from hwcore.train.loss import losses

# Numbers in the widest activations, or in the Jacobians, of the replicates and points that are computed together.
_CHUNK = {"cpu": 2**20, "cuda": 2**26}


def analyse(runs: dict[str, Run], *, samples: int, batch: str = "first", input_gradient: bool = False) -> pd.DataFrame:
    """Quantities that go by the name of sensitivity, each under its own name, beside the generalisation gap.

    ``jacobian_norm_logits`` and ``jacobian_norm_probabilities``: the Frobenius norm of the Jacobian
    of the outputs, or of their softmax, with respect to the (normalised) input, averaged over the
    first ``samples`` test points (Novak et al. 2018, arXiv:1802.08760).  Logits are what a last softmax or
    log-softmax acts on; those of a regression are its outputs, which have no probabilities (NaN).
    ``train_jacobian_norm_logits`` is the average over as many training points.

    ``loss_gradient_norm``: the Frobenius norm of the gradient of the loss of one mini-batch with
    respect to each parameter tensor, averaged over the tensors.  With ``batch`` "first" it is that of the
    trained weights on the first mini-batch of the training data, in evaluation mode (no dropout, running
    statistics); with "last" that of the last mini-batch of training, at the weights before its update, as the
    reports had it left over (NaN before the first epoch).

    With ``input_gradient``, ``input_gradient_norm``: the Euclidean norm of the gradient of a sample's loss
    with respect to its (normalised) input, averaged over the first ``samples`` test points; and
    ``predicted_input_gradient_norm``: the same where the label is the class that the network itself predicts
    (NaN for a regression).  A report that differentiates the mean loss of a batch of B has a B-th of it.
    """
    tables = [_measure(name, run, samples, batch, input_gradient) for name, run in runs.items()]
    return pd.concat(tables, ignore_index=True)


def _measure(name: str, run: Run, samples: int, batch: str, input_gradient: bool) -> pd.DataFrame:
    data = run.data
    logits, probabilities = jacobian_norms(run, data.test_x[:samples])
    train_logits, _ = jacobian_norms(run, data.train_x[:samples])
    table = gaps(name, run).assign(
        jacobian_norm_logits=logits.mean(1).cpu().numpy(),
        jacobian_norm_probabilities=probabilities.mean(1).cpu().numpy() if data.classes else np.nan,
        train_jacobian_norm_logits=train_logits.mean(1).cpu().numpy(),
        loss_gradient_norm=loss_gradient_norm(run).cpu().numpy() if batch == "first" else last_gradient_norm(run),
    )
    if input_gradient:
        true, predicted = input_gradient_norms(run, data.test_x[:samples], data.test_y)
        table["input_gradient_norm"] = true.mean(1).cpu().numpy()
        table["predicted_input_gradient_norm"] = predicted.mean(1).cpu().numpy()
    return table


def jacobian_norms(run: Run, x: Tensor) -> tuple[Tensor, Tensor]:
    """‖∂f/∂x‖_F of each replicate at each point of ``x`` (B, *input), for logits and probabilities: (R, B).

    One backward pass per class over some replicates and points at once: samples do not interact,
    because batch normalisation uses its running statistics.
    """
    network = _without_softmax(run.network)
    norms = _at_all(run, len(x), lambda parameters, buffers, _, part: _norms(network, parameters, buffers, x[part]))
    return norms[0], norms[1]


def input_gradient_norms(run: Run, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """‖∂L/∂x‖ of each replicate and sample, at the labels ``y`` and at those that it predicts: both (R, B).

    ``x`` is (B, *input), and ``y``, of at least as many samples, as in hwcore.train.loss.losses.  The second is NaN
    for a regression.
    """
    regression = run.spec.training.loss == "mse"

    def both(parameters: Parameters, buffers: Parameters, replicates: slice, part: slice) -> Tensor:
        inputs, outputs = _outputs(run.network, parameters, buffers, x[part])
        own = y if regression or y.dim() == 1 else y[replicates]
        true = _input_gradient(run, inputs, outputs, own[part] if regression else own[..., part])
        if regression:
            return torch.stack([true, torch.full_like(true, torch.nan)])
        return torch.stack([true, _input_gradient(run, inputs, outputs, outputs.argmax(-1))])

    norms = _at_all(run, len(x), both)
    return norms[0], norms[1]


def _at_all(run: Run, points: int, compute: Callable[[Parameters, Parameters, slice, slice], Tensor]) -> Tensor:
    """What ``compute`` makes of weights, replicates and points, (..., R, B), for some of both at a time."""
    rows = []
    for own, parts in _some(run, points):
        parameters, buffers = _of(run, own)
        rows.append(torch.cat([compute(parameters, buffers, own, part) for part in parts], dim=-1))
    return torch.cat(rows, dim=-2)


def _some(run: Run, points: int) -> Iterator[tuple[slice, list[slice]]]:
    """Replicates that are computed together, and the parts of the points that they are computed on."""
    network, kind = run.network, run.device.type
    # as in training: see hwcore.train.split
    single = not network.stacks() or (kind == "cpu" and network.convolves())
    together = 1 if single else run.replicates
    widest = max(network.widest, prod(network.output) * prod(network.input))
    size = max(1, _CHUNK[kind] // (together * widest))
    parts = [slice(start, min(start + size, points)) for start in range(0, points, size)]
    for first in range(0, run.replicates, together):
        yield slice(first, first + together), parts


def _of(run: Run, replicates: slice) -> tuple[Parameters, Parameters]:
    """Parameters and buffers of some replicates."""
    parameters, buffers = ({name: v[replicates] for name, v in each.items()} for each in (run.parameters, run.buffers))
    return parameters, buffers


def _outputs(network: Network, parameters: Parameters, buffers: Parameters, x: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs of each replicate, (R, B, *input), and what they give, with all that a derivative needs."""
    replicates = len(next(iter(parameters.values())))
    inputs = x.expand(replicates, *x.shape).detach().requires_grad_()
    return inputs, forward(network, parameters, buffers, inputs)


def _input_gradient(run: Run, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
    # samples do not interact, so the gradient of the sum of their losses has that of each at its input
    total = losses(run.spec.training.loss, outputs, targets).sum() * inputs.shape[1]
    (gradient,) = torch.autograd.grad(total, inputs, retain_graph=True)
    return gradient.flatten(2).double().square().sum(-1).sqrt()


def _without_softmax(network: Network) -> Network:
    if network.layers[-1].kind in ("softmax", "log_softmax"):
        return network.model_copy(update={"layers": network.layers[:-1]})
    return network


def _norms(network: Network, parameters: Parameters, buffers: Parameters, x: Tensor) -> Tensor:
    """Of the Jacobians of logits and probabilities: (2, R, B)."""
    inputs, logits = _outputs(network, parameters, buffers, x)
    rows = [torch.autograd.grad(logits[..., i].sum(), inputs, retain_graph=True)[0] for i in range(logits.shape[-1])]
    jacobian = torch.stack(rows, dim=2).flatten(3).double()  # (R, B, outputs, inputs)
    gram = jacobian @ jacobian.mT
    # ∂p/∂f = diag(p) − p pᵀ, and ‖A J‖² is the trace of A (J Jᵀ) Aᵀ
    p = logits.detach().double().softmax(-1)
    slope = p.diag_embed() - p.unsqueeze(-1) * p.unsqueeze(-2)
    squares = [each.diagonal(dim1=-2, dim2=-1).sum(-1) for each in (gram, slope @ gram @ slope)]
    return torch.stack(squares).clamp(min=0).sqrt()


def loss_gradient_norm(run: Run) -> Tensor:
    """The mean over parameter tensors of ‖∂L/∂θ‖_F for the first training mini-batch: (R,)."""
    batch, loss = run.data.training(run.batch_size), run.spec.training.loss
    samples = len(batch.train_x)
    means = []
    for own, parts in _some(run, samples):
        parameters, buffers = _of(run, own)
        parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        gradients = [torch.zeros_like(value) for value in parameters.values()]
        y = batch.train_y[own] if batch.own_train_labels else batch.train_y
        for part in parts:
            outputs = forward(run.network, parameters, buffers, batch.train_x[part])
            targets = y[part] if loss == "mse" else y[..., part]
            share = losses(loss, outputs, targets).sum() * ((part.stop - part.start) / samples)
            for gradient, more in zip(gradients, torch.autograd.grad(share, [*parameters.values()]), strict=True):
                gradient.add_(more)
        norms = [gradient.flatten(1).double().square().sum(1).sqrt() for gradient in gradients]
        means.append(torch.stack(norms).mean(0))
    return torch.cat(means)


def last_gradient_norm(run: Run) -> NDArray[np.float64]:
    """The same for the last mini-batch that training saw up to the run's weights, as it was recorded then: (R,)."""
    seen = run.metrics if run.epoch is None else run.metrics[run.metrics.epoch <= run.epoch]
    last = seen.sort_values("epoch").groupby("replicate").tail(1).set_index("replicate")
    return last.last_batch_gradient_norm.reindex(range(run.replicates)).to_numpy()
