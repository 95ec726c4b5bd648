"""Student's t (1908) and Welch's (1947), for many data sets at once.

Samples have shape (…, replicates); results have shape (…).  Where all replicates are equal nothing can be said of
their spread, and p-values are 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hwcore.claims.rule import LEVEL, Z80

Array = NDArray[np.float64]
# More replicates than this nobody trains.
MOST_REPLICATES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A mean or difference of means, its standard error (NaN if unknown) and the degrees of freedom of that."""

    value: Array
    error: Array
    freedom: Array

    def interval(self, level: float = 1 - LEVEL) -> tuple[Array, Array]:
        half = special.stdtrit(self.freedom, (1 + level) / 2) * self.error
        return self.value - half, self.value + half

    def above(self, bound: float) -> Array:
        """The one-sided p-value of the test that shows that the true value lies above ``bound``."""
        return self._known(np.asarray(special.stdtr(self.freedom, (bound - self.value) / self.error)))

    def below(self, bound: float) -> Array:
        """The one-sided p-value of the test that shows that the true value lies below ``bound``."""
        return self._known(np.asarray(special.stdtr(self.freedom, (self.value - bound) / self.error)))

    def _known(self, p: Array) -> Array:
        return np.where(np.isnan(self.error), 1.0, p)


def mean(values: Array) -> Estimate:
    n = values.shape[-1]
    error = values.std(axis=-1, ddof=1) / np.sqrt(n)
    constant = np.ptp(values, axis=-1) == 0
    return Estimate(values.mean(axis=-1), np.where(constant, np.nan, error), np.full(values.shape[:-1], n - 1.0))


def difference(first: Array, second: Array) -> Estimate:
    """The mean of ``first`` minus that of ``second``, independent samples of unequal variances (Welch 1947)."""
    parts = []
    for values in (first, second):
        # rounding leaves equal numbers a variance, which would be taken for a spread
        varies = np.ptp(values, axis=-1) > 0
        parts.append(np.where(varies, values.var(axis=-1, ddof=1) / values.shape[-1], 0.0))
    total = parts[0] + parts[1]
    known = np.where(total > 0, total, np.nan)
    freedom = known**2 / (parts[0] ** 2 / (first.shape[-1] - 1) + parts[1] ** 2 / (second.shape[-1] - 1) + (total == 0))
    return Estimate(first.mean(axis=-1) - second.mean(axis=-1), np.sqrt(known), np.where(total > 0, freedom, 1.0))


def contrast(first: Array, second: Array, *, paired: bool) -> Estimate:
    """The difference of means, of the same replicates or of independent ones."""
    return mean(first - second) if paired else difference(first, second)


def tails(estimate: Estimate, low: float, high: float) -> tuple[Array, Array]:
    """Two-sided p-values that show that the true value lies between ``low`` and ``high``, and that it does not.

    To lie between two bounds is to lie above one and below the other: both tests must succeed (Berger 1982).
    """
    holds = np.maximum(estimate.above(low), estimate.below(high))
    fails = np.minimum(estimate.below(low), estimate.above(high))
    return np.minimum(1, 2 * holds), np.minimum(1, 2 * fails)


def shown(n: int, spread: float, samples: int = 1) -> float:
    """The distance from a bound that ``n`` replicates show with a probability of about 80 %.

    ``spread`` is the standard deviation of a replicate, or of a difference of two if ``samples`` is 2.
    """
    freedom = samples * (n - 1)
    quantiles = special.stdtrit(freedom, 1 - LEVEL / 2) + Z80
    return float(quantiles * spread / np.sqrt(n))


def replicates_needed(distance: float, spread: float, samples: int = 1) -> int | None:
    """The replicates that show ``distance`` from a bound with a probability of about 80 %; None if too many."""
    n = np.arange(2, MOST_REPLICATES + 1)
    quantiles = special.stdtrit(samples * (n - 1), 1 - LEVEL / 2) + Z80
    enough = quantiles * spread / np.sqrt(n) <= abs(distance)
    return int(n[np.argmax(enough)]) if enough.any() else None


def nearest(value: float, low: float, high: float) -> float:
    """The bound that is closest to ``value``."""
    return low if abs(value - low) <= abs(value - high) else high
