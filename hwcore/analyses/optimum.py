"""How far below the loss that training reached the networks themselves can go."""

import pandas as pd
import torch

from hwcore.analyses.curvature import start, surface
from hwcore.analyses.limits import LEVENBERG_MARQUARDT
from hwcore.analyses.run import Run
from hwcore.analyses.stationary import levenberg_marquardt
from hwcore.errors import HwcoreError

_TOLERANCE = 1e-12  # the gradient norm below which nothing is left to do


def analyse(runs: dict[str, Run], *, steps: int, replicates: int) -> pd.DataFrame:
    """The training loss after up to ``steps`` of Levenberg-Marquardt from where training ended.

    In float64 on the full batch, for the first ``replicates`` of each model.  Curves of one optimizer compare
    how fast it learns with networks; what a network can represent is at most the loss found here.

    A replicate that diverged has NaN.

    Raises HwcoreError for a network with too many parameters.
    """
    return pd.concat([_examine(name, run, steps, replicates) for name, run in runs.items()], ignore_index=True)


def _examine(name: str, run: Run, steps: int, replicates: int) -> pd.DataFrame:
    count = run.parameter_count
    if count > LEVENBERG_MARQUARDT:
        raise HwcoreError(
            f"optimum: model {name} has {count:,} parameters; Levenberg-Marquardt takes {LEVENBERG_MARQUARDT:,}"
        )
    function = surface(run, run.network, 0.0)
    trained = start(run)[:replicates]
    chosen = torch.arange(len(trained), device=trained.device)
    solution = levenberg_marquardt(function, trained, chosen, steps=steps, tolerance=_TOLERANCE)
    final, slope, _ = function.gauss_newton(solution.weights, chosen)
    return pd.DataFrame(
        {
            "model": name,
            "replicate": range(len(trained)),
            "trained_loss": function.loss(trained, chosen).cpu().numpy(),
            "train_loss": final.cpu().numpy(),
            "grad_norm": slope.norm(dim=1).cpu().numpy(),
            "steps": solution.steps.cpu().numpy(),
        }
    )
