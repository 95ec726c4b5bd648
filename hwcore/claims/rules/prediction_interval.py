"""The 95 % prediction interval of one further run, m ± t s √(1 + 1/n), beside the reported number.

A reported number is one run, so it is compared with where single runs lie, not with the interval of their mean
(Hahn & Meeker 1991, Statistical Intervals, §4.7; CORE-Bench, arXiv:2409.11363, judges so).  The interval is computed
on the scale of the quantity and widened by half a unit of the last digit of the reported number, to which it was
rounded.  Of times of which some are censored, the rank of the reported one among the replicates decides.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from hwcore.claims import student
from hwcore.claims.judgement import CannotJudgeError, Judgement, usable
from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Sample, Times
from hwcore.claims.scales import transform
from hwcore.claims.words import counted, late

if TYPE_CHECKING:
    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.prediction_interval import Options


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
    if np.isnan(p):
        raise CannotJudgeError("All replicates give the same number, so their spread is unknown")
    estimate = student.mean(sample)
    half = float(special.stdtrit(n - 1, 1 - LEVEL / 2) * estimate.error * np.sqrt(n + 1))
    low, high = (float(scale.back(estimate.value + side * half)) for side in (-1, 1))
    value, reported = float(scale.back(estimate.value)), data.unit.stated(claim.reported_number()[0])
    if np.ptp(sample) == 0:
        reason = f"All {counted(n, 'replicate')} give {data.unit.number(value)}, which is the reported {reported}"
        reason += "." if value == claim.reported_number()[0] else " up to its rounding."
        reason = " ".join(filter(None, [reason, lost]))
        return Judgement("consistent", reason, value, value, value, n, p=p, expected=(least, most), unit=data.unit)
    # how far the reported run is from the mean, in standard deviations of a further run
    effect = float((np.mean(ends) - estimate.value) / (estimate.error * np.sqrt(n + 1)))
    interval = (
        f"the 95 % prediction interval of a single run, {data.unit.span(low, high)}, from {counted(n, 'replicate')}"
    )
    if p > LEVEL:
        verdict = "consistent"
        exact = low <= claim.reported_number()[0] <= high
        reason = f"The reported {reported} lies {'' if exact else 'up to its rounding '}in {interval}."
    else:
        verdict = "inconsistent"
        reason = f"The reported {reported} lies {'below' if most < low else 'above'} {interval}."
    sentences = (reason, scale.note, lost)
    reason = " ".join(filter(None, sentences))
    return Judgement(verdict, reason, value, low, high, n, effect, p, expected=(least, most), unit=data.unit)


def _judge_ranks(claim: "Claim", data: Times, least: float, most: float) -> Judgement:
    """The rank of the reported time; a further run has each rank among n + 1 with the same probability."""
    values = data.values.dropna()
    n, earlier, later = len(values), int((values < least).sum()), int((values > most).sum())
    never = int(np.isinf(values).sum())
    if claim.reported_number()[0] > data.last:
        raise CannotJudgeError(f"The reported {data.count} is later than the last one that was trained here")
    p = min(1.0, 2 * (min(n - later, n - earlier) + 1) / (n + 1))
    got = late(never, n, data.count, data.last)
    reported = data.unit.stated(claim.reported_number()[0])
    if p <= LEVEL:
        side = "earlier" if later > earlier else "later"
        return Judgement(
            "inconsistent", f"{got}, and the reported {reported} is {side} than any of the others.", n=n, p=p
        )
    if later < n and earlier < n:
        reason = f"{got}, others earlier than the reported {reported}, which is within what the replicates do."
        return Judgement("consistent", reason, n=n, p=p)
    raise CannotJudgeError(
        f"{got}, which says too little of whether a further run could get there at {data.count} {reported}"
    )
