"""How much outputs change with inputs, and what the reports measured instead."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hwcore.analyses.evaluation import gaps
from hwcore.analyses.run import Run
from hwcore.nets.network import forward
from hwcore.nets.spec import Network
from hwcore.train.loss import losses

# Numbers in the widest activations of all replicates of one part of the points.
_CHUNK = {"cpu": 2**20, "cuda": 2**26}


def analyse(runs: dict[str, Run], *, samples: int) -> pd.DataFrame:
    """Two quantities that go by the name of sensitivity, each under its own name, beside the generalisation gap.

    ``jacobian_norm_logits`` and ``jacobian_norm_probabilities``: the Frobenius norm of the Jacobian
    of the outputs, or of their softmax, with respect to the (normalised) input, averaged over the
    first ``samples`` test points (Novak et al. 2018, arXiv:1802.08760).  Logits are what a last softmax or
    log-softmax acts on; those of a regression are its outputs, which have no probabilities (NaN).
    ``train_jacobian_norm_logits`` is the average over as many training points.

    ``loss_gradient_norm``: the Frobenius norm of the gradient of the loss of one mini-batch with
    respect to each parameter tensor, averaged over the tensors.  It is what the reports computed.

    One row per model and replicate, with batch_size, lr, optimizer, train_loss, loss_gap and accuracy_gap (of
    classes), as in evaluation.
    """
    return pd.concat([_measure(name, run, samples) for name, run in runs.items()], ignore_index=True)


def _measure(name: str, run: Run, samples: int) -> pd.DataFrame:
    data = run.data
    logits, probabilities = jacobian_norms(run, data.test_x[:samples])
    train_logits, _ = jacobian_norms(run, data.train_x[:samples])
    return gaps(name, run).assign(
        jacobian_norm_logits=logits.mean(1).cpu().numpy(),
        jacobian_norm_probabilities=probabilities.mean(1).cpu().numpy() if data.classes else np.nan,
        train_jacobian_norm_logits=train_logits.mean(1).cpu().numpy(),
        loss_gradient_norm=loss_gradient_norm(run).cpu().numpy(),
    )


def jacobian_norms(run: Run, x: Tensor) -> tuple[Tensor, Tensor]:
    """‖∂f/∂x‖_F of each replicate at each point of ``x`` (B, *input), for logits and probabilities: (R, B).

    One backward pass per class over all replicates and some points at once: samples do not interact,
    because batch normalisation uses its running statistics.
    """
    network = _without_softmax(run.network)
    parts = x.split(max(1, _CHUNK[x.device.type] // (run.replicates * network.widest)))
    found = [_norms(run, network, part) for part in parts]
    logits, probabilities = (torch.cat(norms, dim=1) for norms in zip(*found, strict=True))
    return logits, probabilities


def _without_softmax(network: Network) -> Network:
    if network.layers[-1].kind in ("softmax", "log_softmax"):
        return network.model_copy(update={"layers": network.layers[:-1]})
    return network


def _norms(run: Run, network: Network, x: Tensor) -> tuple[Tensor, Tensor]:
    inputs = x.expand(run.replicates, *x.shape).detach().requires_grad_()
    logits = forward(network, run.parameters, run.buffers, inputs)
    found = []
    for outputs in (logits, logits.softmax(-1)):
        squares = torch.zeros(inputs.shape[:2], dtype=torch.float64, device=x.device)
        for i in range(outputs.shape[-1]):
            (gradient,) = torch.autograd.grad(outputs[..., i].sum(), inputs, retain_graph=True)
            squares += gradient.flatten(2).double().square().sum(-1)
        found.append(squares.sqrt())
    return found[0], found[1]


def loss_gradient_norm(run: Run) -> Tensor:
    """The mean over parameter tensors of ‖∂L/∂θ‖_F for the first training mini-batch: (R,)."""
    batch = run.data.training(run.batch_size)
    parameters = {name: value.detach().requires_grad_() for name, value in run.parameters.items()}
    outputs = forward(run.network, parameters, run.buffers, batch.train_x)
    loss = losses(run.spec.training.loss, outputs, batch.train_y)
    gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
    norms = [gradient.flatten(1).double().square().sum(1).sqrt() for gradient in gradients]
    return torch.stack(norms).mean(0)
