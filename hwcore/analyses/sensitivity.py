"""How much outputs change with inputs, and what the reports measured instead."""

import pandas as pd
import torch
from torch import Tensor

from hwcore.analyses.run import Run
from hwcore.nets.network import forward
from hwcore.train.loss import losses


def analyse(runs: dict[str, Run], *, samples: int) -> pd.DataFrame:
    """Two quantities that go by the name of sensitivity, each under its own name.

    ``jacobian_norm_logits`` and ``jacobian_norm_probabilities``: the Frobenius norm of the Jacobian
    of the outputs, or of their softmax, with respect to the (normalised) input, averaged over the
    first ``samples`` test points (Novak et al. 2018, arXiv:1802.08760).

    ``loss_gradient_norm``: the Frobenius norm of the gradient of the loss of one mini-batch with
    respect to each parameter tensor, averaged over the tensors.  It is what the reports computed.

    One row per model and replicate, with batch_size, lr and optimizer.
    """
    return pd.concat([_measure(name, run, samples) for name, run in runs.items()], ignore_index=True)


def _measure(name: str, run: Run, samples: int) -> pd.DataFrame:
    x = run.data.test_x[:samples]
    logits, probabilities = jacobian_norms(run, x)
    return pd.DataFrame(
        {
            "model": name,
            "replicate": range(run.replicates),
            "batch_size": run.batch_size,
            "lr": run.job.training.lr,
            "optimizer": run.job.training.optimizer,
            "jacobian_norm_logits": logits.mean(1).cpu().numpy(),
            "jacobian_norm_probabilities": probabilities.mean(1).cpu().numpy(),
            "loss_gradient_norm": loss_gradient_norm(run).cpu().numpy(),
        }
    )


def jacobian_norms(run: Run, x: Tensor) -> tuple[Tensor, Tensor]:
    """‖∂f/∂x‖_F of each replicate at each point of ``x`` (B, *input), for logits and probabilities: (R, B).

    One backward pass per class over all replicates and points at once: samples do not interact,
    because batch normalisation uses its running statistics.
    """
    inputs = x.expand(run.replicates, *x.shape).detach().requires_grad_()
    outputs = forward(run.network, run.parameters, run.buffers, inputs)
    return _norms(outputs, inputs), _norms(outputs.softmax(-1), inputs)


def _norms(outputs: Tensor, inputs: Tensor) -> Tensor:
    squares = torch.zeros(inputs.shape[:2], dtype=torch.float64, device=inputs.device)
    for i in range(outputs.shape[-1]):
        (gradient,) = torch.autograd.grad(outputs[..., i].sum(), inputs, retain_graph=True)
        squares += gradient.flatten(2).double().square().sum(-1)
    return squares.sqrt()


def loss_gradient_norm(run: Run) -> Tensor:
    """The mean over parameter tensors of ‖∂L/∂θ‖_F for the first training mini-batch: (R,)."""
    size, data = run.batch_size, run.data
    parameters = {name: value.detach().requires_grad_() for name, value in run.parameters.items()}
    targets = data.train_y[:, :size] if data.own_train_labels else data.train_y[:size]
    outputs = forward(run.network, parameters, run.buffers, data.train_x[:size])
    loss = losses(run.job.training.loss, outputs, targets)
    gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
    norms = [gradient.flatten(1).double().square().sum(1).sqrt() for gradient in gradients]
    return torch.stack(norms).mean(0)
