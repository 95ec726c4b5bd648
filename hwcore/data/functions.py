"""Functions of one variable and their samples."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwcore.data.spec import FunctionData
from hwcore.seeds import seed

Values = NDArray[np.float64]

# As pages write them they stand in hwcore/data/catalog.py.
# np.sinc(t) is sin(πt)/πt with the value 1 at 0, so sinc5(x) = sin(5πx)/5πx.
FUNCTIONS: dict[str, Callable[[Values], Values]] = {
    "cos": np.cos,
    "arcsinh": np.arcsinh,
    "sinc5": lambda x: np.sinc(5 * x),
    "sign_sin5pi": lambda x: np.sign(np.sin(5 * np.pi * x)),
    "sign_sin10pi": lambda x: np.sign(np.sin(10 * np.pi * x)),
    "sin3pi": lambda x: np.sin(3 * np.pi * x),
    "sin5pi": lambda x: np.sin(5 * np.pi * x),
    "sin_plus_cos": lambda x: np.sin(x) + np.cos(x),
    "two_cosh": lambda x: 2 * np.cosh(x),
}


def tensors(
    spec: FunctionData, prepared: None, *, study: str, experiment: str, model: str, replicates: int
) -> tuple[dict[str, Tensor], int]:
    """The tensors of ``hwcore.data.load.Data`` by their names, and the number of classes: none."""
    return {
        f"{part}_{axis}": torch.from_numpy(values).float()
        for part, pair in sample(spec, study, experiment).items()
        for axis, values in zip("xy", pair, strict=True)
    }, 0


def sample(spec: FunctionData, study: str, experiment: str) -> dict[str, tuple[Values, Values]]:
    """The training and test samples (x, y), each of shape (samples, 1).

    All models and replicates of an experiment see the same samples.  On a grid the test samples
    are another grid over the same domain.
    """
    counts = {"train": spec.samples, "test": spec.test_samples}
    return {part: _pairs(spec, count, seed(study, experiment, "data", part)) for part, count in counts.items()}


def _pairs(spec: FunctionData, count: int, seed: int) -> tuple[Values, Values]:
    low, high = spec.domain
    if spec.sampling == "uniform":
        x = np.random.default_rng(seed).uniform(low, high, count)
    else:
        x = np.linspace(low, high, count)
    # y comes from the very x that the model sees: one of the reports had another's
    return x[:, None], FUNCTIONS[spec.function](x)[:, None]
