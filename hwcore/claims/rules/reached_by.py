"""A time beside a bound, where some replicates never get there.

If all do, this is Student's t interval of the mean of the logarithms.  Else a replicate that does not get there by
its last epoch, which is its own where trainings stop early, is only known to take longer (it is censored), and the
median is judged by the sign test, which needs no more than that (Conover 1999, Practical Nonparametric Statistics,
§3.4).  The effect is the share of replicates
whose time is as expected.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from hwcore.claims import student
from hwcore.claims.judgement import NAN, CannotJudgeError, Judgement, decide, single, varies
from hwcore.claims.rule import LEVEL
from hwcore.claims.rules import share
from hwcore.claims.samples import Times, median
from hwcore.claims.words import PLAIN, counted, late, outlook, percent, unreached, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.reached_by import Options


def _known(
    times: "Array", last: "Array | float", low: float, high: float
) -> tuple["NDArray[np.bool_]", "NDArray[np.bool_]", "NDArray[np.bool_]", "NDArray[np.bool_]"]:
    """Which times are known to be at least the lower bound, at most the upper one, below the former, above the latter.

    A replicate that does not get there is later than a bound only if that is no later than its last epoch.
    """
    censored = np.isinf(times)
    return (
        np.where(censored, last, times) >= low,
        times <= high,
        times < low,
        np.where(censored, last >= high, times > high),
    )


def p_values(times: "Array", last: "Array | float", low: float, high: float) -> tuple["Array", "Array"]:
    """Two-sided p-values that show that the typical time lies between the bounds, and that it does not.

    ``times`` has shape (…, replicates), infinite where something is not reached by ``last``, one epoch or that of each
    replicate; results have shape (…).
    """
    censored = np.isinf(times)
    n = times.shape[-1]

    def majority(hits: "NDArray[np.bool_]") -> "Array":
        """The one-sided p-value of the test that shows that more than half are hits."""
        return np.asarray(stats.binom.sf(hits.sum(axis=-1) - 1, n, 0.5))

    from_low, to_high, early, late = map(majority, _known(times, last, low, high))
    holds = np.maximum(from_low if low > 0 else 0.0, to_high)
    fails = np.minimum(early, late)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(censored, 1.0, times))
        typical = student.tails(student.mean(logs), float(np.log(low)) if low > 0 else -np.inf, float(np.log(high)))
    signs = np.minimum(1, 2 * holds), np.minimum(1, 2 * fails)
    some = censored.any(axis=-1)
    return np.where(some, signs[0], typical[0]), np.where(some, signs[1], typical[1])


def judge(claim: "Claim", expect: "Options", data: Times) -> Judgement:
    values = data.values.dropna()
    n, never = len(values), int(np.isinf(values).sum())
    if n < 2:
        raise single()
    if not never:
        varies(values)
    times, last = (np.asarray(each, dtype=np.float64) for each in (values, data.last[values.index]))
    low, high = expect.region
    verdict, p = decide(*(float(tail) for tail in p_values(times, last, low, high)))
    from_low, to_high, _, _ = _known(times, last, low, high)
    as_expected = float(np.mean(from_low & to_high))
    if never:
        return _censored(data, times, last, (low, high), verdict, p, as_expected)
    if times.min() <= 0:
        raise CannotJudgeError(
            f"A replicate is there from the start, at {data.count} 0, which has no logarithm", "reached at the start"
        )
    logs = np.log(times)
    estimate = student.mean(logs)
    mean, (least, most) = float(np.exp(estimate.value)), (float(np.exp(end)) for end in estimate.interval())
    reason = (
        f"The geometric mean of {counted(n, 'replicate')} is {data.count} {PLAIN.number(mean, (least, most))}, and "
        f"its 95 % interval, {PLAIN.span(least, most)}, {PLAIN.position(least, most, (low, high), verdict)}."
    )
    needed = None
    if verdict == "undecided" and within(least, most, (low, high)):
        with np.errstate(divide="ignore"):
            bound = student.nearest(float(estimate.value), *(float(np.log(max(end, 0.0))) for end in (low, high)))
        spread = float(logs.std(ddof=1))
        needed = student.replicates_needed(float(estimate.value) - bound, spread, n)
        shown = student.shown(n, spread)
        ends = (float(np.exp(bound - shown)), float(np.exp(bound + shown)))
        reason += f" {outlook(n, 'replicate', 'mean', PLAIN.beyond('a mean', *ends), needed)}"
    return Judgement(verdict, reason, mean, least, most, n, as_expected, p, needed, (low, high))


def _censored(
    data: Times, times: "Array", last: "Array", bounds: tuple[float, float], verdict: str, p: float, as_expected: float
) -> Judgement:
    censored = np.isinf(times)
    n, never = len(times), int(censored.sum())
    low, high = bounds
    _, _, early, later = _known(times, last, low, high)
    value, typical = median(times, last, data.count)
    region = PLAIN.region(low, high)
    got = late(never, n, data.count, float(last[censored].min()), float(last[censored].max()))
    if verdict == "holds":
        reason = f"{got}, yet in most, {percent(as_expected)}, the {data.count} lies {region} (sign test)."
    elif verdict == "fails":
        others = percent(float((early | later).mean()))
        reason = f"{got}, and in most, {others}, the {data.count} does not lie {region} (sign test)."
    else:
        reason = f"{got}, so it is not shown whether the typical {data.count} lies {region}."
    reason += f" The median {typical}."
    needed = None
    if verdict == "undecided":
        needed = _needed(times, last, bounds)
        enough = np.flatnonzero(2 * stats.binom.sf(np.arange(n), n, 0.5) <= LEVEL)
        if len(enough):
            reason += f" {enough[0] + 1} of {n} on one side would decide it"
            reason += f", or {needed:,} replicates with the same shares." if needed else "."
        else:
            reason += f" Even {n} of {n} would not decide it"
            reason += f"; {needed:,} replicates with the same shares would." if needed else "."
    absent = unreached(never, n)
    return Judgement(verdict, reason, value, NAN, NAN, n, as_expected, p, needed, bounds, absent=absent)


def _needed(times: "Array", last: "Array | float", bounds: tuple[float, float]) -> int | None:
    """The replicates whose majority on one side of the bounds would be shown, if shares stay as they are."""
    from_low, to_high, early, later = (float(each.mean()) for each in _known(times, last, *bounds))
    # a majority beyond either bound refutes; it holds only with one on the right side of both
    beyond, between = max(early, later), min(from_low, to_high)
    return share.networks_needed(max(beyond, between), 0.5) if max(beyond, between) > 0.5 else None
