"""What a rule gives: a verdict with its reason and statistics."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Pair, Sample
from hwcore.claims.student import constant
from hwcore.claims.words import PLAIN, Unit, counted, sentence

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
    written.
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


class CannotJudgeError(Exception):
    """The numbers do not allow a verdict, e.g. because there is one replicate; the message is the reason."""


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


def usable(sample: Sample) -> tuple["pd.Series[float]", str]:
    """The numbers of the replicates that did not diverge, and a sentence about those that did.

    Raises CannotJudgeError where the rest cannot be judged: more than a tenth diverged, or one number is left.
    """
    values, total = sample.finite, len(sample.values)
    lost = total - len(values)
    if lost > DIVERGED * total:
        raise CannotJudgeError(
            f"{lost} of {counted(total, 'replicate')} diverged or gave no number, too many to judge the others alone"
        )
    if len(values) < 2:
        raise CannotJudgeError("A single replicate says nothing about the spread between replicates")
    note = f"{lost} of {total} replicates diverged or gave no number and {'is' if lost == 1 else 'are'} left out"
    return values, sentence(note) if lost else ""


def varies(*samples: "pd.Series[float]") -> None:
    """Raises CannotJudgeError if all replicates of all samples are equal within their sample."""
    if all(constant(sample) for sample in samples):
        raise CannotJudgeError(SAME)


def usable_pair(data: Pair) -> tuple["pd.Series[float]", "pd.Series[float]", str, str]:
    """Two samples as ``usable`` gives them, and its sentences; of paired ones, what both have of a replicate.

    Raises CannotJudgeError where they cannot be judged: by ``usable``, or their spread is unknown.
    """
    (a, lost_a), (b, lost_b) = usable(data.first), usable(data.second)
    if not data.paired:
        varies(a, b)
        return a, b, lost_a, lost_b
    both = a.index.intersection(b.index)
    if len(both) < 2:
        raise CannotJudgeError("A single pair of replicates says nothing about the spread between replicates")
    a, b = a[both], b[both]
    if constant((a - b), a, b):
        raise CannotJudgeError("All pairs of replicates differ by the same amount, so the spread is unknown")
    return a, b, lost_a, lost_b
