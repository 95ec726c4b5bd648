"""Kendall's S of two variables, ties included, and what it shows of the rank correlation τ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hwcore.claims.rule import Z80, Z95
from hwcore.claims.student import MOST_REPLICATES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """A rank correlation, its variance if the true one is 0, and what follows for other true values.

    At a true value τ the variance is taken as (1 − τ²) times that at 0, which is exact at both ends and bounds it in
    between much as Birnbaum & Klose (1957) bound that of P(A > B).  Tests and interval are score tests: at the bound
    0 they are those of Kendall, of Jonckheere & Terpstra, and of Page.
    """

    value: float
    variance: float

    def above(self, bound: float) -> float:
        """The one-sided p-value of the test that shows that the true value lies above ``bound``."""
        return float(special.ndtr(-self._score(bound)))

    def below(self, bound: float) -> float:
        """The one-sided p-value of the test that shows that the true value lies below ``bound``."""
        return float(special.ndtr(self._score(bound)))

    def _score(self, bound: float) -> float:
        if abs(bound) >= 1:
            return -np.inf * bound
        return float((self.value - bound) / np.sqrt(self.variance * (1 - bound**2)))

    def p_values(self, low: float, high: float) -> tuple[float, float]:
        """Two-sided p-values that show that the true value lies between the bounds, and that it does not."""
        holds, fails = max(self.above(low), self.below(high)), min(self.below(low), self.above(high))
        return min(1.0, 2 * holds), min(1.0, 2 * fails)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval, by inversion of the score test."""
        c = Z95**2 * self.variance
        half = np.sqrt(c * (1 + c - self.value**2))
        return float((self.value - half) / (1 + c)), float((self.value + half) / (1 + c))

    def shown(self, bound: float) -> tuple[float, float]:
        """The values below and above ``bound`` that would be shown with a probability of about 80 %."""
        distance = float((Z95 + Z80) * np.sqrt(self.variance * (1 - bound**2)))
        return bound - distance, bound + distance

    def replicates_needed(self, bound: float, n: int) -> int | None:
        """The replicates that would show this value, found with ``n`` of them; None if more than anybody trains."""
        distance = abs(self.value - bound)
        needed = n * (self.shown(bound)[1] - bound) ** 2 / distance**2 if distance else np.inf
        return max(n + 1, int(np.ceil(needed))) if needed <= MOST_REPLICATES else None


def kendall(x: Array, y: Array) -> Correlation:
    """τ over all pairs whose x differ: the share in which y differs the same way, minus that of the opposite way.

    ``x`` and ``y`` have shape (networks,).  Where x has groups of equal numbers, S is that of Jonckheere (1954) and
    Terpstra (1952) for groups in this order.  The variance is Kendall's (1970, Rank Correlation Methods, ch. 4), with
    ties in both variables.
    """
    n = len(x)
    concordant = float(np.sum(np.sign(x[:, None] - x) * np.sign(y[:, None] - y))) / 2
    t, u = (np.unique(values, return_counts=True)[1].astype(float) for values in (x, y))
    pairs = n * (n - 1) / 2 - np.sum(t * (t - 1)) / 2
    free, tied_x, tied_y = (np.sum(c * (c - 1) * (2 * c + 5)) for c in (np.array([n]), t, u))
    twos = np.sum(t * (t - 1)) * np.sum(u * (u - 1)) / (2 * n * (n - 1))
    threes = np.sum(t * (t - 1) * (t - 2)) * np.sum(u * (u - 1) * (u - 2)) / (9 * n * (n - 1) * max(n - 2, 1))
    variance = (free - tied_x - tied_y) / 18 + twos + threes
    return Correlation(concordant / pairs, float(variance) / pairs**2)
