"""What a scale that caps trainings lets a claim show."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from hwcore.claims.judgement import Judgement
from hwcore.claims.measure import Measure
from hwcore.claims.measures import difference, share, value
from hwcore.claims.spec import Claim
from hwcore.claims.words import of_cut

# The part of a training of which a number may agree with the one that is reported of the whole.
_ENOUGH = 0.5
# Which way longer training takes a number: it fits its own data better, and other data worse than these.
_TREND = {
    "train_accuracy": 1,
    "last_batch_accuracy": 1,
    "accuracy_gap": 1,
    "train_loss": -1,
    "last_batch_loss": -1,
    "loss_gap": 1,
}
# The loss on other data ends above what it was before, once a network fits its own too well.
_TREND_LATER = {"test_loss": 1}
# How large a network is does not depend on how long it is trained.
_SIZES = ("dimension", "parameters")
# Longer training has more of these.
_COUNTED = ("epoch", "step")
# Which rows of a training count, or how they are joined, where longer training has no known effect.
_NOT_AFTER = ("first", "sum", "excess_variation")


@dataclass(frozen=True)
class Cut:
    """How a scale cuts the trainings that are measured.

    ``words`` say by how much, ``share`` which part of the training is left of the one that is cut most,
    ``fewer_images`` whether images are taken from some, and ``uneven`` whether some are cut much more than others.
    ``lengths`` are the epochs that are left of trainings which may end before by a rule of their own, by
    "experiment/model", where all that are cut are such.
    """

    words: str = ""
    share: float = 1.0
    fewer_images: bool = False
    uneven: bool = False
    lengths: Mapping[str, int] = field(default_factory=dict)

    def applied(self, metrics: Callable[[str], pd.DataFrame | None]) -> "Cut":
        """The same, or none where all trainings ended before the cap; ``metrics`` has the epochs of an experiment."""
        return WHOLE if self.lengths and all(_ended(metrics, *each) for each in self.lengths.items()) else self


WHOLE = Cut()


def _ended(metrics: Callable[[str], pd.DataFrame | None], training: str, length: int) -> bool:
    """Whether all replicates of a training ended before so many epochs."""
    experiment, _, model = training.rpartition("/")
    epochs = metrics(experiment)
    if epochs is None or not {"epoch", "model", "replicate"} <= {*epochs.columns}:
        return False
    last = epochs[epochs["model"] == model].groupby("replicate")["epoch"].max()
    return bool(len(last) and (last < length).all())


def within(cut: Cut, claim: Claim, measure: Measure, judgement: Judgement) -> Judgement:
    """What trainings show that a scale cuts: of a number that is reported of longer ones, not that it is wrong.

    When something is reached does not depend on how long a training goes on after that.  That a training accuracy stays
    below a bound, or a training loss above one, does.  On fewer images all is different: nothing is tested then.
    """
    if not cut.words or is_untrained(measure):
        return judgement
    at_any_length = _at_any_length(measure)
    if cut.fewer_images or (cut.uneven and measure.shape != "times"):
        judgement = replace(judgement, p=math.nan, needed=None)
        left_out = "images are left out"
        uneven = "the training of some networks is cut much more than that of others"
        why = f"decides nothing, because {left_out if cut.fewer_images else uneven}"
    elif judgement.verdict in ("inconsistent", "wrong") and not at_any_length:
        why = "says nothing against it"
    elif judgement.verdict in ("consistent", "right") and not at_any_length and cut.share < _ENOUGH:
        judgement = replace(judgement, p=math.nan)
        why = "says nothing for it, because less than half of the training was run"
    elif _may_cross(measure, judgement):
        why = "decides nothing, because longer training could change it"
    else:
        return judgement
    return replace(judgement, verdict="undecided", reason=f"{judgement.reason} {of_cut(cut.words, why)}")


def is_untrained(measure: Measure) -> bool:
    """Whether a number is that of the network whatever its training, such as how many parameters it has."""
    if isinstance(measure, difference.Kind):
        return all(map(is_untrained, measure.difference))
    return measure.shape == "a count" or (isinstance(measure, value.Kind) and measure.value in _SIZES)


def _at_any_length(measure: Measure) -> bool:
    """Whether a number is the same however long a training goes on: when something is reached, what is at an epoch."""
    if isinstance(measure, value.Kind):
        return measure.at == "first" or bool({"epoch", "step"} & {*measure.where})
    return measure.shape == "times"


def _trend(measure: Measure) -> int:
    """Which way longer training takes a number: up (1), down (-1), or neither for certain (0)."""
    if isinstance(measure, value.Kind):
        if measure.value in _COUNTED:
            return int(measure.at in ("last", "max"))
        return 0 if measure.where or measure.at in _NOT_AFTER else _TREND.get(measure.value, 0)
    if isinstance(measure, share.Kind):
        # of numbers that grow, more are above a bound and fewer below one
        return (-1 if measure.above is None else 1) * _trend_of_share(measure)
    if not isinstance(measure, difference.Kind):
        return 0
    first, second = measure.difference
    if not isinstance(first, value.Kind) or not isinstance(second, value.Kind):
        return 0
    if [*first.networks()] != [*second.networks()] or first.where or second.where or first.at != "last":
        return 0
    if second.at == "last":
        return _trend_of_gap(first.value, second.value) - _trend_of_gap(second.value, first.value)
    same = first.value == second.value and second.at in ("first", "min", "max")
    return (_TREND | _TREND_LATER).get(first.value, 0) if same else 0


def _trend_of_gap(own: str, other: str) -> int:
    """Which way longer training takes a column of the training data minus the same of the test data."""
    pairs = {f"{data}_{what}": f"test_{what}" for data in ("train", "last_batch") for what in ("accuracy", "loss")}
    return _TREND[own] if pairs.get(own) == other else 0


def _trend_of_share(measure: share.Kind) -> int:
    """Which way longer training takes the number of which a share is counted."""
    return 0 if measure.where else _TREND.get(measure.share, 0)


def _may_cross(measure: Measure, judgement: Judgement) -> bool:
    """Whether longer training could take a number over the bound of its verdict."""
    trend = _trend(measure)
    if not trend or judgement.expected is None:
        return False
    if isinstance(measure, share.Kind) and measure.within is not None:
        # numbers come between two bounds, and leave them again
        return judgement.verdict in ("holds", "fails")
    low, high = judgement.expected
    if judgement.verdict == "holds":
        return math.isfinite(high) if trend > 0 else math.isfinite(low)
    return judgement.verdict == "fails" and (judgement.high <= low if trend > 0 else judgement.low >= high)
