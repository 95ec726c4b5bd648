"""Whether several means are in the stated order: every neighbour larger than the next.

The order holds if each of these tests succeeds, at its own level (intersection-union: Berger 1982, Technometrics 24),
and fails if two neighbours are shown to be the other way round, with Holm's correction (1979, Scandinavian Journal of
Statistics 6) for their number.  The tests are Welch's, or, where all are numbers of the same replicates, Student's and
Hall's of their differences.  The effect is the share of all nᵏ combinations, one run of each, that are in this order.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims.contests import contest, larger, share_in_order
from hwcore.claims.judgement import Judgement, decide
from hwcore.claims.samples import Groups
from hwcore.claims.words import capital, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.order import Options


def p_values(samples: "Sequence[Array]", *, paired: bool) -> tuple["Array", "Array"]:
    """Two-sided p-values that show that the means fall from sample to sample, and that two neighbours do not.

    All samples have shape (…, replicates), results have shape (…).
    """
    neighbours = list(pairwise(samples))
    falls = np.max([larger(one, two, paired=paired) for one, two in neighbours], axis=0)
    # the smallest of Holm's adjusted p-values is Bonferroni's
    rises = len(neighbours) * np.min([larger(two, one, paired=paired) for one, two in neighbours], axis=0)
    return np.asarray(np.minimum(1, 2 * falls)), np.asarray(np.minimum(1, 2 * rises))


def judge(claim: "Claim", expect: "Options", data: Groups) -> Judgement:
    field = contest(data, expect.scale)
    samples = [field.samples[name] for name in data.best]
    verdict, p = decide(*(float(tail) for tail in p_values(samples, paired=field.paired)))
    neighbours = list(pairwise(data.best))

    def doubt(pair: tuple[str, str]) -> float:
        first, second = (field.samples[name] for name in pair)
        if verdict == "fails":
            return -float(larger(second, first, paired=field.paired))
        return float(larger(first, second, paired=field.paired))

    # the pair on which the verdict rests: the one that is most clearly, or least clearly not, the other way round
    weakest = max(neighbours, key=doubt)
    margin = field.margin(*weakest)
    falling = np.all(np.diff(samples, axis=0) < 0, axis=0) if field.paired else None
    share = share_in_order(samples) if falling is None else float(falling.mean())
    reason = {
        "holds": f"Each is above the next, and the closest two are apart: {margin}.",
        "fails": f"{weakest[0]} is below {weakest[1]}: {margin}.",
        "undecided": f"Not all are shown to be apart: {margin}.",
    }[verdict]
    reason += f" The order is as stated {field.combinations(share)}."
    correction = f"{counted(len(neighbours), 'pair')} of neighbours"
    return field.judgement(claim, verdict, capital(reason), weakest, share, p, correction)
