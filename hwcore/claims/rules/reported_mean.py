"""A reported mean of k runs beside the prediction interval of such a mean, m ± t s √(1/k + 1/n).

After Spence & Stanley (2016, PLoS ONE 11, e0162874).  With the reported standard deviation, the spread is that of both
samples pooled, which is Student's two-sample t from summary statistics.  On the log scale the mean of k runs lies above
their geometric mean: by half the variance of the logs where these are normal (Higgins, White & Anzures-Cabrera 2008,
Statistics in Medicine 27, method 1), times 1 - 1/k, because of one run both are the same.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from hwcore.claims import student
from hwcore.claims.judgement import Judgement, usable
from hwcore.claims.rule import LEVEL
from hwcore.claims.rules.prediction_interval import all_equal, rounded, told, wide
from hwcore.claims.samples import Sample
from hwcore.claims.scales import transform
from hwcore.claims.words import counted

if TYPE_CHECKING:
    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.reported_mean import Options


def p_values(
    values: "Array", least: "Array | float", most: "Array | float", runs: int, sd: "Array | float | None" = None
) -> "Array":
    """The two-sided p-value of a mean of ``runs`` runs that lies between ``least`` and ``most``.

    ``values`` has shape (…, replicates); the ends, the standard deviation ``sd`` of the runs and the result (…).
    """
    error, freedom = _error(values, runs, sd)
    mean = values.mean(axis=-1)
    outside = np.maximum(0, np.maximum(least - mean, mean - most))
    # where all replicates are equal the spread is unknown, unless the report gives one
    p = 2 * special.stdtr(freedom, -outside / np.where(error > 0, error, np.nan))
    return np.where(outside == 0, 1.0, p)


def _error(values: "Array", runs: int, sd: "Array | float | None") -> tuple["Array", int]:
    """The standard error of the difference of the two means, and its degrees of freedom."""
    n = values.shape[-1]
    variance, freedom = values.var(axis=-1, ddof=1), n - 1
    if sd is not None:
        variance = ((n - 1) * variance + (runs - 1) * np.square(sd)) / (n + runs - 2)
        freedom = n + runs - 2
    return np.sqrt(variance * (1 / runs + 1 / n)), freedom


def judge(claim: "Claim", expect: "Options", data: Sample) -> Judgement:
    values, lost = usable(data)
    least, most = rounded(claim, expect.rounding)
    if expect.sd is None and student.constant(values):
        return all_equal(claim, data, values, lost, (least, most))
    linear = data.scale != "log" if expect.scale == "auto" else expect.scale == "linear"
    scale = transform("linear" if linear or least <= 0 else "log", values)
    sample, n, runs, sd = scale.to(values), len(values), expect.runs, expect.sd
    ends, shift = np.asarray([least, most]), 0.0
    if scale.scale == "log":
        if sd is not None:
            sd = float(np.sqrt(np.log1p((sd / claim.reported_number()[0]) ** 2)))
        spread = float(sample.var(ddof=1)) if sd is None else sd**2
        ends, shift = np.log(ends), spread / 2 * (1 - 1 / runs)
    p = float(p_values(sample, float(ends[0] - shift), float(ends[1] - shift), runs, sd))
    error, freedom = _error(sample, runs, sd)
    half = float(special.stdtrit(freedom, 1 - LEVEL / 2) * error)
    middle = float(sample.mean()) + shift
    low, high = scale.ends((middle - half, middle + half), data.range)
    value, reported = float(scale.back(sample.mean() + shift)), told(claim, data)
    effect = float((np.mean(ends) - shift - sample.mean()) / error)
    interval = (
        f"the 95 % prediction interval of a mean of {counted(runs, 'run')}, {data.unit.span(low, high)}, "
        f"from {counted(n, 'replicate')}"
    )
    verdict = "consistent" if p > LEVEL else "inconsistent"
    exact = low <= claim.reported_number()[0] <= high
    where = ("in" if exact else "up to its rounding in") if p > LEVEL else "below" if effect < 0 else "above"
    sentence = f"The reported mean, {reported}, lies {where} {interval}."
    if p > LEVEL and wide(low, high, data):
        verdict, sentence = "undecided", f"Almost any number lies in {interval}, which is too wide to compare with."
    sentences = (sentence, scale.note, lost)
    reason = " ".join(filter(None, sentences))
    return Judgement(verdict, reason, value, low, high, n, effect, p, expected=(least, most), unit=data.unit)
