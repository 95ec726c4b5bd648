"""A trend within runs: Page's L (1963, Journal of the American Statistical Association 58), replicates as blocks.

Exact for few replicates and points, the normal approximation for more, both SciPy's.  The effect is the mean of
Spearman's ρ over the replicates, of which L is a linear function.  It takes the noise at the points of a replicate as
exchangeable.  Neighbouring epochs of one training are not: the measure `correlation` and the rule `threshold` ask of
these only that replicates are independent.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from hwcore.claims.concordance import Correlation
from hwcore.claims.judgement import DIVERGED, CannotJudgeError, Judgement, decide, few, single
from hwcore.claims.samples import Blocks
from hwcore.claims.words import PLAIN, counted, outlook, sentence

if TYPE_CHECKING:
    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.trend_within import Options


def p_values(blocks: "Array") -> tuple[float, float]:
    """Two-sided p-values that show that the numbers rise, and that they fall; shape (replicates, points)."""
    rising = float(stats.page_trend_test(blocks).pvalue)
    falling = float(stats.page_trend_test(blocks[:, ::-1]).pvalue)
    return min(1.0, 2 * rising), min(1.0, 2 * falling)


def judge(claim: "Claim", expect: "Options", data: Blocks) -> Judgement:
    blocks = np.asarray(data.rows[np.isfinite(data.rows).all(axis=1)], dtype=np.float64)
    lost, n, points = len(data.rows) - len(blocks), len(blocks), data.rows.shape[1]
    if lost > DIVERGED * len(data.rows):
        raise few(lost, len(data.rows), "replicate", "the rest")
    if n < 2:
        raise single()
    if (np.ptp(blocks, axis=1) == 0).all():
        raise CannotJudgeError(
            "All points of a replicate give the same number, so nothing rises or falls", "the same everywhere"
        )
    rising, falling = p_values(blocks)
    up = expect.direction == "rising"
    verdict, p = decide(rising, falling) if up else decide(falling, rising)
    ranks = stats.rankdata(blocks, axis=1)
    middle = (points + 1) / 2
    # Spearman's ρ without a correction for ties, which L has none of either
    rho = 12 * (ranks - middle) @ (np.arange(1, points + 1) - middle) / (points * (points**2 - 1))
    found = Correlation(float(rho.mean()), 1 / (n * (points - 1)))
    least, most = found.interval
    outcome = {"holds": expect.direction, "fails": "falling" if up else "rising"}.get(verdict)
    reason = (
        f"Over {points} points in each of {counted(n, 'replicate')}, the mean rank correlation is "
        f"{PLAIN.number(found.value, found.interval)}"
    )
    reason += f" (95 % interval {PLAIN.span(least, most)}): " + (
        f"the numbers are {outcome}." if outcome else "no clear trend."
    )
    needed = None
    if verdict == "undecided" and (least > 0 or most < 0):
        reason += " That interval, an approximation, is clear of 0, but Page's exact test does not show it."
    elif verdict == "undecided":
        needed = found.replicates_needed(0.0, n)
        shown = PLAIN.beyond("a correlation", *found.shown(0.0), (-1, 1))
        reason += f" {outlook(n, 'replicate', 'correlation', shown, needed)}"
    if lost:
        are = "is" if lost == 1 else "are"
        reason += f" {sentence(f'{lost} of {len(data.rows)} replicates diverged and {are} left out')}"
    of = "" if claim.measure is None else f"rank correlation of {claim.measure.describe()}"
    expected = (0.0, np.inf) if up else (-np.inf, 0.0)
    return Judgement(verdict, reason, found.value, least, most, n, found.value, p, needed, expected, of)
