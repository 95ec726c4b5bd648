"""How fast the loss rises around the trained weights."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Generator, Tensor

from hwcore.analyses.evaluation import gaps
from hwcore.analyses.forms import rescalable
from hwcore.analyses.krylov import largest, trace
from hwcore.analyses.products import product_of
from hwcore.analyses.run import Run
from hwcore.nets.network import Parameters, flatten, forward, unflatten
from hwcore.nets.spec import Network
from hwcore.seeds import seed
from hwcore.train.loss import losses

Array = NDArray[np.float64]
# A function and its gradient.
Objective = Callable[[Array], tuple[float, Array]]

_ITERATIONS = 10  # of L-BFGS-B, as in Keskar et al. 2017
# The mean slope per half width of the box in the units that L-BFGS-B sees.  Its first step is the gradient itself, cut
# off at the box, so with 1000 all coordinates but those a thousand times as flat as the mean begin at a face.  On 18
# networks of digits ten iterations then miss at the median 0.001 % of what a hundred reach, as with 10⁴ to 10⁶; with 1
# they miss 0.3 % and at most 16 % (of the box of 10⁻³; 0.6 % with 1000).
_FIRST_STEP = 1000.0
_LANCZOS_TOLERANCE = 1e-3
MEASURES = ("sharpness", "adaptive_sharpness", "top_eigenvalue", "trace", "trace_error")


def analyse(
    runs: dict[str, Run],
    *,
    epsilon: float,
    rho: float,
    samples: int,
    rescale: float | None = None,
    probes: int = 10,
    lanczos_steps: int = 100,
) -> pd.DataFrame:
    """Four measures of the training loss on the first ``samples`` training points, beside the generalisation gap.

    ``sharpness``: Keskar et al. 2017 (arXiv:1609.04836), in per cent.
    ``adaptive_sharpness``: Kwon et al. 2021 (arXiv:2102.11600).  ``top_eigenvalue`` of the
    Hessian, that of largest size (Lanczos, at most ``lanczos_steps`` products), and its ``trace`` (Hutch++, by 3 to
    12 · ``probes`` products, with its standard error ``trace_error``), see hessian_spectrum.

    With ``rescale`` α the four stand there again as rescaled_sharpness and so on, of the same function in other
    weights: those of the first layer that is followed by ReLUs times α, and those of the next layer over α
    (Dinh et al. 2017, arXiv:1703.04933).  What changes by this says nothing about the function.

    They are NaN for a replicate that diverged, and the last three where its weights are so large that products are
    not finite.
    """
    measure = partial(_measures, epsilon, rho, samples, probes, lanczos_steps)
    rows = []
    for name, run in runs.items():
        known = gaps(name, run)
        for replicate in range(run.replicates):
            parameters, buffers = (
                {key: value[replicate : replicate + 1] for key, value in stacked.items()}
                for stacked in (run.parameters, run.buffers)
            )
            columns = measure(run, replicate, parameters, buffers)
            if rescale is not None:
                other = rescaled(run.network, parameters, rescale)
                again = measure(run, replicate, other, buffers)
                columns |= {f"rescaled_{key}": value for key, value in again.items()}
            rows.append(known.iloc[[replicate]].assign(**columns))
    return pd.concat(rows, ignore_index=True)


def _measures(
    epsilon: float,
    rho: float,
    samples: int,
    probes: int,
    lanczos_steps: int,
    run: Run,
    replicate: int,
    parameters: Parameters,
    buffers: Parameters,
) -> dict[str, float]:
    spec, data = run.spec, run.data.of_replicates([replicate]).training(samples)
    weights = flatten(parameters)
    if not weights.isfinite().all():
        return dict.fromkeys(MEASURES, np.nan)
    f = _objective(run.network, spec.training.loss, buffers, data.train_x, data.train_y)
    x = weights[0].double().cpu().numpy()
    product = product_of(run.network, spec.training.loss, weights, buffers, data.train_x, data.train_y)
    draw = Generator().manual_seed(seed(spec.study, spec.experiment, spec.model, replicate, "sharpness"))
    start = torch.randn(len(x), generator=draw, dtype=torch.float64)
    values, _ = largest(product, start, 1, _LANCZOS_TOLERANCE, lanczos_steps)
    rises = (box_sharpness(f, x, epsilon), adaptive_sharpness(f, x, rho))
    return dict(zip(MEASURES, (*rises, values[0].item(), *trace(product, len(x), probes, draw)), strict=True))


def box_sharpness(f: Objective, x: Array, epsilon: float) -> float:
    """φ = 100 (max f(x + y) − f(x)) / (1 + f(x)) over |yᵢ| ≤ ε (|xᵢ| + 1), in the full space, as Keskar et al. 2017.

    A lower bound, by ten iterations of L-BFGS-B as in the paper, see ``_highest``.
    """
    at_x, _ = f(x)
    return 100 * (_highest(f, x, epsilon * (np.abs(x) + 1)) - at_x) / (1 + at_x)


def adaptive_sharpness(f: Objective, x: Array, rho: float) -> float:
    """The rise max f(x + y) − f(x) over |yᵢ| ≤ ρ |xᵢ|: Kwon et al. 2021, definition 1, with T = diag |x| and p = ∞.

    Scaling weights so that the function stays the same does not change it.  A lower bound, as for ``box_sharpness``.
    """
    return _highest(f, x, rho * np.abs(x)) - f(x)[0]


def _highest(f: Objective, x: Array, bound: Array) -> float:
    """The highest f that was met in the box x ± bound.

    By L-BFGS-B from the middle, and once more from the corner to which the gradient points: at a minimum the
    gradient itself is too small to move along.  The coordinates are y / bound, and f is in units in which its
    first step leads across the box (``_FIRST_STEP``).
    """
    at_x, gradient = f(x)
    corner = np.where(gradient < 0, -1.0, 1.0)
    steepness = np.abs(bound * f(x + bound * corner)[1]).mean()
    unit = steepness / _FIRST_STEP if steepness > 0 else 1.0

    def objective(u: Array) -> tuple[float, Array]:
        value, slope = f(x + bound * u)
        return (at_x - value) / unit, -bound * slope / unit

    best = at_x
    for start in (np.zeros_like(x), corner):
        solution = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-1.0, 1.0)] * len(x),
            options={"maxiter": _ITERATIONS},
        )
        best = max(best, at_x - unit * float(solution.fun))
    return best


def rescaled(network: Network, parameters: Parameters, alpha: float) -> Parameters:
    """The same function in other weights: a layer with weights and bias times α, and the next one's weights over α."""
    layers = rescalable(network)
    assert layers is not None
    first, second = layers
    scaled = {f"{first}.weight": alpha, f"{first}.bias": alpha, f"{second}.weight": 1 / alpha}
    return {key: value * scaled.get(key, 1.0) for key, value in parameters.items()}


def _objective(network: Network, loss: str, buffers: Parameters, x: Tensor, y: Tensor) -> Objective:
    """The loss of one replicate on (x, y) as a function of its weights, in float64."""
    x, y = x.double(), y if loss != "mse" else y.double()
    buffers = {key: value.double() for key, value in buffers.items()}

    def f(weights: Array) -> tuple[float, Array]:
        flat = torch.from_numpy(weights).to(x.device).unsqueeze(0).requires_grad_()
        value = losses(loss, forward(network, unflatten(network, flat), buffers, x), y).sum()
        (gradient,) = torch.autograd.grad(value, flat)
        return value.item(), gradient[0].cpu().numpy()

    return f
