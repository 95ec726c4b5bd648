"""How weights move during training, in the plane of their two largest principal components or of a t-SNE."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwcore.analyses.components import Array, Components, principal_components
from hwcore.analyses.run import Run
from hwcore.analyses.tsne import tsne
from hwcore.errors import HwcoreError


def analyse(
    runs: dict[str, Run],
    *,
    layer: int | None,
    weights_only: bool,
    basis: str | None = None,
    first: int | None = None,
    method: str = "pca",
    perplexity: float = 30.0,
) -> pd.DataFrame:
    """Joint PCA over all replicates and recorded epochs, for each model by itself.

    ``layer`` is the number, from 1, of a linear or convolutional layer, or the whole model where there is none;
    ``weights_only`` leaves the biases out, and ``first`` all but so many of the weights, in the order in which
    PyTorch flattens a layer's (out, in, ...).  With a ``basis``, the components are those of that model
    alone, and the runs of all others, which it does not depend on, are projected on them.  A replicate
    with weights that are not finite has no part in the components, and NaN for its own.

    The ``method`` "tsne" makes one embedding of all recorded weights of a model instead of the components; see
    hwcore.analyses.tsne for ``perplexity``.  Its distances and its axes mean nothing beyond which weights are near.

    ``half_sum1`` and ``half_sum2`` are another reduction that reports use.  ``progress`` is 1
    at the end of training, which is not recorded where it lies between two records.

    Raises HwcoreError if the layer is not recorded, if a model does not fit its basis, or if it
    has fewer weights than ``first``.
    """
    rows = {name: _first(name, run.recorded(layer, weights_only=weights_only), first) for name, run in runs.items()}
    if method == "tsne":
        return _joined({name: _table(run, rows[name], _embed(rows[name], perplexity)) for name, run in runs.items()})
    known = {of: _components(rows[of]) for of in (runs if basis is None else [basis])}
    if basis is not None:
        dimension = rows[basis].shape[2]
        for name, own in rows.items():
            if own.shape[2] != dimension:
                raise HwcoreError(
                    f"trajectory: model {name} has {own.shape[2]:,} weights there and its basis {basis} {dimension:,}"
                )
    return _joined(
        {name: _table(run, rows[name], _project(rows[name], known[basis or name])) for name, run in runs.items()}
    )


def _first(name: str, weights: Array, count: int | None) -> Array:
    if count is not None and count > weights.shape[2]:
        raise HwcoreError(f"trajectory: first: {count:,}, but model {name} has {weights.shape[2]:,} weights there")
    return weights[..., :count]


def _joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat([table.assign(model=name) for name, table in tables.items()], ignore_index=True)
    return table[["model", *table.columns.drop("model")]]


def _components(weights: Array) -> Components | None:
    """Those of all replicates that are finite throughout; None if there are none."""
    finite = np.isfinite(weights).all(axis=(1, 2))
    return principal_components(weights[finite].reshape(-1, weights.shape[2]), 2) if finite.any() else None


def _finite(weights: Array) -> NDArray[np.bool_]:
    """Which rows of (R, S, p) weights, (R · S), are of a replicate that is finite throughout."""
    finite: NDArray[np.bool_] = np.isfinite(weights).all(axis=(1, 2)).repeat(weights.shape[1])
    return finite


def _project(weights: Array, basis: Components | None) -> dict[str, Array | float]:
    rows, finite = weights.reshape(-1, weights.shape[2]), _finite(weights)
    components, explained = np.full((len(rows), 2), np.nan), np.full(2, np.nan)
    if finite.any() and basis is not None:
        components[finite], explained = basis.project(rows[finite]), basis.explained(rows[finite])
    return {
        "pc1": components[:, 0],
        "pc2": components[:, 1],
        "explained1": explained[0],
        "explained2": explained[1],
    }


def _embed(weights: Array, perplexity: float) -> dict[str, Array | float]:
    rows, finite = weights.reshape(-1, weights.shape[2]), _finite(weights)
    places, divergence = np.full((len(rows), 2), np.nan), np.nan
    if finite.any():
        places[finite], perplexity, divergence = tsne(rows[finite], perplexity)
    return {"tsne1": places[:, 0], "tsne2": places[:, 1], "perplexity": perplexity, "divergence": divergence}


def _table(run: Run, weights: Array, places: dict[str, Array | float]) -> pd.DataFrame:
    epochs, _ = run.snapshots
    replicates, dimension = run.replicates, weights.shape[2]
    rows, finite = weights.reshape(-1, dimension), _finite(weights)
    middle = -(-dimension // 2)
    distance = np.full(weights.shape[:2], np.nan)
    distance[:, 1:] = np.linalg.norm(np.diff(weights, axis=1), axis=2)
    metrics = run.metrics.astype({"epoch": np.array(epochs).dtype})
    last = metrics.groupby("replicate").last()
    table = pd.DataFrame(
        {
            "replicate": np.arange(replicates).repeat(len(epochs)),
            "epoch": np.tile(epochs, replicates),
            "progress": np.tile(epochs, replicates) / last.epoch.max(),
            **places,
            "half_sum1": np.where(finite, rows[:, :middle].sum(axis=1), np.nan),
            "half_sum2": np.where(finite, rows[:, middle:].sum(axis=1), np.nan),
            "distance": np.where(finite, distance.ravel(), np.nan),
            "dimension": dimension,
        }
    )
    recorded = [column for column in ("train_loss", "train_accuracy") if column in metrics]
    table = table.merge(metrics[["replicate", "epoch", *recorded]], how="left", on=["replicate", "epoch"])
    ended = table.epoch > table.replicate.map(last.epoch)
    table.loc[ended, recorded] = last.loc[table.replicate[ended], recorded].to_numpy()
    return table
