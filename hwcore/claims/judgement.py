"""What a rule gives: a verdict with its reason and statistics."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Data, Pair, Sample, Times, median
from hwcore.claims.student import constant
from hwcore.claims.words import PLAIN, Unit, counted, of_differences, sentence, unreached

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
SAME = "All replicates give the same number, so their spread is unknown"
# With more diverged replicates than this share, the others say nothing of a run in general.
DIVERGED = 0.1


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the sentences that say why.

    ``value`` with its 95 % interval ``low`` to ``high`` over ``n`` replicates is what was measured, and ``expected``
    where the claim says that it lies; ``number`` says what it is, the measure itself if empty, and ``unit`` how it is
    written.  Where there is no number, ``absent`` says why in a few words.
    ``effect`` is its size in the rule's own unit; ``p`` the chance of such numbers if the verdict were false, where
    chance plays a part; ``needed`` the replicates that would decide an undecided claim.
    """

    verdict: str
    reason: str
    value: float = NAN
    low: float = NAN
    high: float = NAN
    n: int = 0
    effect: float = NAN
    p: float = NAN
    needed: int | None = None
    expected: tuple[float, float] | None = None
    number: str = ""
    unit: Unit = PLAIN
    absent: str = ""


class CannotJudgeError(Exception):
    """The numbers do not allow a verdict, e.g. because there is one replicate.

    The message is the reason, and ``short`` what stands instead of a number.
    """

    def __init__(self, reason: str, short: str) -> None:
        super().__init__(reason)
        self.short = short


def single(what: str = "replicate") -> CannotJudgeError:
    """There is one replicate, or one pair of them."""
    return CannotJudgeError(f"A single {what} says nothing about the spread between replicates", "one replicate")


def few(lost: int, n: int, noun: str, rest: str) -> CannotJudgeError:
    """So many of them diverged that ``rest`` says nothing of all."""
    short = "all diverged" if lost == n else f"{lost:,} of {n:,} diverged"
    return CannotJudgeError(f"{lost} of {counted(n, noun)} diverged, too many to judge {rest}", short)


def decide(holds: float, fails: float) -> tuple[str, float]:
    """The verdict on a statement and its p-value.

    ``holds`` is the two-sided p-value of the test of which success shows the statement, ``fails`` that of the test
    which refutes it: a true statement is refuted, and a false one shown, with a probability of at most half of
    LEVEL if the assumptions of the test are met exactly, which leaves the other half to data that meet them roughly.
    """
    holds, fails = min(1.0, holds), min(1.0, fails)
    if min(holds, fails) > LEVEL:
        return "undecided", min(holds, fails)
    return ("holds", holds) if holds <= fails else ("fails", fails)


def left(sample: Sample) -> tuple["pd.Series[float]", str]:
    """The numbers of the replicates that did not diverge, and a sentence about those that did.

    Raises CannotJudgeError where more than a tenth diverged, so that the rest cannot be judged.
    """
    values, total = sample.finite, len(sample.values)
    lost = total - len(values)
    if not len(values) or lost > DIVERGED * total:
        raise CannotJudgeError(
            f"{lost} of {counted(total, 'replicate')} diverged or gave no number, too many to judge the others alone",
            f"no number in {'any replicate' if lost == total else f'{lost:,} of {total:,} replicates'}",
        )
    note = f"{lost} of {total} replicates diverged or gave no number and {'is' if lost == 1 else 'are'} left out"
    return values, sentence(note) if lost else ""


def usable(sample: Sample) -> tuple["pd.Series[float]", str]:
    """What is ``left`` of a sample.  Raises CannotJudgeError also where that is a single number."""
    values, note = left(sample)
    if len(values) < 2:
        raise single()
    return values, note


def varies(*samples: "pd.Series[float]") -> None:
    """Raises CannotJudgeError if all replicates of all samples are equal within their sample."""
    if not all(constant(sample) for sample in samples):
        return
    same = SAME
    if not constant(np.concatenate(samples)):
        count = "two" if len(samples) == 2 else len(samples)
        same = f"Each of the {count} gives one and the same number in all of its replicates, so their spread is unknown"
    raise CannotJudgeError(same, "all replicates equal")


def usable_pair(data: Pair) -> tuple["pd.Series[float]", "pd.Series[float]", str, str]:
    """Two samples as ``usable`` gives them, and its sentences; of paired ones, what both have of a replicate.

    Raises CannotJudgeError where they cannot be judged: by ``usable``, or their spread is unknown.
    """
    (a, lost_a), (b, lost_b) = usable(data.first), usable(data.second)
    if not data.paired:
        if constant(np.concatenate([a, b])):
            raise _equal(data.first.unit.number(float(a.iloc[0])))
        varies(a, b)
        return a, b, lost_a, lost_b
    both = a.index.intersection(b.index)
    if len(both) < 2:
        raise single("pair of replicates")
    a, b = a[both], b[both]
    if (a == b).all():
        raise _equal(data.first.unit.number(float(a.iloc[0])) if constant(a) else "")
    if constant((a - b), a, b):
        raise CannotJudgeError(
            "All pairs of replicates differ by the same amount, so the spread is unknown", "all pairs equal"
        )
    return a, b, lost_a, lost_b


def _equal(always: str) -> CannotJudgeError:
    """The two are equal in every replicate, and ``always`` the same number, if there is one."""
    if always:
        are = f"Both are {always} in every replicate, so nothing is known of how they vary"
    else:
        are = "The two are equal in every replicate, so nothing is known of how their difference varies"
    return CannotJudgeError(are, "always equal")


def unjudged(data: Data, error: CannotJudgeError) -> Judgement:
    """What was measured all the same: the number of a single replicate, or the one that all give."""
    why = sentence(str(error))
    if isinstance(data, Sample):
        values, n, unit = data.values, len(data.values), data.unit
        same = n > 0 and len(data.finite) == n and bool(constant(values))
    elif isinstance(data, Pair):
        values, unit = _differences(data), of_differences(data.first.unit)
        n = len(values)
        same = n > 0 and bool(constant(values, data.first.finite, data.second.finite))
    else:
        return Judgement("undecided", why, absent=error.short)
    if same:
        value = float(values.iloc[0])
        low = high = value if n > 1 else NAN
        return Judgement("undecided", why, value, low, high, n, unit=unit)
    if isinstance(data, Times) and (times := data.values.dropna()).size:
        value, _ = median(np.asarray(times), np.asarray(data.last[times.index]), data.count)
        absent = unreached(int((times == float("inf")).sum()), len(times))
        return Judgement("undecided", why, value, n=n, unit=unit, absent=absent)
    return Judgement("undecided", why, n=n, unit=unit, absent=error.short)


def _differences(data: Pair) -> "pd.Series[float]":
    """The differences of the pairs, or of two samples that do not vary; none where a replicate has no number."""
    a, b = data.first.finite, data.second.finite
    if len(a) < len(data.first.values) or len(b) < len(data.second.values):
        return a[:0]
    if data.paired:
        return (a - b).dropna()
    n = min(len(a), len(b))
    alike = n > 0 and constant(a) and constant(b)
    return a[:n] - float(b.iloc[0]) if alike else a[:0]
