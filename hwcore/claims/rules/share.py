"""Clopper and Pearson's exact interval of a share (1934, Biometrika 26) beside a bound.

Wilson's interval is shorter, but for shares near 0 or 1 it misses the truth more often than its level says.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hwcore.claims.judgement import Judgement, decide
from hwcore.claims.rule import LEVEL, Z80, Z95
from hwcore.claims.samples import Hits
from hwcore.claims.student import MOST_REPLICATES, nearest
from hwcore.claims.words import PERCENT, counted, outlook

if TYPE_CHECKING:
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.share import Options


def p_values(hits: ArrayLike, n: int, low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two-sided p-values that show that the share lies between the bounds, and that it does not.

    ``hits`` of ``n`` networks, of any shape; to lie between two bounds is to lie above one and below the other.
    """
    k = np.asarray(hits)

    def above(bound: float) -> NDArray[np.float64]:
        """The one-sided p-value of the test that shows that the share lies above ``bound``."""
        return np.asarray(stats.binom.sf(k - 1, n, bound)) if bound <= 1 else np.ones(k.shape)

    def below(bound: float) -> NDArray[np.float64]:
        return np.asarray(stats.binom.cdf(k, n, bound)) if bound >= 0 else np.ones(k.shape)

    # no share lies beyond 0 or 1, so that these are no bounds
    holds = np.maximum(above(low) if low >= 0 else 0, below(high) if high <= 1 else 0)
    fails = np.minimum(below(low), above(high))
    return np.minimum(1, 2 * holds), np.minimum(1, 2 * fails)


def interval(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the share."""
    least = stats.beta.ppf(LEVEL / 2, hits, n - hits + 1) if hits else 0.0
    most = stats.beta.ppf(1 - LEVEL / 2, hits + 1, n - hits) if hits < n else 1.0
    return float(least), float(most)


def networks_needed(share: float, bound: float) -> int | None:
    """The networks that show ``share`` beside ``bound`` with a probability of about 80 % (normal approximation)."""
    if share in (0.0, 1.0):
        # exact: all hits, or none
        chance = bound if share == 1.0 else 1 - bound
        needed = float(np.log(LEVEL / 2) / np.log(chance)) if 0 < chance < 1 else np.inf
    elif share == bound:
        return None
    else:
        spread = Z95 * np.sqrt(bound * (1 - bound)) + Z80 * np.sqrt(share * (1 - share))
        needed = float((spread / (share - bound)) ** 2)
    return int(np.ceil(needed)) if needed <= MOST_REPLICATES else None


def judge(claim: "Claim", expect: "Options", data: Hits) -> Judgement:
    hits, n = int(data.values.sum()), len(data.values)
    low, high = expect.region
    verdict, p = decide(*(float(tail) for tail in p_values(hits, n, low, high)))
    share, (least, most) = hits / n, interval(hits, n)
    reason = (
        f"It is true of {hits:,} of {counted(n, 'network')}, and the 95 % interval of the share, "
        f"{PERCENT.span(least, most)}, {PERCENT.position(least, most, expect.region, verdict)}."
    )
    needed = None
    if verdict == "undecided":
        bound = nearest(share, low, high)
        # no number of networks shows that all of them are such, or none
        if 0 < bound < 1:
            needed = networks_needed(share, bound)
            shown = (Z95 + Z80) * np.sqrt(bound * (1 - bound) / n)
            what = PERCENT.beyond("a share", bound - shown, bound + shown, (0, 1))
            reason += f" {outlook(n, 'network', 'share', what, needed)}"
    return Judgement(verdict, reason, share, least, most, n, share, p, needed, expect.region, unit=PERCENT)
