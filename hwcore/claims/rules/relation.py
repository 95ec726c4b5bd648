"""Kendall's rank correlation τ of two numbers of each network beside a bound (Kendall 1938, Biometrika 30).

The effect is τ.  Networks count as independent, so the claim is about those that were trained; that a relation is
within one learning rate or batch size too is not shown by it (Andriushchenko et al. 2023, arXiv:2302.07011).
"""

from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims.concordance import kendall
from hwcore.claims.judgement import DIVERGED, CannotJudgeError, Judgement, decide, few
from hwcore.claims.rule import FEWEST_NETWORKS
from hwcore.claims.samples import Networks
from hwcore.claims.student import nearest
from hwcore.claims.words import PLAIN, counted, outlook, sentence

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.claims.scales import Array
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.relation import Options


def p_values(x: "Array", y: "Array", low: float, high: float) -> tuple[float, float]:
    """Two-sided p-values that show that τ lies between the bounds, and that it does not; shape (networks,)."""
    return kendall(x, y).p_values(low, high)


def judge(claim: "Claim", expect: "Options", data: Networks) -> Judgement:
    return judge_networks(claim, expect, data.rows, "Over {networks}, the rank correlation")


def judge_networks(claim: "Claim", expect: "Options", rows: "pd.DataFrame", opening: str) -> Judgement:
    """The verdict, with the ``opening`` of its reason up to the name of the correlation."""
    finite = rows[np.isfinite(rows[["x", "y"]]).all(axis=1)]
    lost = len(rows) - len(finite)
    if lost > DIVERGED * len(rows):
        raise few(lost, len(rows), "network", "the rest alone")
    if min(finite["x"].nunique(), finite["y"].nunique()) < 2:
        raise CannotJudgeError(
            "All networks give the same number, so there is nothing to correlate", "all networks equal"
        )
    x, y = finite["x"].to_numpy(), finite["y"].to_numpy()
    found, (low, high) = kendall(x, y), expect.region
    verdict, p = decide(*p_values(x, y, low, high))
    least, most = found.interval
    n = int(finite.groupby("model").size().min())
    reason = opening.format(networks=counted(len(finite), "network"), models=finite["model"].nunique())
    position = PLAIN.position(least, most, (low, high), verdict)
    reason += f" τ is {PLAIN.number(found.value, (least, most))}, and its 95 % interval, {PLAIN.span(least, most)}, "
    needed = None
    if verdict != "undecided" and len(x) < FEWEST_NETWORKS:
        verdict, p = "undecided", float("nan")
        reason += f"{position}, but with fewer than five networks no order shows a correlation at 5 %."
    else:
        reason += f"{position}."
        if verdict == "undecided":
            bound = nearest(found.value, low, high)
            needed = found.replicates_needed(bound, n)
            reason += f" {outlook(n, 'replicate', 'τ', PLAIN.beyond('a τ', *found.shown(bound), (-1, 1)), needed)}"
    if lost:
        are = "is" if lost == 1 else "are"
        reason += f" {sentence(f'{lost} of {len(rows)} networks diverged and {are} left out')}"
    of = "" if claim.measure is None else f"Kendall's τ of {claim.measure.describe()}"
    return Judgement(verdict, reason, found.value, least, most, len(x), found.value, p, needed, (low, high), of)
