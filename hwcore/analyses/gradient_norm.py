"""The norm of the gradient and the slope of the loss, step by step."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from hwcore.analyses.run import Run

Array = NDArray[np.float64]


def analyse(runs: dict[str, Run], *, window: int) -> pd.DataFrame:
    """Loss and gradient norm of each step, with the decrease of the loss per step.

    Columns: model, replicate, step, loss, grad_norm, decrease: minus the slope of the loss smoothed
    by a moving average of ``window`` steps; and grad_norm_smoothed, the norm smoothed likewise.
    """
    return pd.concat([_relate(name, run, window) for name, run in runs.items()], ignore_index=True)


def _relate(name: str, run: Run, window: int) -> pd.DataFrame:
    table = run.steps.copy()
    table.insert(0, "model", name)
    by = table.groupby("replicate")
    table["decrease"] = by.loss.transform(lambda loss: -_slope(_smooth(loss.to_numpy(), window)))
    table["grad_norm_smoothed"] = by.grad_norm.transform(lambda norm: _smooth(norm.to_numpy(), window))
    return table


def _smooth(values: Array, window: int) -> Array:
    smoothed: Array = uniform_filter1d(values, min(window, len(values)), mode="nearest")
    return smoothed


def _slope(values: Array) -> Array:
    return np.gradient(values) if len(values) > 1 else np.zeros_like(values)
