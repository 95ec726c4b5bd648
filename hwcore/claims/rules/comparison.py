"""Which of two means is larger: Welch's t (1947), or Student's and Hall's of the differences of the same replicates.

Losses, norms and times are compared on the log scale, as a ratio of geometric means. The effect is P(A > B), the
share of all n² pairs of runs in which the first is larger, ties counted half, with the interval of Brunner and Munzel
(2000, Biometrical Journal 42): significant where it lies above 1/2, meaningful above 3/4 (Bouthillier et al. 2021,
arXiv:2103.03098). Times of which some are censored have no mean; they are compared by ranks (Mann and Whitney 1947, a
test with at most 9,999 permutations), or by the signs of the differences where they are paired. How they rank is
known as far as all trainings go: what takes longer than the shortest training that does not get there counts as not
getting there.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from hwcore.claims import student
from hwcore.claims.judgement import NAN, CannotJudgeError, Judgement, decide, single, usable_pair
from hwcore.claims.rule import LEVEL, Z80, Z95
from hwcore.claims.samples import Pair, Sample, Times
from hwcore.claims.scales import transform
from hwcore.claims.words import PERCENT, PLAIN, counted, late, of_differences, outlook, percent, unreached, within

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.comparison import Options

# Resamples of a permutation test of more pairs than can be listed.
_RESAMPLES = 9_999


def p_values(first: "Array", second: "Array", low: float, high: float, *, paired: bool) -> tuple["Array", "Array"]:
    """Two-sided p-values that show that the difference lies between the bounds, and that it does not.

    Both samples have shape (…, replicates), results have shape (…).
    """
    return student.tails(student.contrast(first, second, paired=paired), low, high)


def superiority(first: "Array", second: "Array") -> tuple[float, float, float]:
    """P(A > B) + P(A = B)/2 of two independent samples, and its 95 % interval after Brunner and Munzel."""
    n, m = len(first), len(second)
    ranks = stats.rankdata(np.concatenate([first, second]))
    placed = [ranks[:n] - stats.rankdata(first), ranks[n:] - stats.rankdata(second)]
    share = float(placed[0].mean() / m)
    variances = [placed[0].var(ddof=1) / (n * m**2), placed[1].var(ddof=1) / (m * n**2)]
    total = sum(variances)
    if total == 0:
        # one sample lies wholly above the other: the placements do not vary, which is not to say that the share
        # is certain; the exact interval of as many hits as there are replicates in the smaller sample bounds it
        edge = (LEVEL / 2) ** (1 / min(n, m))
        return share, edge if share == 1 else 0.0, 1.0 if share else 1 - edge
    freedom = total**2 / (variances[0] ** 2 / (n - 1) + variances[1] ** 2 / (m - 1))
    half = float(stats.t.ppf(1 - LEVEL / 2, freedom) * np.sqrt(total))
    return share, max(0.0, share - half), min(1.0, share + half)


def judge(claim: "Claim", expect: "Options", data: Pair) -> Judgement:
    first, second = data.first, data.second
    censored = any(isinstance(part, Times) and np.isinf(part.values).any() for part in (first, second))
    if censored:
        return _judge_ranks(expect, data)
    a, b, lost_a, lost_b = usable_pair(data)
    low, high = expect.region
    losses = first.scale == second.scale == "log"
    ratios = expect.scale == "log" or (expect.scale == "auto" and expect.which_is_larger and losses)
    scale = transform("log" if ratios else "linear", a, b)
    if expect.scale == "log" and scale.scale != "log":
        raise CannotJudgeError("A replicate is not above 0, so there is no ratio", "not above 0")
    x, y = scale.to(a), scale.to(b)
    estimate = student.contrast(x, y, paired=data.paired)
    if np.isnan(estimate.error):
        raise CannotJudgeError(
            "All pairs of replicates differ by the same factor, so the spread is unknown", "all ratios equal"
        )
    verdict, p = decide(*(float(tail) for tail in p_values(x, y, low, high, paired=data.paired)))
    reach = (0.0, np.inf) if scale.scale == "log" else data.range
    value, (least, most) = float(scale.back(estimate.value)), scale.ends(estimate.interval(), reach)
    if scale.scale == "log":
        low, high = (float(scale.back(bound)) if np.isfinite(bound) else bound for bound in (low, high))
    unit = PLAIN if scale.scale == "log" else of_differences(first.unit)
    what = "ratio of the geometric means" if scale.scale == "log" else "difference of the means"
    n = min(len(x), len(y))
    runs = f"{counted(n, 'pair')} of runs with the same seeds" if data.paired else f"{len(x)} and {len(y)} replicates"
    reason = (
        f"The {what} of {runs} is {unit.number(value, (least, most))}, and its 95 % interval, "
        f"{unit.span(least, most)}, {unit.position(least, most, (low, high), verdict)}."
    )
    needed = None
    if verdict == "undecided" and within(least, most, (low, high)):
        samples = 1 if data.paired else 2
        spread = float(np.std(x - y, ddof=1)) if data.paired else float(np.hypot(x.std(ddof=1), y.std(ddof=1)))
        bound = student.nearest(float(estimate.value), *expect.region)
        needed = student.replicates_needed(float(estimate.value) - bound, spread, n, samples)
        shown = student.shown(n, spread, samples)
        ends = (float(scale.back(bound - shown)), float(scale.back(bound + shown)))
        kind = "ratio" if scale.scale == "log" else "difference"
        reason += f" {outlook(n, 'replicate', kind, unit.beyond(f'a {kind}', *ends, reach), needed)}"
    effect, sentence = _dominance(np.asarray(a), np.asarray(b), paired=data.paired)
    notes = dict.fromkeys([sentence, scale.note, lost_a, lost_b])
    reason = " ".join([reason, *filter(None, notes)])
    ratio = ""
    if scale.scale == "log" and claim.measure is not None:
        ratio = claim.measure.describe().replace(" minus ", " over ")
    return Judgement(verdict, reason, value, least, most, n, effect, p, needed, (low, high), ratio, unit)


def _dominance(first: "Array", second: "Array", *, paired: bool) -> tuple[float, str]:
    if paired:
        share = float(np.mean((first > second) + (first == second) / 2))
        return share, f"The former is the larger in {percent(share)} of the pairs."
    share, least, most = superiority(first, second)
    text = f"The former is the larger in {percent(share)} of all {len(first) * len(second):,} pairs of runs"
    return share, f"{text} (95 % interval {percent(least)} to {percent(most)})."


def _judge_ranks(expect: "Options", data: Pair) -> Judgement:
    """The comparison of times of which some are longer than the training."""
    if not expect.which_is_larger:
        raise CannotJudgeError("Some replicates do not get there, so the difference has no size", "not always reached")
    (a, last_a), (b, last_b) = _times(data.first), _times(data.second)
    if min(len(a), len(b)) < 2:
        raise single()
    if data.paired:
        a, b = a.align(b, join="inner")
    # which of two is the longer is not known beyond the end of a training that did not get there
    last = float(min([*last_a, *last_b]))
    a, b = (times.where(times <= last, np.inf) for times in (a, b))
    never, n, total = int(np.isinf(a).sum() + np.isinf(b).sum()), min(len(a), len(b)), len(a) + len(b)
    if data.paired:
        larger, smaller = int((a > b).sum()), int((a < b).sum())
        above = float(stats.binom.sf(larger - 1, larger + smaller, 0.5))
        below = float(stats.binom.sf(smaller - 1, larger + smaller, 0.5))
        how, pairs, share = "sign test", "the pairs", float(np.mean((a > b) + (a == b) / 2))
        spread = np.sqrt((larger + smaller) / n / 4)
    else:
        method = stats.PermutationMethod(n_resamples=_RESAMPLES, rng=np.random.default_rng(0))
        order = stats.rankdata(np.concatenate([a, b]))
        x, y = order[: len(a)], order[len(a) :]
        above, below = (
            float(stats.mannwhitneyu(x, y, alternative=side, method=method).pvalue) for side in ("greater", "less")
        )
        how, pairs, share = "rank test", "all pairs of runs", superiority(x, y)[0]
        spread = np.sqrt(stats.tiecorrect(order) / 6)
    holds, fails = (above, below) if expect.below is None else (below, above)
    verdict, p = decide(2 * holds, 2 * fails)
    count = next(part.count for part in (data.first, data.second) if isinstance(part, Times))
    outcome = "does not show which takes longer"
    if verdict != "undecided":
        outcome = f"shows that the {'former' if above < below else 'latter'} takes longer"
    reason = (
        f"{late(never, total, count, last, last)}; a {how} {outcome}. The former takes longer in {percent(share)} of "
        f"{pairs}, with ties counted half."
    )
    needed = None
    if verdict == "undecided" and spread > 0:
        # of a share of pairs beside one half (Noether 1987, Journal of the American Statistical Association 82)
        shown, distance = (Z95 + Z80) * float(spread) / np.sqrt(n), abs(share - 0.5)
        least = n * (shown / distance) ** 2 if distance else np.inf
        needed = max(n + 1, int(np.ceil(least))) if least <= student.MOST_REPLICATES else None
        what = PERCENT.beyond("a share", 0.5 - shown, 0.5 + shown, (0, 1))
        reason += f" {outlook(n, 'replicate', 'share', what, needed)}"
    return Judgement(verdict, reason, NAN, NAN, NAN, n, share, p, needed, absent=unreached(never, total))


def _times(sample: Sample) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    """The times, and the ends of those trainings that did not get there."""
    if not isinstance(sample, Times):
        return sample.finite, sample.finite[:0]
    times = sample.values.dropna()
    return times, sample.last[times.index][np.isinf(times)]
