"""How much the loss can rise in a small box around the trained weights."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from hwcore.analyses.run import Run
from hwcore.nets.network import flatten, forward, unflatten
from hwcore.train.loss import losses

Array = NDArray[np.float64]
_ITERATIONS = 10


def analyse(runs: dict[str, Run], *, epsilon: float, samples: int) -> pd.DataFrame:
    """The sharpness of Keskar et al. 2017 (arXiv:1609.04836), on the first ``samples`` training points.

    Columns: model, replicate, batch_size, lr, sharpness (in per cent, see ``box_sharpness``).
    """
    rows = []
    for name, run in runs.items():
        for replicate in range(run.replicates):
            value = box_sharpness(*_objective(run, replicate, samples), epsilon)
            settings = {"batch_size": run.batch_size, "lr": run.job.training.lr}
            rows.append({"model": name, "replicate": replicate, **settings, "sharpness": value})
    return pd.DataFrame(rows)


def box_sharpness(f: Callable[[Array], tuple[float, Array]], x: Array, epsilon: float) -> float:
    """φ = 100 (max f(x + y) − f(x)) / (1 + f(x)) over |yᵢ| ≤ ε (|xᵢ| + 1), in the full space.

    ``f`` returns a value and its gradient.  The maximum is sought as in the paper, by ten iterations
    of L-BFGS-B from y = 0, and once more from the corner of the box to which the gradient points: at
    a minimum the gradient itself is too small to move along.  The better of the two is a lower bound.
    """
    at_x, gradient = f(x)
    bound = epsilon * (np.abs(x) + 1)

    def objective(y: Array) -> tuple[float, Array]:
        value, slope = f(x + y)
        return -value, -slope

    best = at_x
    for start in (np.zeros_like(x), np.sign(gradient) * bound):
        found = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(-bound, bound, strict=True)),
            options={"maxiter": _ITERATIONS},
        )
        best = max(best, -float(found.fun))
    return 100 * (best - at_x) / (1 + at_x)


def _objective(run: Run, replicate: int, samples: int) -> tuple[Callable[[Array], tuple[float, Array]], Array]:
    """The training loss of one replicate as a function of its weights, in float64."""
    data = run.data
    x = data.train_x[:samples].double()
    labels = data.train_y[replicate] if data.own_train_labels else data.train_y
    y = labels[:samples] if data.classes else labels[:samples].double()
    parameters = {name: value[replicate : replicate + 1].double() for name, value in run.parameters.items()}
    buffers = {name: value[replicate : replicate + 1].double() for name, value in run.buffers.items()}

    def f(weights: Array) -> tuple[float, Array]:
        flat = torch.from_numpy(weights).to(x.device).unsqueeze(0).requires_grad_()
        outputs = forward(run.network, unflatten(run.network, flat), buffers, x)
        loss = losses(run.job.training.loss, outputs, y).sum()
        (gradient,) = torch.autograd.grad(loss, flat)
        return loss.item(), gradient[0].cpu().numpy()

    return f, flatten(parameters)[0].cpu().numpy()
