"""Loss and accuracy of a trained network at many points of its weight space."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor

from hwcore.analyses.run import Run
from hwcore.data.load import Data
from hwcore.nets.network import Parameters
from hwcore.seeds import seed
from hwcore.train.evaluate import evaluate

# Numbers in the weights, and in the activations of a thousand samples, of the points that are computed
# together: a CPU gains from it until they leave the cache of a core, a GPU until it is full.
_NUMBERS = {"cpu": 2**20, "cuda": 2**28}

# The weights and buffers of some points, each with a leading dimension of as many.
Weights = Callable[[range], tuple[Parameters, Parameters]]


def metrics(
    run: Run,
    weights: Weights,
    owners: Sequence[int],
    data: Data | None = None,
    *,
    dropout: Sequence[Generator] | None = None,
) -> dict[str, Tensor]:
    """Metrics at ``len(owners)`` points: train_loss, test_loss and, for classes, the accuracies, each (K,).

    ``weights`` makes those of the points that it is asked for; a point has the random labels, if there
    are any, of the replicate that owns it.  ``data`` other than the run's may leave samples out; an
    empty part is left out of the result.  With ``dropout``, a generator for each point, dropout is active.
    """
    data = data or run.data
    parts = {"train": (data.train_x, data.train_y), "test": (data.test_x, data.test_y)}
    parts = {part: pair for part, pair in parts.items() if len(pair[0])}
    found: dict[str, list[Tensor]] = {}
    size = _together(run, max(len(x) for x, _ in parts.values()))
    for start in range(0, len(owners), size):
        chosen = range(start, min(start + size, len(owners)))
        parameters, buffers = weights(chosen)
        for part, (x, y) in parts.items():
            own = y[list(owners[start : chosen.stop])] if data.classes and y.dim() == 2 else y
            masks = dropout[start : chosen.stop] if dropout else None
            loss, accuracy = evaluate(run.network, parameters, buffers, run.spec.training.loss, x, own, dropout=masks)
            found.setdefault(f"{part}_loss", []).append(loss)
            if data.classes:
                found.setdefault(f"{part}_accuracy", []).append(accuracy)
    return {name: torch.cat(values).cpu() for name, values in found.items()}


def own_metrics(run: Run, samples: int | None = None, *, dropout: bool = False) -> dict[str, Tensor]:
    """The metrics of the trained networks themselves, as of ``metrics``: each (R,).

    Those of training are of the first ``samples``, of all with None.  With ``dropout`` it is active, in masks from a
    seed of each replicate.
    """

    def weights(chosen: range) -> tuple[Parameters, Parameters]:
        own = slice(chosen.start, chosen.stop)
        parameters, buffers = (
            {name: value[own] for name, value in found.items()} for found in (run.parameters, run.buffers)
        )
        return parameters, buffers

    names = run.spec.study, run.spec.experiment, run.spec.model
    seeds = [seed(*names, replicate, "evaluation dropout") for replicate in range(run.replicates)] if dropout else []
    masks = [Generator(device=run.device).manual_seed(each) for each in seeds]
    first = run.data.training(samples)
    data = replace(run.data, train_x=first.train_x, train_y=first.train_y)
    return metrics(run, weights, range(run.replicates), data, dropout=masks or None)


def _together(run: Run, samples: int) -> int:
    """How many points are one tensor program; one, for convolutions on a CPU (see hwcore.train.split)."""
    network, kind = run.network, run.device.type
    if not network.stacks() or (kind == "cpu" and network.convolves()):
        return 1
    return max(1, _NUMBERS[kind] // max(run.parameter_count, min(samples, 1000) * network.widest))
