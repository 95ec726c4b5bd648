"""What the rows of several studies have in common, in phrases that are true of one study and of many.

A number counts as different from another where the 95 % interval of the difference of their means leaves out zero
(Welch 1947), and as different from zero where Student's interval does.  Means, and differences, of what the figure has
on a logarithmic axis are those of logarithms, as in the figure.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwcore.claims.concordance import kendall
from hwcore.claims.student import difference, mean
from hwcore.claims.words import listed
from hwcore.questions.question import Panel
from hwcore.questions.rows import Rows
from hwcore.questions.words import in_words

Sample = NDArray[np.float64]
Show = Callable[[float], str]


@dataclass(frozen=True)
class Place:
    """A number that was measured, and where."""

    value: float
    where: str


@dataclass(frozen=True)
class Change:
    """From one place of a member to another; ``sign`` is that of the difference, 0 where its interval has zero in
    it.
    """

    member: str
    first: Place
    last: Place
    sign: int

    @property
    def size(self) -> float:
        """Of numbers above zero the logarithm of the factor."""
        if min(self.first.value, self.last.value) > 0:
            return abs(math.log(self.last.value / self.first.value))
        return abs(self.last.value - self.first.value)


@dataclass(frozen=True)
class Relation:
    """A coefficient of a member; ``sign`` is its own, 0 where the interval has zero in it."""

    member: str
    value: float
    sign: int


class Findings:
    """What answers ask of the rows of a question, whose figure has these ``panels``."""

    def __init__(self, rows: Rows, panels: Sequence[Panel]) -> None:
        self._rows = rows
        self._logarithmic = {(panel.y, panel.over) for panel in panels if panel.log}
        self.count = len(rows.members)

    def members(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Each member and its rows."""
        for member in self._rows.members:
            yield member, self._rows.table[self._rows.table["member"] == member]

    def out_of(self, count: int, total: int) -> str:
        """`four of five studies`, `both studies` or `no study`."""
        noun = self._rows.noun
        if count == 0:
            return f"no {noun}"
        several = "studies" if noun == "study" else f"{noun}s"
        if count == total:
            return f"both {several}" if count == 2 else f"all {in_words(count)} {several}"
        return f"{in_words(count)} of {in_words(total)} {several}"

    def changes(self, x: str, y: str, where: Show, *, over: str = "") -> list[Change]:
        """Of each member that has several ``x``, from the least to the largest."""
        found = []
        for member, rows in self.members():
            ends = sorted(rows[x].dropna().unique())
            samples = [values(rows[rows[x] == end], y, over) for end in (*ends[:1], *ends[1:][-1:])]
            if len(samples) == 2 and all(len(sample) for sample in samples):
                first, last = (
                    Place(self._mean(y, over, sample), where(end))
                    for sample, end in zip(samples, (ends[0], ends[-1]), strict=True)
                )
                if self._takes_logarithms(y, over, *samples):
                    samples = [np.log(sample) for sample in samples]
                found.append(Change(self._rows.name(member), first, last, sign(difference, *samples[::-1])))
        return found

    def trend(self, what: str, changes: Sequence[Change], show: Show) -> str:
        """`The accuracy rises in four of five studies, most in konda, from 31.3 % (…) to 54.1 % (…).`"""
        if not changes:
            return ""
        verbs = {1: "rises", -1: "falls"}
        if self.count == 1 == len(changes):
            (only,) = changes
            return f"{what} {verbs.get(only.sign, 'does not clearly change,')} {_ends(only, show)}."
        parts = []
        for way in sorted(verbs, key=lambda way: -sum(each.sign == way for each in changes)):
            same = [each for each in changes if each.sign == way]
            if same:
                largest = max(same, key=lambda each: each.size)
                where = largest.member
                if len(same) > 1:
                    where = f"{self.out_of(len(same), len(changes))}, most in {where}"
                parts.append(f"{verbs[way]} in {where}, {_ends(largest, show)}")
        unclear = [each.member for each in changes if not each.sign]
        if not parts:
            largest = max(changes, key=lambda each: each.size)
            nowhere, most = self.out_of(0, len(changes)), f"{largest.member}, {_ends(largest, show)}"
            return f"{what} clearly changes in {nowhere}; the largest change is in {most}."
        if unclear:
            parts.append(f"does not clearly change in {_few(unclear)}")
        return f"{what} {'; it '.join(parts)}."

    def places(self, column: str, *, over: str = "") -> list[Place]:
        """The mean over replicates of each model, with its name: that of its member alone if it is the only model."""
        found = []
        for member, rows in self.members():
            models = rows.groupby("model", sort=False)
            for model, own in models:
                sample = values(own, column, over)
                if len(sample):
                    label = self._rows.labels.get(str(model), "") if len(models) > 1 else ""
                    found.append(Place(self._mean(column, over, sample), self._rows.mark(member, label)))
        return found

    def _takes_logarithms(self, column: str, over: str, *samples: Sample) -> bool:
        return (column, over) in self._logarithmic and all((sample > 0).all() for sample in samples)

    def _mean(self, column: str, over: str, sample: Sample) -> float:
        """The geometric mean of what has a logarithmic axis."""
        if self._takes_logarithms(column, over, sample):
            return float(np.exp(np.log(sample).mean()))
        return float(sample.mean())

    def span(self, places: Sequence[Place], show: Show) -> str:
        """`between 4.5 % (alluri: deep) and 12.0 % (konda)`, or `at 4.5 %` where there is one number."""
        low, high = min(places, key=lambda each: each.value), max(places, key=lambda each: each.value)
        if show(low.value) == show(high.value):
            return f"at {show(low.value)}"
        return "between " + " and ".join(f"{show(end.value)} ({end.where})" for end in (low, high))

    def means(self, column: str) -> list[Relation]:
        """Of each member the mean of a coefficient of each replicate."""
        found = []
        for member, rows in self.members():
            sample = values(rows.drop_duplicates(["model", "replicate"]), column)
            if len(sample):
                found.append(Relation(self._rows.name(member), float(sample.mean()), sign(mean, sample)))
        return found

    def relations(self, x: str, y: str) -> list[Relation]:
        """Of each member Kendall's rank correlation of two columns over all replicates of all models."""
        found = []
        for member, rows in self.members():
            if not {x, y} <= {*rows.columns}:
                continue
            pairs = rows[[x, y]].to_numpy(dtype=float)
            pairs = pairs[np.isfinite(pairs).all(axis=1)]
            if len(pairs) < 3 or (np.ptp(pairs, axis=0) == 0).any():
                continue
            tau = kendall(*pairs.T)
            low, high = tau.interval
            found.append(Relation(self._rows.name(member), tau.value, int(low > 0) - int(high < 0)))
        return found

    def together(self, what: str, ways: tuple[str, str], relations: Sequence[Relation], symbol: str = "τ") -> str:
        """`A larger norm goes with a larger loss in four of five studies (τ 0.20 to 0.50) and with neither in one.`

        ``ways`` are the words for a coefficient above zero and for one below.
        """
        if not relations:
            return ""
        parts = []
        for way, words in zip((1, -1), ways, strict=True):
            same = [each for each in relations if each.sign == way]
            if same:
                ends = [f"{value:.2f}".replace("-", "−") for value in sorted(each.value for each in same)]
                ends = list(dict.fromkeys((ends[0], ends[-1])))
                where = same[0].member if len(same) == 1 else self.out_of(len(same), len(relations))
                told = f" in {where}" if len(relations) > 1 else ""
                parts.append(f"with {words}{told} ({symbol} {' to '.join(ends)})")
        neither = [each.member for each in relations if not each.sign]
        if neither and parts:
            parts.append(f"clearly with neither in {_few(neither)}")
        if not parts:
            anywhere = f" in any {self._rows.noun}" if len(relations) > 1 else ""
            return f"{what} goes clearly neither with {ways[0]} nor with {ways[1]}{anywhere}."
        return f"{what} goes {listed(parts)}."


def _few(members: Sequence[str]) -> str:
    """The only member by its name, several by their number."""
    return members[0] if len(members) == 1 else in_words(len(members))


def _ends(change: Change, show: Show) -> str:
    first, last = (f"{show(end.value)} ({end.where})" for end in (change.first, change.last))
    return f"from {first} to {last}"


def values(rows: pd.DataFrame, column: str, over: str = "") -> Sample:
    """The finite values of a column, on request relative to another; none if there is no such column."""
    if not {column, *filter(None, [over])} <= {*rows.columns}:
        return np.empty(0)
    numbers = rows[column] / rows[over] if over else rows[column]
    array: Sample = numbers.to_numpy(dtype=float)
    finite: Sample = array[np.isfinite(array)]
    return finite


def sign(test: Callable[..., Any], *samples: Sample) -> int:
    """1 or -1 where the interval of an estimate lies above or below zero, 0 where replicates cannot tell."""
    if min(map(len, samples)) < 2:
        return 0
    low, high = test(*samples).interval()
    return int(low > 0) - int(high < 0)
