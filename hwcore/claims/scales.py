"""Scales on which the noise of a quantity is closest to symmetric, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcore.claims.words import PLAIN

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Transform:
    """``to`` the scale and ``back``; ``mean`` is what the mean there is called."""

    scale: str
    to: Callable[[ArrayLike], Array]
    back: Callable[[ArrayLike], Array]
    mean: str
    domain: tuple[float, float]
    note: str = ""

    def ends(self, interval: tuple[ArrayLike, ArrayLike], reach: tuple[float, float]) -> tuple[float, float]:
        """The ends of an interval, back from the scale, in order and as far as the quantity reaches.

        To cut off what cannot be leaves the chance that the interval holds the true value as it is.
        """
        least, most = sorted(float(np.clip(self.back(end), *reach)) for end in interval)
        return least, most


def _array(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _at_ends(function: Callable[[Array], Array]) -> Callable[[ArrayLike], Array]:
    """``function``, infinite at the ends of its domain."""

    def to(values: ArrayLike) -> Array:
        with np.errstate(divide="ignore"):
            return function(_array(values))

    return to


_TRANSFORMS = {
    "linear": Transform("linear", _array, _array, "mean", (-np.inf, np.inf)),
    "log": Transform("log", _at_ends(np.log), lambda z: np.exp(_array(z)), "geometric mean", (0, np.inf)),
    "logit": Transform(
        "logit",
        _at_ends(lambda p: np.log(p / (1 - p))),
        lambda z: 1 / (1 + np.exp(-_array(z))),
        "mean by log odds",
        (0, 1),
    ),
    "fisher": Transform("fisher", _at_ends(np.arctanh), lambda z: np.tanh(_array(z)), "mean by Fisher's z", (-1, 1)),
    "count": Transform(
        *("count", _at_ends(np.log1p), lambda z: np.maximum(np.expm1(_array(z)), 0)),
        *("mean by log(1 + x)", (-1, np.inf)),
    ),
}


def transform(scale: str, *samples: ArrayLike) -> Transform:
    """The transform of a scale, or the linear one, with a note that says why, if a number lies outside its domain.

    No interval of numbers from 0 to 1, or from -1 to 1, goes beyond these bounds.
    """
    wanted = _TRANSFORMS[scale]
    low, high = wanted.domain
    if all(np.all((_array(values) > low) & (_array(values) < high)) for values in samples):
        return wanted
    note = f"Judged on the plain scale, because a replicate does not lie {PLAIN.region(low, high)}."
    within = all(np.all((_array(values) >= low) & (_array(values) <= high)) for values in samples)
    back = (lambda z: np.clip(_array(z), low, high)) if within and np.isfinite([low, high]).all() else _array
    return replace(_TRANSFORMS["linear"], back=back, note=note)
