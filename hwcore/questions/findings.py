"""What the rows of several studies have in common, in phrases that are true of one study and of many.

A number counts as different from another where the 95 % interval of the difference of their means leaves out zero
(Welch 1947), and as different from zero where Student's interval does.
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
from hwcore.claims.words import listed, number
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
    """What answers ask of the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.count = len(rows.members)

    def members(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The name of each member and its rows."""
        for member, name in self._rows.members.items():
            yield name, self._rows.table[self._rows.table["member"] == member]

    def out_of(self, count: int) -> str:
        """`four of five studies`, or `the study` if it is the only one."""
        if self.count == 1:
            return f"{'none' if not count else 'the'} {self._rows.noun}".replace("none study", "no study")
        several = {"study": "studies", "experiment": "experiments"}[self._rows.noun]
        if count == self.count:
            return f"both {several}" if count == 2 else f"all {in_words(count)} {several}"
        return f"{in_words(count)} of {in_words(self.count)} {several}"

    def changes(self, x: str, y: str, where: Show, *, over: str = "") -> list[Change]:
        """Of each member that has several ``x``, from the least to the largest."""
        found = []
        for member, rows in self.members():
            ends = sorted(rows[x].dropna().unique())
            samples = [values(rows[rows[x] == end], y, over) for end in (*ends[:1], *ends[1:][-1:])]
            if len(samples) == 2 and all(len(sample) for sample in samples):
                first, last = (
                    Place(float(sample.mean()), where(end))
                    for sample, end in zip(samples, (ends[0], ends[-1]), strict=True)
                )
                found.append(Change(member, first, last, sign(difference, *samples[::-1])))
        return found

    def trend(self, what: str, changes: Sequence[Change], show: Show) -> str:
        """`The accuracy rises in four of five studies, most in konda, from 31.3 % (…) to 54.1 % (…).`"""
        if not changes:
            return ""

        def told(change: Change) -> str:
            ends = change.first, change.last
            return " to ".join(f"{show(end.value)} ({end.where})" for end in ends)

        verbs = {1: "rises", -1: "falls"}
        if self.count == 1:
            (only,) = changes
            return f"{what} {verbs.get(only.sign, 'does not clearly change')}, from {told(only)}."
        parts = []
        for way in sorted(verbs, key=lambda way: -sum(each.sign == way for each in changes)):
            same = [each for each in changes if each.sign == way]
            if same:
                largest = max(same, key=lambda each: each.size)
                most = "most in " if len(same) > 1 else "in "
                where = (
                    f"in {self.out_of(len(same))}, {most}{largest.member}" if len(same) > 1 else f"in {largest.member}"
                )
                parts.append(f"{verbs[way]} {where}, from {told(largest)}")
        unclear = sum(not each.sign for each in changes)
        if not parts:
            largest = max(changes, key=lambda each: each.size)
            return f"{what} does not clearly change in any; most in {largest.member}, from {told(largest)}."
        if unclear:
            parts.append(f"does not clearly change in {in_words(unclear)}")
        return f"{what} {'; it '.join(parts)}."

    def places(self, column: str, *, over: str = "") -> list[Place]:
        """The mean over replicates of each model, with its name and that of its member where there are several."""
        found = []
        for member, rows in self.members():
            models = rows.groupby("model", sort=False)
            for model, own in models:
                sample = values(own, column, over)
                if len(sample):
                    label = self._rows.labels.get(str(model), "") if len(models) > 1 else ""
                    name = ", ".join(filter(None, [member if self.count > 1 else "", label]))
                    found.append(Place(float(sample.mean()), name))
        return found

    @staticmethod
    def between(places: Sequence[Place], show: Show) -> str:
        """`4.5 % (alluri, deep) to 12.0 % (konda)`, without names if there is one number."""
        low, high = min(places, key=lambda each: each.value), max(places, key=lambda each: each.value)
        if show(low.value) == show(high.value):
            return show(low.value)
        return " to ".join(f"{show(end.value)}{f' ({end.where})' if end.where else ''}" for end in (low, high))

    def means(self, column: str) -> list[Relation]:
        """Of each member the mean of a coefficient of each replicate."""
        found = []
        for member, rows in self.members():
            sample = values(rows.drop_duplicates(["model", "replicate"]), column)
            if len(sample):
                found.append(Relation(member, float(sample.mean()), sign(mean, sample)))
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
            found.append(Relation(member, tau.value, int(low > 0) - int(high < 0)))
        return found

    def together(self, what: str, other: str, relations: Sequence[Relation], symbol: str = "τ") -> str:
        """`A larger norm goes with a higher loss in four of five studies (τ 0.2 to 0.5), with a lower one in one.`"""
        parts = []
        for way, word in ((1, f"with a higher {other}"), (-1, f"with a lower {other}")):
            same = [each.value for each in relations if each.sign == way]
            if same:
                ends = dict.fromkeys(number(end) for end in (min(same), max(same)))
                parts.append(f"{word} in {self.out_of(len(same))} ({symbol} {' to '.join(ends)})")
        neither = sum(not each.sign for each in relations)
        if neither:
            parts.append(
                f"with neither a higher nor a lower {other} in {self.out_of(neither)}"
                if not parts
                else f"with neither in {in_words(neither)}"
            )
        return f"{what} goes {listed(parts)}." if parts else ""


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
