"""How weights move during training, in the plane of their two largest principal components."""

import numpy as np
import pandas as pd

from hwcore.analyses.components import Array, Components, principal_components
from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError


def analyse(runs: dict[str, Run], *, layer: int | None, weights_only: bool, basis: str | None = None) -> pd.DataFrame:
    """Joint PCA over all replicates and recorded epochs, for each model by itself.

    ``layer`` is the number, from 1, of a linear or convolutional layer, None for the whole model;
    ``weights_only`` leaves the biases out.  With a ``basis``, the components are those of that model
    alone, and the runs of all others, which it does not depend on, are projected on them.  A replicate
    with weights that are not finite has no part in the components, and NaN for its own.

    Columns: model, replicate, epoch, pc1, pc2, explained1, explained2 (shares of the variance of the
    model's own runs), half_sum1 and half_sum2 (another reduction that reports use: the sums of the first
    and of the second half of the weights, the middle one of an odd number in the first), dimension (how
    many weights), and the training metrics of that epoch (NaN before the first).

    Raises HwcoreError if the layer does not exist or is not recorded, or if a model does not fit its basis.
    """
    rows = {name: run.recorded(layer, weights_only=weights_only) for name, run in runs.items()}
    known = {of: _components(rows[of]) for of in (runs if basis is None else [basis])}
    if basis is not None:
        dimension = rows[basis].shape[2]
        for name, own in rows.items():
            if own.shape[2] != dimension:
                raise HwcoreError(
                    f"trajectory: model {name} has {own.shape[2]:,} weights there and its basis {basis} {dimension:,}"
                )
    tables = [_project(run, rows[name], known[basis or name]).assign(model=name) for name, run in runs.items()]
    table = pd.concat(tables, ignore_index=True)
    return table[["model", *table.columns.drop("model")]]


def _components(weights: Array) -> Components | None:
    """Those of all replicates that are finite throughout; None if there are none."""
    finite = np.isfinite(weights).all(axis=(1, 2))
    return principal_components(weights[finite].reshape(-1, weights.shape[2]), 2) if finite.any() else None


def _project(run: Run, weights: Array, basis: Components | None) -> pd.DataFrame:
    epochs, _ = run.snapshots
    replicates, dimension = run.replicates, weights.shape[2]
    rows = weights.reshape(-1, dimension)
    finite = np.isfinite(weights).all(axis=(1, 2)).repeat(len(epochs))
    components, explained = np.full((len(rows), 2), np.nan), np.full(2, np.nan)
    if finite.any() and basis is not None:
        components[finite], explained = basis.project(rows[finite]), basis.explained(rows[finite])
    middle = -(-dimension // 2)
    table = pd.DataFrame(
        {
            "replicate": np.arange(replicates).repeat(len(epochs)),
            "epoch": np.tile(epochs, replicates),
            "pc1": components[:, 0],
            "pc2": components[:, 1],
            "explained1": explained[0],
            "explained2": explained[1],
            "half_sum1": np.where(finite, rows[:, :middle].sum(axis=1), np.nan),
            "half_sum2": np.where(finite, rows[:, middle:].sum(axis=1), np.nan),
            "dimension": dimension,
        }
    )
    recorded = [column for column in ("train_loss", "train_accuracy") if column in run.metrics]
    return table.merge(run.metrics[["replicate", "epoch", *recorded]], how="left", on=["replicate", "epoch"])
