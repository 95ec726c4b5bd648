"""Two one-sided tests of equivalence (Schuirmann 1987): equal up to a margin that the study states.

It holds where the 90 % interval of the difference lies within the margin, which is two tests at 5 %, and fails where
the 95 % interval lies outside: a difference that is merely not significant shows nothing.  The interval is Welch's, or
Student's of the paired differences, of which Hall's test must agree.
"""

from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims import student
from hwcore.claims.judgement import Judgement, decide, usable_pair
from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Pair
from hwcore.claims.scales import transform
from hwcore.claims.words import SKEWED, of_differences, outlook

if TYPE_CHECKING:
    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.no_difference import Options


def p_values(first: "Array", second: "Array", margin: float, *, paired: bool) -> tuple["Array", "Array"]:
    """p-values that show that the difference lies within the margin (one-sided), and that it does not (two-sided).

    Both samples have shape (…, replicates), results have shape (…).
    """
    holds, fails = student.tails(student.contrast(first, second, paired=paired), -margin, margin)
    return holds / 2, fails


def judge(claim: "Claim", expect: "Options", data: Pair) -> Judgement:
    a, b, lost_a, lost_b = usable_pair(data)
    x, y, margin = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), expect.margin
    estimate = student.contrast(x, y, paired=data.paired)
    holds, fails = p_values(x, y, margin, paired=data.paired)
    verdict, p = decide(float(holds), float(fails))
    value, n = float(estimate.value), min(len(x), len(y))
    (least, most), (inner, outer) = estimate.interval(), estimate.interval(1 - 2 * LEVEL)
    plain = transform("linear", x, y)
    ends = plain.ends((least, most), data.range)
    unit = of_differences(data.first.unit)
    narrow, wide = unit.span(*plain.ends((inner, outer), data.range)), unit.span(*ends)
    bounds = f"{unit.stated(margin)} either way"
    inside = -margin < inner and outer < margin
    outside = least >= margin or most <= -margin
    needed = None
    if verdict == "fails" or outside or inner >= margin or outer <= -margin:
        reason = f"The difference of the means is {unit.number(value, ends)}, and its 95 % interval, {wide}, lies "
        reason += f"outside {bounds}" if outside else f"partly within {bounds} and partly outside"
    else:
        reason = f"The difference of the means is {unit.number(value, ends)}, and its 90 % interval, {narrow}, lies "
        reason += f"within {bounds}" if inside else f"partly within {bounds} and partly outside"
    if verdict == "undecided" and (inside or outside):
        reason += f", but {SKEWED}"
    reason += "."
    if verdict == "undecided" and not (inside or outside):
        samples = 1 if data.paired else 2
        spread = float(np.std(x - y, ddof=1)) if data.paired else float(np.hypot(x.std(ddof=1), y.std(ddof=1)))
        if abs(value) < margin:
            needed = student.equality_needed(margin, value, spread, n, samples)
        else:
            needed = student.replicates_needed(abs(value) - margin, spread, n, samples)
        shown = f"equality up to {unit.number(student.equality_shown(n, spread, samples), (0, 2 * margin))}"
        reason += f" {outlook(n, 'replicate', 'difference', shown, needed)}"
    notes = dict.fromkeys(filter(None, [lost_a, lost_b]))
    reason = " ".join([reason, *notes])
    effect, expected = value / margin, (-margin, margin)
    return Judgement(verdict, reason, value, *ends, n, effect, p, needed, expected, unit=unit)
