"""An exact number beside the stated one: right or wrong, without any chance."""

from typing import TYPE_CHECKING

from hwcore.claims.judgement import CannotJudgeError, Judgement, left
from hwcore.claims.samples import Count, Sample
from hwcore.claims.words import PLAIN, stated

if TYPE_CHECKING:
    from hwcore.claims.spec import Claim
    from hwcore.claims.specs.count import Options


def judge(claim: "Claim", expect: "Options", data: Count | Sample) -> Judgement:
    values, lost = left(data) if isinstance(data, Sample) else (data.values, "")
    if values.nunique() > 1:
        raise CannotJudgeError("The number differs between replicates, so it is no count", "differs between replicates")
    value = float(values.iloc[0])
    if expect.equal is not None:
        right = value == expect.equal
        low = high = expect.equal
        reason = (
            f"It is {stated(value)}, as stated." if right else f"It is {stated(value)}, not {stated(expect.equal)}."
        )
    elif expect.within is None:
        low, high = expect.region
        right = low < value < high
        reason = f"{stated(value)} is {'' if right else 'not '}{PLAIN.region(low, high)}."
    else:
        low, high = expect.within
        right = low <= value <= high
        reason = f"{stated(value)} is {'' if right else 'not '}in the stated range of {stated(low)} to {stated(high)}."
    reason = " ".join(filter(None, (reason, lost)))
    return Judgement("right" if right else "wrong", reason, value, value, value, 1, expected=(low, high))
