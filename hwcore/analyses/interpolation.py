"""Loss and accuracy on the straight lines between trained networks."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor

from hwcore.analyses.points import metrics
from hwcore.analyses.run import Run
from hwcore.nets.network import Parameters, forward
from hwcore.seeds import seed


def analyse(
    runs: dict[str, Run],
    *,
    between: list[str],
    alphas: dict[str, float],
    samples: int | None = None,
    batch_norm: str = "interpolate",
) -> pd.DataFrame:
    """Metrics of θ(α) = (1 − α) θ₁ + α θ₂ (Goodfellow et al. 2015, arXiv:1412.6544).

    Each model of ``between`` is joined to the next, replicate r to replicate r, for
    ``alphas["count"]`` evenly spaced values from ``start`` to ``stop``.  At α = 0 and 1 the weights are exactly
    those of the models.  The training data are the first ``samples`` of the training set, or all of it; random labels
    are those of the first model.
    ``batch_norm`` says what the running statistics of batch normalisation are:
    "interpolate": interpolated like weights; "recompute": those of the training data at each α, in batches
    of the first model's size (Izmailov et al. 2018, arXiv:1803.05407).
    """
    tables = []
    for names in pairwise(between):
        first, second = (runs[name] for name in names)
        tables.append(_line(" → ".join(names), first, second, alphas, samples, batch_norm))
    return pd.concat(tables, ignore_index=True)


def _line(
    pair: str, first: Run, second: Run, alphas: dict[str, float], samples: int | None, batch_norm: str
) -> pd.DataFrame:
    # rounding would put 0.9999999999999999 for 1, and the models themselves would be missed
    steps = np.linspace(alphas["start"], alphas["stop"], int(alphas["count"])).round(12)
    ends = [_at([alpha], first, second, samples, batch_norm) for alpha in (0.0, 1.0)]
    # the models themselves are computed as one program, so that their numbers are those of an evaluation
    inside = _at([alpha for alpha in steps if alpha not in (0, 1)], first, second, samples, batch_norm)
    table = pd.concat([inside, *(end for end in ends if end.alpha[0] in steps)])
    table = table.sort_values(["replicate", "alpha"], ignore_index=True)
    table.insert(0, "pair", pair)
    between = table[table.alpha.between(0, 1)]
    for part in ("train", "test"):
        low, high = (between.replicate.map(end.set_index("replicate")[f"{part}_loss"]) for end in ends)
        excess = between[f"{part}_loss"] - (1 - between.alpha) * low - between.alpha * high
        # a loss that is not finite on the way is no barrier that was measured
        highest = excess.groupby(between.replicate).agg(lambda values: values.max(skipna=False))
        # the ends themselves are on the line
        table[f"{part}_barrier"] = table.replicate.map(highest).clip(lower=0.0)
    return table


def _at(steps: Sequence[float], first: Run, second: Run, samples: int | None, batch_norm: str) -> pd.DataFrame:
    """The metrics at each α, a row for each replicate."""
    replicates = min(first.replicates, second.replicates)
    points = [(alpha, r) for alpha in steps for r in range(replicates)]
    some = first.data.training(samples)

    def weights(chosen: range) -> tuple[Parameters, Parameters]:
        own = points[chosen.start : chosen.stop]
        parameters, buffers = (
            {
                name: torch.stack([_between(alpha, value[r], other[name][r]) for alpha, r in own])
                for name, value in one.items()
            }
            for one, other in ((first.parameters, second.parameters), (first.buffers, second.buffers))
        )
        if buffers and batch_norm == "recompute":
            _recompute(first, some.train_x, parameters, buffers, [r for _, r in own])
        return parameters, buffers

    data = replace(first.data, train_x=some.train_x, train_y=some.train_y)
    found = metrics(first, weights, [r for _, r in points], data)
    places = pd.DataFrame(points, columns=["alpha", "replicate"])[["replicate", "alpha"]]
    return places.assign(**{name: values.numpy() for name, values in found.items()})


def _between(alpha: float, first: Tensor, second: Tensor) -> Tensor:
    # one network that diverged would spoil the other end: 0 · inf is NaN
    if alpha in (0, 1):
        return second if alpha else first
    return (1 - alpha) * first + alpha * second


@torch.no_grad()
def _recompute(run: Run, x: Tensor, parameters: Parameters, buffers: Parameters, owners: Sequence[int]) -> None:
    """Put the mean over all batches of ``x`` of their statistics into ``buffers``.

    Dropout is active, as in training, with the masks of each point's replicate in ``owners``.
    """
    spec = run.spec
    drawn = [seed(spec.study, spec.experiment, spec.model, r, "batch norm") for r in owners]
    masks = [Generator(device=run.device).manual_seed(s) for s in drawn]
    size = min(run.batch_size, len(x))
    # a shorter last batch would count as much as the others
    for k in range(len(x) // size):
        batch = x[k * size : (k + 1) * size]
        forward(run.network, parameters, buffers, batch, dropout=masks, training=True, momentum=1 / (k + 1))
