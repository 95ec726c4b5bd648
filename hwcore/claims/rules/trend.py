"""A trend over independent models: the test of Jonckheere (1954, Biometrika 41) and Terpstra (1952).

The models are ordered by a number that all replicates of a model share, such as their parameters.  The effect is
Kendall's τ over all pairs of networks of different models: all combinations of replicates count, and none is paired
by its number.  A bound other than 0 asks for a trend of that strength.
"""

from typing import TYPE_CHECKING

from hwcore.claims.judgement import CannotJudgeError, Judgement
from hwcore.claims.rules.relation import judge_networks
from hwcore.claims.samples import Networks

if TYPE_CHECKING:
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.trend import Options


def judge(claim: "Claim", expect: "Options", data: Networks) -> Judgement:
    if data.rows["model"].nunique() < 3:
        raise CannotJudgeError("Two models make no trend; the rule comparison fits them", "two models only")
    if (data.rows.groupby("model")["x"].nunique() > 1).any():
        raise CannotJudgeError(
            "The replicates of a model differ in the first column; the rule relation fits these", "no order of models"
        )
    return judge_networks(
        claim, expect, data.rows, "Over all pairs of different models ({networks} of {models} models), Kendall's"
    )
