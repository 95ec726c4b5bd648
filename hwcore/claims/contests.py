"""Several samples against each other: who is larger, in the mean and over all combinations of replicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwcore.claims import student
from hwcore.claims.judgement import Judgement, single, usable, varies
from hwcore.claims.measure import Measure, MeasureOfCandidates
from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Groups, range_of_differences
from hwcore.claims.scales import Transform, transform
from hwcore.claims.words import PLAIN, SKEWED, Unit, capital, counted, number, of_differences, outlook, percent

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.claims.spec import Claim

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contest:
    """Samples by name on the scale of their comparison, larger being better.

    ``range`` and ``unit`` are those of their differences, or ratios; ``note`` says what is left out.
    """

    samples: Mapping[str, Array]
    scale: Transform
    range: tuple[float, float]
    paired: bool
    sign: int
    unit: Unit
    note: str

    @property
    def n(self) -> int:
        return min(map(len, self.samples.values()))

    def margin(self, first: str, second: str) -> "Margin":
        """By how much ``first`` is better than ``second``."""
        a, b = self.samples[first], self.samples[second]
        estimate = student.contrast(a, b, paired=self.paired)
        # back on the plain scale the smaller of two losses has the smaller number again
        low, high = (self.sign * end for end in estimate.interval())
        ends = self.scale.ends((low, high), self.range)
        samples = 1 if self.paired else 2
        spread = float(estimate.error) * np.sqrt(self.n)
        shown = student.shown(self.n, spread, samples)
        equal = float(self.scale.back(0.0))
        return Margin(
            value=float(self.scale.back(self.sign * estimate.value)),
            low=ends[0],
            high=ends[1],
            needed=student.replicates_needed(float(estimate.value), spread, self.n, samples),
            shown=(float(self.scale.back(-shown)), float(self.scale.back(shown))),
            words=f"the ratio of {first} to {second}" if self.scale.scale == "log" else f"{first} minus {second}",
            expected=(equal, np.inf) if self.sign > 0 else (-np.inf, equal),
            equal=equal,
            unit=self.unit,
        )

    def judgement(
        self, claim: "Claim", verdict: str, reason: str, pair: tuple[str, str], share: float, p: float, correction: str
    ) -> Judgement:
        """The verdict, by the margin of the ``pair`` on which it rests; ``share`` is of all combinations.

        ``correction`` says for what the p-value of the pair is corrected.
        """
        margin = self.margin(*pair)
        clear = margin.low > margin.equal or margin.high < margin.equal
        undecided = verdict == "undecided"
        if undecided:
            reason += f" {self._obstacle(pair, correction) if clear else self._outlook(margin, *pair)}"
        return Judgement(
            verdict,
            " ".join(filter(None, [reason, self.note])),
            margin.value,
            margin.low,
            margin.high,
            self.n,
            share,
            p,
            margin.needed if undecided and not clear else None,
            margin.expected,
            self._number(claim.measure, *pair),
            self.unit,
        )

    def _number(self, measure: "Measure | None", first: str, second: str) -> str:
        """What is measured, and of which two the number is."""
        if not isinstance(measure, MeasureOfCandidates):
            return ""
        than = "over" if self.scale.scale == "log" else "minus"
        return f"{measure.describe()}: {measure.quantity()} of {first} {than} that of {second}"

    def _obstacle(self, pair: tuple[str, str], correction: str) -> str:
        """Why the interval of a pair shows it to be apart, and its test does not: a sentence."""
        a, b = (self.samples[name] for name in pair)
        p = min(float(larger(a, b, paired=self.paired)), float(larger(b, a, paired=self.paired)))
        if 2 * p > LEVEL:
            return f"The interval is clear of {'1' if self.scale.scale == 'log' else '0'}, but {SKEWED}."
        return f"That interval is of one comparison: with the correction for {correction} it shows nothing."

    def _outlook(self, margin: "Margin", first: str, second: str) -> str:
        """How many replicates would tell two samples apart: a sentence."""
        what = "ratio" if self.scale.scale == "log" else "difference"
        if np.isnan(margin.low) and self.paired:
            return f"The {what} is the same in all replicates, so its spread is unknown."
        if np.isnan(margin.low):
            return capital(f"{first} and {second} do not vary between replicates, so their spread is unknown.")
        return outlook(
            self.n, "replicate", what, self.unit.beyond(f"a {what}", *margin.shown, self.range), margin.needed
        )

    def combinations(self, share: float) -> str:
        """`in 93 % of all 125 combinations of replicates`"""
        if self.paired:
            return f"in {percent(share)} of {counted(self.n, 'replicate')}"
        total = np.prod([float(len(sample)) for sample in self.samples.values()])
        return f"in {percent(share)} of all {number(float(total))} combinations of replicates"


@dataclass(frozen=True)
class Margin:
    """A difference, or a ratio on the log scale, with its 95 % interval.

    ``shown`` are a negative and a positive one that the replicates would show with a probability of about 80 %;
    ``expected`` is where it lies if the first is better, and ``equal`` what it is if none is.
    """

    value: float
    low: float
    high: float
    needed: int | None
    shown: tuple[float, float]
    words: str
    expected: tuple[float, float]
    equal: float
    unit: Unit

    def __str__(self) -> str:
        interval = "" if np.isnan(self.low) else f" (95 % interval {self.unit.span(self.low, self.high)})"
        return f"{self.words} is {self.unit.number(self.value, (self.low, self.high))}{interval}"


def contest(data: Groups, scale: str) -> Contest:
    """The samples ready to be compared.

    Raises CannotJudgeError where replicates are missing or show no spread.
    """
    values: dict[str, pd.Series[float]] = {}
    notes = []
    for name, sample in data.samples.items():
        values[name], note = usable(sample)
        notes.append(f"Of {name}, {note[0].lower()}{note[1:]}" if note else "")
    if data.paired:
        everywhere = set.intersection(*(set(each.index) for each in values.values()))
        values = {name: each[[index in everywhere for index in each.index]] for name, each in values.items()}
        if len(everywhere) < 2:
            raise single()
    varies(*values.values())
    one = next(iter(data.samples.values()))
    automatic = "log" if one.scale == "log" else "linear"
    to = transform(automatic if scale == "auto" else scale, *values.values())
    sign = 1 if data.largest else -1
    samples = {name: sign * to.to(each) for name, each in values.items()}
    unit = PLAIN if to.scale == "log" else of_differences(one.unit)
    reach = (0.0, np.inf) if to.scale == "log" else range_of_differences(one, one)
    return Contest(samples, to, reach, data.paired, sign, unit, " ".join(filter(None, [to.note, *notes])))


def larger(first: Array, second: Array, *, paired: bool) -> Array:
    """The one-sided p-value of the test that shows that the mean of ``first`` is the larger; shape (…, replicates)."""
    return student.contrast(first, second, paired=paired).above(0.0)


def share_of_combinations(winners: Sequence[Array], losers: Sequence[Array]) -> float:
    """The share of all combinations, one replicate of each sample, in which the largest is one of ``winners``.

    Of nᵏ combinations none is listed: the largest of several has the product of their distribution functions.  A tie
    between a winner and a loser counts half.
    """
    points = np.unique(np.concatenate([*winners, *losers]))
    first, second = (np.prod([_below(sample, points) for sample in samples], axis=0) for samples in (winners, losers))
    mass = [np.diff(function, prepend=0.0) for function in (first, second)]
    before = np.concatenate([[0.0], second[:-1]])
    return float(np.sum(mass[0] * (before + mass[1] / 2)))


def share_in_order(samples: Sequence[Array]) -> float:
    """The share of all combinations, one replicate of each sample, in which each is larger than the next."""
    points = np.unique(np.concatenate(samples))
    # the share of combinations of the samples so far in which they are in order and the last is the point itself
    ending = np.diff(_below(samples[-1], points), prepend=0.0)
    for sample in reversed(samples[:-1]):
        smaller = np.concatenate([[0.0], np.cumsum(ending)[:-1]])
        ending = np.diff(_below(sample, points), prepend=0.0) * smaller
    return float(ending.sum())


def _below(sample: Array, points: Array) -> Array:
    """The share of a sample that is at most each point."""
    return np.searchsorted(np.sort(sample), points, side="right") / len(sample)
