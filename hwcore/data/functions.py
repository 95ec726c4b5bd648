"""Samples of functions of one variable."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwcore.data.formula import FUNCTIONS, LARGEST, parse
from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.seeds import seed

Values = NDArray[np.float64]


def tensors(
    spec: FunctionData, prepared: None, *, study: str, experiment: str, model: str, replicates: int
) -> tuple[dict[str, Tensor], int]:
    """The tensors of ``hwcore.data.load.Data`` by their names, and the number of classes: none.

    Raises HwcoreError where the formula has no finite value at a sample.
    """
    return {
        f"{part}_{axis}": torch.from_numpy(values).float()
        for part, pair in sample(spec, study, experiment).items()
        for axis, values in zip("xy", pair, strict=True)
    }, 0


def sample(spec: FunctionData, study: str, experiment: str) -> dict[str, tuple[Values, Values]]:
    """The training and test samples (x, y), each of shape (samples, 1).

    All models and replicates of an experiment see the same samples.  On a grid the test samples
    are another grid over the same domain; of a subset both are points of one grid, none in both.

    Raises HwcoreError where the formula has no finite value at a sample.
    """
    low, high = spec.domain
    counts = {"train": spec.samples, "test": spec.test_samples}
    if spec.sampling == "uniform":
        seeds = {part: seed(study, experiment, "data", part) for part in counts}
        x = {part: np.random.default_rng(seeds[part]).uniform(low, high, count) for part, count in counts.items()}
    elif spec.grid is not None:
        drawn = np.random.default_rng(seed(study, experiment, "data", "subset")).permutation(spec.grid)
        points = np.linspace(low, high, spec.grid)
        first, second = drawn[: spec.samples], drawn[spec.samples : spec.samples + spec.test_samples]
        x = {"train": points[np.sort(first)], "test": points[np.sort(second)]}
    else:
        x = {part: np.linspace(low, high, count) for part, count in counts.items()}
    # y comes from the very x that the model sees: one of the reports had another's
    return {part: (inputs[:, None], values(spec, inputs)[:, None]) for part, inputs in x.items()}


def values(spec: FunctionData, x: Values) -> Values:
    """The function at the points ``x`` in float64, of the same shape: the formula's, or those stated for a point.

    Raises HwcoreError where there is no value that is finite in float32.
    """
    function = parse(spec.function).function({name: getattr(np, name) for name in FUNCTIONS})
    with np.errstate(all="ignore"):
        y = np.array(np.broadcast_to(function(x), x.shape))
    for point, value in spec.at.items():
        y[x == point] = value
    gaps = x[~(np.abs(y) <= LARGEST)]
    if len(gaps):
        raise HwcoreError(
            f"data.function: {spec.function!r} has no finite value at x = {gaps[0]:.15g}; "
            f"state one with `at: {{{gaps[0]:.15g}: …}}`, or choose another domain"
        )
    return y
