"""The loss on lines and planes through trained weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor

from hwcore.analyses.components import principal_components
from hwcore.analyses.points import metrics
from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import Parameters, flatten, unflatten, weight_matrices
from hwcore.seeds import seed

_EXPLAINED = ("explained1", "explained2")  # of the variance of a trajectory, by the axes of its plane
_MARGIN = 0.25  # of the extent of a trajectory, on each side of it


@dataclass(frozen=True)
class _Slice:
    """A line or plane: the origin (P,), directions (P, 1 or 2), coordinates (K, 1 or 2) of points in it."""

    origin: Tensor
    directions: Tensor
    at: Tensor


def analyse(
    runs: dict[str, Run], *, across: str, extent: float, count: int, samples: int | None, replicates: int
) -> pd.DataFrame:
    """Training loss and accuracy at θ + x d₁ + y d₂, for the first ``replicates`` of each model.

    ``across`` "line" and "plane" take one or two random directions, normalised by filters: each filter of
    d (the weights into a unit or an output channel) has the norm of that filter of θ, and biases and batch
    normalisation stay as they are (Li et al. 2018, arXiv:1712.09913); x and y run from -``extent`` to
    ``extent`` at ``count`` evenly spaced values.  "trajectory" takes the plane through θ along the two principal
    components of the replicate's own recorded weights, and as much of it as the recorded weights take, and a margin;
    there x and y are distances.  Running statistics of batch normalisation are those of θ throughout.
    The loss is that of the first ``samples`` training samples.

    Rows of ``kind`` "surface" are the points of the grid, and of "trajectory" the records, each at the place of its
    projection: how far train_loss, its own, lies from plane_loss, that of its projection, is what the plane does not
    show, like the shares of variance that it does not explain.

    A replicate that diverged has one row of NaN.  Raises HwcoreError if a trajectory is not
    recorded in all layers or spans no plane.
    """
    tables = [
        _examine(name, run, r, across, extent, count, samples)
        for name, run in runs.items()
        for r in range(min(replicates, run.replicates))
    ]
    return pd.concat(tables, ignore_index=True)


def _examine(name: str, run: Run, r: int, across: str, extent: float, count: int, samples: int | None) -> pd.DataFrame:
    theta = flatten({key: value[r : r + 1] for key, value in run.parameters.items()})[0]
    if not theta.isfinite().all():
        columns = ["epoch", "x", "y", "train_loss", *(["train_accuracy"] if run.data.classes else []), "plane_loss"]
        nothing = dict.fromkeys([*columns, *(_EXPLAINED if across == "trajectory" else [])], np.nan)
        return pd.DataFrame([{"model": name, "replicate": r, "kind": "surface", **nothing}])
    if across == "trajectory":
        return _along_trajectory(name, run, r, theta, count, samples)
    directions = filter_normalized(run, r, 1 if across == "line" else 2)
    # rounding would miss the trained weights themselves, in the middle of an odd number of steps
    steps = torch.from_numpy(np.linspace(-extent, extent, count).round(12))
    surface = _Slice(
        theta, directions, torch.cartesian_prod(*[steps] * directions.shape[1]).view(-1, directions.shape[1])
    )
    return _table(name, r, "surface", surface, _on(run, r, surface, samples))


def _along_trajectory(name: str, run: Run, r: int, theta: Tensor, count: int, samples: int | None) -> pd.DataFrame:
    records = run.recorded(None, weights_only=False)[r]
    found = principal_components(records, 2)
    if not found.axes.any(axis=0).all():
        raise HwcoreError(
            f"landscape: the recorded weights of model {name}, replicate {r}, span no plane; record more epochs"
        )
    axes = torch.from_numpy(found.axes).to(theta.device)
    weights = torch.from_numpy(records).to(theta.device)
    places = (weights - theta.double()) @ axes
    low, high = places.amin(0), places.amax(0)
    margin = _MARGIN * (high - low)
    steps = [torch.linspace(a, b, count, dtype=torch.float64) for a, b in zip(low - margin, high + margin, strict=True)]
    surface = _Slice(theta, axes, torch.cartesian_prod(*steps))
    projected = _Slice(theta, axes, places)
    on_plane = _on(run, r, projected, samples)["train_loss"].numpy()
    own = _metrics(run, r, lambda chosen: weights[chosen.start : chosen.stop].to(theta.dtype), len(weights), samples)
    path = _table(name, r, "trajectory", projected, own).assign(plane_loss=on_plane, epoch=run.snapshots[0])
    table = pd.concat([_table(name, r, "surface", surface, _on(run, r, surface, samples)), path], ignore_index=True)
    return table.assign(**dict(zip(_EXPLAINED, found.explained(records), strict=True)))


def filter_normalized(run: Run, replicate: int, count: int) -> Tensor:
    """Random directions (P, count) whose filters have the norms of the replicate's own: Li et al. 2018, section 4."""
    spec, trained = run.spec, weight_matrices(run.network)
    columns = []
    for number in range(count):
        draw = Generator().manual_seed(seed(spec.study, spec.experiment, spec.model, replicate, f"landscape {number}"))
        direction: Parameters = {}
        for key, value in run.parameters.items():
            own = value[replicate : replicate + 1]
            if key in trained:
                drawn = torch.randn(own.shape, generator=draw).to(own.device)
                filters = tuple(range(2, own.dim()))
                norms = [part.square().sum(filters, keepdim=True).sqrt() for part in (own, drawn)]
                direction[key] = drawn * (norms[0] / norms[1])
            else:
                direction[key] = torch.zeros_like(own)
        columns.append(flatten(direction)[0])
    return torch.stack(columns, dim=1)


def _on(run: Run, r: int, on: _Slice, samples: int | None) -> dict[str, Tensor]:
    at, directions = on.at.to(on.origin.device), on.directions.double().T

    def weights(chosen: range) -> Tensor:
        # in float64, so that the grid is no coarser than the weights
        return (on.origin.double() + at[chosen.start : chosen.stop] @ directions).to(on.origin.dtype)

    return _metrics(run, r, weights, len(at), samples)


def _metrics(run: Run, r: int, flat: Callable[[range], Tensor], count: int, samples: int | None) -> dict[str, Tensor]:
    def weights(chosen: range) -> tuple[Parameters, Parameters]:
        buffers = {key: value[[r] * len(chosen)] for key, value in run.buffers.items()}
        return unflatten(run.network, flat(chosen)), buffers

    return metrics(run, weights, [r] * count, run.data.training(samples))


def _table(name: str, r: int, kind: str, on: _Slice, found: dict[str, Tensor]) -> pd.DataFrame:
    x, *y = on.at.cpu().T.numpy()
    places = {"model": name, "replicate": r, "kind": kind, "epoch": np.nan, "x": x, "y": y[0] if y else np.nan}
    return pd.DataFrame({**places, **{key: value.numpy() for key, value in found.items()}}).assign(plane_loss=np.nan)
