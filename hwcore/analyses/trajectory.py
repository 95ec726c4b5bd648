"""How weights move during training, in the plane of their two largest principal components."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import layer_names

Array = NDArray[np.float64]


def analyse(runs: dict[str, Run], *, layer: int | None, weights_only: bool) -> pd.DataFrame:
    """Joint PCA over all replicates and recorded epochs, for each model by itself.

    ``layer`` is the number, from 1, of a linear or convolutional layer, None for the whole model;
    ``weights_only`` leaves the biases out.  A replicate with weights that are not finite has no part
    in the components, and NaN for its own.

    Columns: model, replicate, epoch, pc1, pc2, explained1, explained2 (shares of the variance),
    half_sum1 and half_sum2 (another reduction that reports use: the sums of the first and of the
    second half of the weights, the middle one of an odd number in the first), dimension (how many
    weights), and the training metrics of that epoch (NaN before the first).

    Raises HwcoreError if the layer does not exist or is not recorded.
    """
    return pd.concat([_project(name, run, layer, weights_only) for name, run in runs.items()], ignore_index=True)


def _project(name: str, run: Run, layer: int | None, weights_only: bool) -> pd.DataFrame:
    epochs, snapshots = run.snapshots
    layers = layer_names(run.network)
    if layer is not None and layer > len(layers):
        raise HwcoreError(f"trajectory: layer {layer} of model {name} does not exist; it has {len(layers)}")
    chosen = layers if layer is None else [layers[layer - 1]]
    kept = [
        value
        for key, value in snapshots.items()
        if (layer is None or key.partition(".")[0] in chosen) and not (weights_only and key.endswith(".bias"))
    ]
    if not kept or (layer is None and len({key.partition(".")[0] for key in snapshots}) < len(layers)):
        raise HwcoreError(
            f"trajectory: model {name} has no record of {'all layers' if layer is None else f'layer {layer}'}; "
            "change `record: {layers: …}`"
        )
    replicates = run.replicates
    # one row per replicate and epoch, replicate by replicate
    rows = np.concatenate(
        [value.double().transpose(0, 1).reshape(replicates * len(epochs), -1).numpy() for value in kept], axis=1
    )
    owner = np.repeat(np.arange(replicates), len(epochs))
    lost = np.unique(owner[~np.isfinite(rows).all(axis=1)])
    finite = ~np.isin(owner, lost)
    components, explained = np.full((len(rows), 2), np.nan), np.full(2, np.nan)
    if finite.any():
        components[finite], explained = principal_components(rows[finite], 2)
    middle = -(-rows.shape[1] // 2)
    table = pd.DataFrame(
        {
            "model": name,
            "replicate": owner,
            "epoch": np.tile(epochs, replicates),
            "pc1": components[:, 0],
            "pc2": components[:, 1],
            "explained1": explained[0],
            "explained2": explained[1],
            "half_sum1": np.where(finite, rows[:, :middle].sum(axis=1), np.nan),
            "half_sum2": np.where(finite, rows[:, middle:].sum(axis=1), np.nan),
            "dimension": rows.shape[1],
        }
    )
    recorded = [column for column in ("train_loss", "train_accuracy") if column in run.metrics]
    return table.merge(run.metrics[["replicate", "epoch", *recorded]], how="left", on=["replicate", "epoch"])


def principal_components(rows: Array, count: int) -> tuple[Array, Array]:
    """The coordinates of ``rows`` (n, p) along their first ``count`` principal axes, and the shares of variance.

    Exact, from the eigenvectors of the Gram matrix of the centred rows (n, n), so that p may be any
    number of weights.  The sign of each axis is that in which the coordinate of largest magnitude is
    positive.  Rows that do not vary give zeros and shares of NaN.

    Raises HwcoreError if a row is not finite.
    """
    if not np.isfinite(rows).all():
        raise HwcoreError("trajectory: some recorded weights are not finite: a replicate diverged; lower its `lr`")
    centred = rows - rows.mean(0)
    gram = centred @ centred.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    total = math.fsum(values)
    scores = vectors[:, :count] * np.sqrt(values[:count])
    peaks = np.take_along_axis(scores, np.abs(scores).argmax(0)[None], 0)
    shares = values[:count] / total if total > 0 else np.full(count, np.nan)
    return scores * np.where(peaks < 0, -1.0, 1.0), shares
