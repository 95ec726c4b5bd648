"""Which of several is best: the intersection-union test, with the share of all combinations of replicates.

To be best is to be better than each of the others, so it holds if each of these tests succeeds, at its own level
(Berger 1982, Technometrics 24); it fails if one of the others is better, where Bonferroni's correction allows for their
number.  Hsu's multiple comparisons with the best (1984, Annals of Statistics 12) and Dunnett's test ask the same with
one spread for all; networks of different size or batch size differ in theirs, so the tests are Welch's, or, where all
are numbers of the same replicates, Student's and Hall's of their differences.  If several are said to be best, one of
them must be, again with Bonferroni's correction.  The effect is the share of all nᵏ combinations, one run of each, in
which it is so, ties counted half: replicate 3 of one model has nothing to do with replicate 3 of another.
"""

from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims.contests import contest, larger, share_of_combinations
from hwcore.claims.judgement import Judgement, decide
from hwcore.claims.samples import Groups
from hwcore.claims.words import capital, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.best import Options


def p_values(best: "Sequence[Array]", others: "Sequence[Array]", *, paired: bool) -> tuple["Array", "Array"]:
    """Two-sided p-values that show that one of ``best`` has the largest mean, and that one of ``others`` has.

    All samples have shape (…, replicates), results have shape (…).
    """

    def one_beats_all(some: "Sequence[Array]", rivals: "Sequence[Array]") -> "Array":
        worst = [np.max([larger(one, rival, paired=paired) for rival in rivals], axis=0) for one in some]
        return np.asarray(np.minimum(1, 2 * len(some) * np.min(worst, axis=0)))

    return one_beats_all(best, others), one_beats_all(others, best)


def judge(claim: "Claim", expect: "Options", data: Groups) -> Judgement:
    field = contest(data, expect.scale)
    best = {name: field.samples[name] for name in data.best}
    others = {name: sample for name, sample in field.samples.items() if name not in best}
    verdict, p = decide(*(float(tail) for tail in p_values([*best.values()], [*others.values()], paired=field.paired)))
    ahead = max([*best, *others], key=lambda name: float(field.samples[name].mean()))
    camp, rivals = (best, others) if ahead in best else (others, best)

    def doubt(one: str, other: str) -> float:
        return float(larger(camp[one], rivals[other], paired=field.paired))

    # the lead that is shown over the closest of the others, or that of the best mean over whom it is least shown
    if verdict == "undecided":
        winner, closest = ahead, max(rivals, key=lambda other: doubt(ahead, other))
    else:
        winner = min(camp, key=lambda one: max(doubt(one, other) for other in rivals))
        closest = max(rivals, key=lambda other: float(rivals[other].mean()))
    pair = (winner, closest) if camp is best else (closest, winner)
    if field.paired:
        one, other = (np.max([*each.values()], axis=0) for each in (best, others))
        share = float(np.mean((one > other) + (one == other) / 2))
    else:
        share = share_of_combinations([*best.values()], [*others.values()])
    extreme = "highest" if data.largest else "lowest"
    many = f"each of the {len(rivals)} {'others' if camp is best else 'that are said to be best'}"
    whom = listed([*rivals]) if len(rivals) < 3 else many
    has = f"has the {extreme} {field.scale.mean}, {'but no' if verdict == 'undecided' else 'with a'}"
    reason = (
        f"{winner} {has if winner == ahead else 'has a'} clear lead over {whom}; {field.margin(*pair)}. "
        f"{capital(listed(data.best, 'or'))} comes out {extreme} {field.combinations(share)}."
    )
    correction = f"the {len(camp)} {'that are said to be best' if camp is best else 'others'}"
    return field.judgement(claim, verdict, capital(reason), pair, share, p, correction)
