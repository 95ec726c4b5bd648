"""The 95 % prediction interval of one further run, m ± t s √(1 + 1/n), beside the reported number.

A reported number is one run, so it is compared with where single runs lie, not with the interval of their mean
(Hahn & Meeker 1991, Statistical Intervals, §4.7; CORE-Bench, arXiv:2409.11363, judges so).  The interval is computed
on the scale of the quantity and widened by half a unit of the last digit of the reported number, to which it was
rounded.  Of times of which some are censored, the rank of the reported one among the replicates decides; one that does
not get there counts as later where it was trained for as long as that.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from hwcore.claims import student
from hwcore.claims.judgement import SAME, CannotJudgeError, Judgement, usable
from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Sample, Times, median
from hwcore.claims.scales import transform
from hwcore.claims.words import counted, late, unreached

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.prediction_interval import Options


# An interval that takes this part of all possible numbers says nothing of one of them.
_WIDE = 0.9


def p_values(values: "Array", least: "Array | float", most: "Array | float") -> "Array":
    """The two-sided p-value of a further run that lies between ``least`` and ``most``, to which it was rounded.

    ``values`` has shape (…, replicates), the ends and the result have shape (…).  1 where the mean is among them, and
    NaN where all replicates are equal.
    """
    n = values.shape[-1]
    estimate = student.mean(values)
    outside = np.maximum(0, np.maximum(least - estimate.value, estimate.value - most))
    p = 2 * special.stdtr(n - 1, -outside / (estimate.error * np.sqrt(n + 1)))
    return np.where(outside == 0, 1.0, p)


def rounded(claim: "Claim", rounding: float | None) -> tuple[float, float]:
    """The ends of what is rounded to the reported number."""
    value, unit = claim.reported_number()
    half = (unit if rounding is None else rounding) / 2
    return value - half, value + half


def judge(claim: "Claim", expect: "Options", data: Sample) -> Judgement:
    least, most = rounded(claim, expect.rounding)
    if isinstance(data, Times) and np.isinf(data.values).any():
        return _judge_ranks(claim, data, least, most)
    values, lost = usable(data)
    scale = transform(data.scale if expect.scale == "auto" else expect.scale, values)
    sample, n = scale.to(values), len(values)
    ends = [float(scale.to(np.clip(end, *scale.domain))) for end in (least, most)]
    p = float(p_values(sample, *ends))
    if student.constant(values) or np.isnan(p):
        return all_equal(claim, data, values, lost, (least, most))
    estimate = student.mean(sample)
    half = float(special.stdtrit(n - 1, 1 - LEVEL / 2) * estimate.error * np.sqrt(n + 1))
    low, high = scale.ends((estimate.value - half, estimate.value + half), data.range)
    value, number, reported = float(scale.back(estimate.value)), claim.reported_number()[0], told(claim, data)
    # how far the reported run is from the mean, in standard deviations of a further run; an accuracy of 1.00 counts as
    # the middle of what is rounded to it
    place = float(scale.to(np.mean(np.clip([least, most], *scale.domain))))
    effect = (place - float(estimate.value)) / float(estimate.error * np.sqrt(n + 1))
    interval = (
        f"the 95 % prediction interval of a single run, {data.unit.span(low, high)}, from {counted(n, 'replicate')}"
    )
    if p > LEVEL and wide(low, high, data):
        verdict = "undecided"
        reason = f"Almost any number lies in {interval}, which is too wide to compare with."
    elif p > LEVEL:
        verdict = "consistent"
        exact = low <= number <= high
        reason = f"The reported {reported} lies {'' if exact else 'up to its rounding '}in {interval}."
    else:
        verdict = "inconsistent"
        reason = f"The reported {reported} lies {'below' if most < low else 'above'} {interval}."
    sentences = (reason, scale.note, lost)
    reason = " ".join(filter(None, sentences))
    return Judgement(verdict, reason, value, low, high, n, effect, p, expected=(least, most), unit=data.unit)


def wide(low: float, high: float, data: Sample) -> bool:
    """Whether an interval takes almost all of the numbers that there can be."""
    return high - low > _WIDE * (data.range[1] - data.range[0])


def told(claim: "Claim", data: Sample) -> str:
    """The reported number as the report states it, in the unit of what is measured."""
    assert claim.reported is not None
    return data.unit.reported(claim.reported)


def all_equal(
    claim: "Claim", data: Sample, values: "pd.Series[float]", lost: str, rounded: tuple[float, float]
) -> Judgement:
    """Of replicates that all give the same number: consistent if it is what is rounded to the reported one.

    Raises CannotJudgeError where it is not.
    """
    value, n, (least, most) = float(values.iloc[0]), len(values), rounded
    if not least <= value <= most:
        raise CannotJudgeError(SAME, "all replicates equal")
    reason = f"All {counted(n, 'replicate')} give {data.unit.number(value)}, which is the reported {told(claim, data)}"
    reason += "." if value == claim.reported_number()[0] else " up to its rounding."
    reason = " ".join(filter(None, [reason, lost]))
    return Judgement("consistent", reason, value, value, value, n, p=1.0, expected=rounded, unit=data.unit)


def _judge_ranks(claim: "Claim", data: Times, least: float, most: float) -> Judgement:
    """The rank of the reported time; a further run has each rank among n + 1 with the same probability."""
    values = data.values.dropna()
    last = data.last[values.index]
    n, censored = len(values), np.isinf(values)
    # a further run has each rank, and one that is not known could be on either side
    later = int(((values > most) & (~censored | (last >= most))).sum())
    earlier = int((values < least).sum())
    if claim.reported_number()[0] > last.max():
        raise CannotJudgeError(
            f"The reported {data.count} is later than the last one that was trained here", "not trained so long"
        )
    p = min(1.0, 2 * (min(n - later, n - earlier) + 1) / (n + 1))
    got = late(int(censored.sum()), n, data.count, float(last[censored].min()), float(last[censored].max()))
    value, _ = median(np.asarray(values), np.asarray(last), data.count)
    absent = unreached(int(censored.sum()), n)
    reported = f"the reported {data.count} {told(claim, data)}"
    if p <= LEVEL:
        side, count = ("earlier", later) if later > earlier else ("later", earlier)
        reason = f"{got}, and {reported} is {side} than in {count} of {n}."
        return Judgement("inconsistent", reason, value, n=n, p=p, absent=absent)
    by = int((values <= most).sum())
    if by and earlier < n:
        verb = "is" if by == 1 else "are"
        reason = f"{got}, and {by} {verb} there by {reported}, which is within what the replicates do."
        return Judgement("consistent", reason, value, n=n, p=p, absent=absent)
    raise CannotJudgeError(
        f"{got}, which says too little of whether a further run could get there at {data.count} {told(claim, data)}",
        absent,
    )
