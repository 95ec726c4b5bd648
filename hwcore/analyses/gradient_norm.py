"""The norm of the gradient and the slope of the loss, step by step."""

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import find_peaks
from scipy.stats import spearmanr

from hwcore.analyses.run import Run

Array = NDArray[np.float64]


def analyse(runs: dict[str, Run], *, window: int) -> pd.DataFrame:
    """Loss and gradient norm of each step, with the decrease of the loss per step."""
    return pd.concat([_relate(name, run, window) for name, run in runs.items()], ignore_index=True)


def _relate(name: str, run: Run, window: int) -> pd.DataFrame:
    table = run.steps.copy()
    table.insert(0, "model", name)
    by = table.groupby("replicate")
    table["decrease"] = by.loss.transform(lambda loss: -_slope(_smooth(loss.to_numpy(), window)))
    table["grad_norm_smoothed"] = by.grad_norm.transform(lambda norm: _smooth(norm.to_numpy(), window))
    table["grad_norm_deviation"] = by.grad_norm.transform(
        lambda norm: norm.rolling(window, center=True, min_periods=1).std(ddof=0)
    )
    relations = {replicate: _relation(own) for replicate, own in table.groupby("replicate")}
    table["relation"] = table.replicate.map(relations)
    table["spike"] = by.grad_norm.transform(lambda norm: _spikes(norm.to_numpy(), window)).astype("boolean")
    return table


def _relation(own: pd.DataFrame) -> float:
    pair = own[["grad_norm_smoothed", "decrease"]].to_numpy()
    if not np.isfinite(pair).all() or (np.ptp(pair, axis=0) == 0).any():
        return np.nan
    return float(spearmanr(pair).statistic)


def _spikes(norm: Array, window: int) -> Array:
    """1 at a spike, 0 elsewhere, NaN from where a norm is not finite."""
    lost = np.flatnonzero(~np.isfinite(norm))
    finite = norm[: lost[0]] if len(lost) else norm
    found = np.full(len(norm), np.nan)
    found[: len(finite)] = 0
    if len(finite):
        found[find_peaks(finite, prominence=_smooth(finite, window))[0]] = 1
    return found


def _smooth(values: Array, window: int) -> Array:
    """The mean of ``window`` values around each, where they end those at the end again.

    Each mean is a sum of its own: in a running sum a spike would leave its rounding error behind.
    """
    width = min(window, len(values))
    padded = np.pad(values, (width // 2, (width - 1) // 2), mode="edge")
    smoothed: Array = sliding_window_view(padded, width).mean(-1)
    return smoothed


def _slope(values: Array) -> Array:
    return np.gradient(values) if len(values) > 1 else np.zeros_like(values)
