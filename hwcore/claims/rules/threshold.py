"""Student's t interval of the mean over replicates beside a bound (Student 1908).

The mean is taken on the scale on which the noise of the quantity is closest to symmetric, which makes it the
geometric mean of a loss and the mean log odds of an accuracy: on a plain scale three or five replicates of a skewed
quantity give false verdicts in more than one case of twenty.  To lie between two bounds is to lie above one and below
the other, each shown on its own (intersection-union test: Berger 1982, Technometrics 24).
"""

from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims import student
from hwcore.claims.judgement import NAN, Judgement, decide, usable, varies
from hwcore.claims.samples import Sample
from hwcore.claims.scales import transform
from hwcore.claims.words import counted, outlook, within

if TYPE_CHECKING:
    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.threshold import Options


def p_values(values: "Array", low: float, high: float) -> tuple["Array", "Array"]:
    """Two-sided p-values that show that the mean lies between the bounds, and that it does not.

    ``values`` has shape (…, replicates), on the scale of the bounds; results have shape (…).
    """
    return student.tails(student.mean(values), low, high)


def judge(claim: "Claim", expect: "Options", data: Sample) -> Judgement:
    values, lost = usable(data)
    varies(values)
    scale = transform(data.scale if expect.scale == "auto" else expect.scale, values)
    low, high = (float(scale.to(np.clip(bound, *scale.domain))) for bound in expect.region)
    sample = scale.to(values)
    estimate = student.mean(sample)
    verdict, p = decide(*(float(tail) for tail in p_values(sample, low, high)))
    mean, (least, most) = float(scale.back(estimate.value)), scale.ends(estimate.interval(), data.range)
    n, spread = len(sample), float(sample.std(ddof=1))
    bound = student.nearest(float(estimate.value), low, high)
    distance = float(estimate.value) - bound
    reason = (
        f"The {scale.mean} of {counted(n, 'replicate')} is {data.unit.number(mean, (least, most))}, and its 95 % "
        f"interval, {data.unit.span(least, most)}, {data.unit.position(least, most, expect.region, verdict)}."
    )
    needed = None
    if verdict == "undecided" and within(least, most, expect.region):
        needed = student.replicates_needed(distance, spread, n)
        shown = student.shown(n, spread)
        ends = (float(scale.back(bound - shown)), float(scale.back(bound + shown)))
        # a mean of at most zero events is shown by no number of replicates
        reach = (np.nextafter(0, 1), np.inf) if scale.scale == "count" else data.range
        reason += f" {outlook(n, 'replicate', 'mean', data.unit.beyond('a mean', *ends, reach), needed)}"
    sentences = (reason, scale.note, lost)
    # there is no distance from a bound at the end of the domain, such as that of a loss from 0
    effect = distance / spread if np.isfinite(distance) else NAN
    reason = " ".join(filter(None, sentences))
    return Judgement(verdict, reason, mean, least, most, n, effect, p, needed, expect.region, unit=data.unit)
