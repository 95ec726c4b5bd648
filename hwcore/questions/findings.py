"""What the rows of several studies have in common, in phrases that are true of one study and of many.

A number counts as changing with another where the 95 % interval of Kendall's rank correlation over all networks
leaves out zero, as of claims; as changing between two places where that of the difference of the means does (Welch
1947); as changing in the course of a training, and as different from zero, where Student's interval does. Means, and
differences, of what the figure has on a logarithmic axis are those of logarithms, and others are plain, as in the
figure; coefficients are on the scale on which claims have them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwcore.claims.columns import column_scale
from hwcore.claims.concordance import kendall
from hwcore.claims.rule import FEWEST_NETWORKS
from hwcore.claims.scales import Transform, transform
from hwcore.claims.student import difference, mean
from hwcore.claims.words import capital, listed
from hwcore.questions.question import Panel
from hwcore.questions.rows import Rows
from hwcore.questions.words import Interval, in_words, some_of

Sample = NDArray[np.float64]
Where = Callable[[float], str]
Show = Callable[[float, Interval | None], str]


@dataclass(frozen=True)
class Place:
    """A mean that was measured, and where; ``within`` is its 95 % interval, None where there is none."""

    value: float
    where: str
    within: Interval | None = None


@dataclass(frozen=True)
class Change:
    """From one place of a member to another; ``sign`` is that of the trend, 0 where its interval has zero in it.

    ``step`` is how far the last place lies from the first, on the scale on which all changes of a comparison are told.
    """

    member: str
    first: Place
    last: Place
    sign: int
    step: float

    @property
    def size(self) -> float:
        """The length of the step, below zero where it is against the trend."""
        return self.step * self.sign if self.sign else abs(self.step)


@dataclass(frozen=True)
class Relation:
    """A coefficient of a member; ``sign`` is its own, 0 where the interval has zero in it."""

    member: str
    value: float
    sign: int


class Findings:
    """What answers ask of the rows of a question, whose figure has these ``panels``.

    Networks of ``uneven`` members are not compared: the scale cuts some trainings much more than others.
    """

    def __init__(self, rows: Rows, panels: Sequence[Panel], uneven: Collection[str] = ()) -> None:
        self._rows = rows
        self._uneven = uneven
        self._logarithmic = {(panel.y, panel.over) for panel in panels if panel.log}
        self.count = len(rows.members)

    def members(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Each member and its rows."""
        for member in self._rows.members:
            yield member, self._rows.table[self._rows.table["member"] == member]

    def _comparable(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Those of which networks may be compared with each other."""
        return ((member, rows) for member, rows in self.members() if member not in self._uneven)

    def out_of(self, count: int, total: int) -> str:
        """`four of five studies`, `both studies` or `no study`."""
        return some_of(count, total, self._rows.noun)

    def changes(self, x: str, y: str, where: Where, *, over: str = "") -> list[Change]:
        """Of each member whose networks have several ``x``, from the least to the largest, with the trend of all.

        As of claims, two places make no trend and are compared by their means: τ of three networks and three others
        leaves out zero in one of ten cases where nothing differs.
        """

        def trend(rows: pd.DataFrame, ends: Sequence[Sample]) -> int:
            measured = rows[np.isfinite(_numbers(rows, y, over))]
            if measured[x].nunique() == 2:
                return self._difference(y, over, ends)
            found = _rank_correlation(_numbers(rows, x), _numbers(rows, y, over))
            return found[1] if found else 0

        return self._changes(self._comparable(), x, y, where, over, trend)

    def courses(self, x: str, y: str, where: Where) -> list[Change]:
        """Of each member from the least ``x`` of its trainings to the largest, each compared with itself."""

        def trend(rows: pd.DataFrame, _: Sequence[Sample]) -> int:
            ends = (rows[rows[x] == end].set_index(["model", "replicate"])[y] for end in (rows[x].min(), rows[x].max()))
            pairs = pd.concat(ends, axis=1, join="inner").to_numpy(dtype=float)
            first, last = pairs[np.isfinite(pairs).all(axis=1)].T
            scale = self._scale(y, "", first, last)
            return sign(mean, scale.to(last) - scale.to(first))

        return self._changes(self.members(), x, y, where, "", trend)

    def _difference(self, y: str, over: str, ends: Sequence[Sample]) -> int:
        scale = self._scale(y, over, *ends)
        return sign(difference, *map(scale.to, reversed(ends)))

    def _changes(
        self,
        members: Iterable[tuple[str, pd.DataFrame]],
        x: str,
        y: str,
        where: Where,
        over: str,
        trend: Callable[[pd.DataFrame, Sequence[Sample]], int],
    ) -> list[Change]:
        found = []
        for member, rows in members:
            ends = sorted(rows[x].dropna().unique())
            samples = [values(rows[rows[x] == end], y, over) for end in (*ends[:1], *ends[1:][-1:])]
            if len(samples) == 2 and all(len(sample) for sample in samples):
                first, last = (
                    self._place(y, over, sample, where(end))
                    for sample, end in zip(samples, (ends[0], ends[-1]), strict=True)
                )
                found.append((self._rows.name(member), first, last, trend(rows, samples)))
        # a factor of one member and a difference of another would not compare
        scale = self._scale(y, over, np.array([end.value for _, *ends, _ in found for end in ends]))
        return [
            Change(member, first, last, side, float(scale.to(last.value) - scale.to(first.value)))
            for member, first, last, side in found
        ]

    def trend(self, what: str, changes: Sequence[Change], show: Show) -> str:
        """`The accuracy rises in four of five studies, most in konda, from 31.3 % (…) to 54.1 % (…).`"""
        if not changes:
            return ""
        verbs = {1: "rises", -1: "falls"}
        if len(changes) == 1:
            (only,) = changes
            where = f" in {only.member}" if self.count > 1 else ""
            if not only.sign:
                return f"{what} has no clear trend{where}: it goes {_ends(only, show)}."
            comma = "," if where or only.size < 0 else ""
            return f"{what} {verbs[only.sign]}{where}{comma} {_ends(only, show)}."
        parts: list[str] = []
        for way in sorted(verbs, key=lambda way: -sum(each.sign == way for each in changes)):
            same = [each for each in changes if each.sign == way]
            if same:
                largest = max(same, key=lambda each: each.size)
                where = largest.member
                if len(same) > 1:
                    several = in_words(len(same)) if parts else self.out_of(len(same), len(changes))
                    where = f"{several}, most in {where}"
                parts.append(f"{verbs[way]} in {where}, {_ends(largest, show)}")
        unclear = [each.member for each in changes if not each.sign]
        if not parts:
            largest = max(changes, key=lambda each: each.size)
            nowhere, most = f"any {self._rows.noun}", f"{largest.member}, {_ends(largest, show)}"
            return f"{what} has no clear trend in {nowhere}; the largest change is in {most}."
        if unclear:
            parts.append(f"has no clear trend in {_others(unclear)}")
        return f"{what} {'; it '.join(parts)}."

    def places(self, column: str, *, over: str = "") -> list[Place]:
        """The mean over replicates of each model, with its name: that of its member alone if it is the only model."""
        found = []
        for member, rows in self.members():
            models = rows.groupby("model", sort=False)
            for model, own in models:
                sample = values(_once(own, column, over), column, over)
                if len(sample):
                    label = self._rows.labels.get(str(model), "") if len(models) > 1 else ""
                    found.append(self._place(column, over, sample, self._rows.mark(member, label)))
        return found

    def _scale(self, column: str, over: str, *samples: Sample) -> Transform:
        """That of the figure's axis."""
        return transform("log" if (column, over) in self._logarithmic else "linear", *samples)

    def _place(self, column: str, over: str, sample: Sample, where: str) -> Place:
        """The mean over replicates that the figure has."""
        scale = self._scale(column, over, sample)
        numbers = scale.to(sample)
        value = float(scale.back(numbers.mean()))
        if len(sample) < 2:
            return Place(value, where)
        low, high = (float(scale.back(end)) for end in mean(numbers).interval())
        return Place(value, where, (low, high) if low < high else None)

    def distinct(self, column: str) -> list[float]:
        """The different numbers of a column, in increasing order."""
        return [float(value) for value in np.unique(values(self._rows.table, column))]

    def span(self, places: Sequence[Place], show: Show) -> str:
        """`between 4.5 % (alluri: deep) and 12.0 % (konda)`, or `at 4.5 %` where there is one number."""
        ends = self.extremes(places, show)
        return f"between {' and '.join(ends)}" if len(ends) > 1 else f"at {ends[0]}"

    def extremes(self, places: Sequence[Place], show: Show) -> list[str]:
        """`4.5 % (alluri: deep)` and `12.0 % (konda)`, the least and the largest, or `4.5 %` alone."""
        ends = min(places, key=lambda each: each.value), max(places, key=lambda each: each.value)
        said = [show(end.value, end.within) for end in ends]
        if said[0] == said[1]:
            return said[:1]
        return [f"{number} ({end.where})" for number, end in zip(said, ends, strict=True)]

    def means(self, column: str) -> list[Relation]:
        """Of each member the mean of a coefficient of each replicate."""
        found = []
        for member, rows in self.members():
            sample = values(_once(rows, column), column)
            if len(sample):
                # no scale of coefficients and differences moves zero
                scale = transform(column_scale(column), sample)
                numbers = scale.to(sample)
                value = float(scale.back(numbers.mean()))
                found.append(Relation(self._rows.name(member), value, sign(mean, numbers)))
        return found

    def relations(self, x: str, y: str) -> list[Relation]:
        """Of each member Kendall's rank correlation of two columns over all replicates of all models.

        As in a study's own figures, networks that did not meet their stopping rule have no part in it.
        """
        found = []
        for member, rows in self._compared(x, y):
            counted = rows[~_missed(rows)]
            correlation = _rank_correlation(_numbers(counted, x), _numbers(counted, y))
            if correlation:
                found.append(Relation(self._rows.name(member), *correlation))
        return found

    def _compared(self, x: str, y: str) -> Iterator[tuple[str, pd.DataFrame]]:
        """Each member with networks that have both numbers, and the rows of all of its networks."""
        for member, rows in self._comparable():
            if {x, y} <= {*rows.columns} and rows[[x, y]].notna().all(axis=1).any():
                yield member, rows

    def left_out(self, x: str, y: str) -> str:
        """`34 of 50 networks of alluri missed their stopping rule and are left out of this comparison.`

        Nothing where there is no such comparison, as of too few networks.
        """
        parts: list[str] = []
        all_ = 0
        for member, rows in self._compared(x, y):
            missed = _networks(rows[_missed(rows)])
            if missed:
                networks = " networks" if not parts else ""
                ruled = _networks(rows[rows["stopped"].notna()])
                some = f"all {missed}" if missed == ruled > 1 else f"{missed} of {ruled}"
                parts.append(f"{some}{networks} of {self._rows.name(member)}")
                all_ += missed
        if not parts or not self.relations(x, y):
            return ""
        return (
            f"{capital(listed(parts))} missed {'its' if all_ == 1 else 'their'} stopping rule and "
            f"{'is' if all_ == 1 else 'are'} left out of this comparison."
        )

    def together(self, what: str, ways: tuple[str, str], relations: Sequence[Relation], symbol: str = "τ") -> str:
        """`A larger norm goes with a larger loss in a (τ 0.20); there is no clear relation in the other two.`

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
        if not parts:
            anywhere = f" in any {self._rows.noun}" if len(relations) > 1 else ""
            return f"{what} does not clearly go with {ways[0]} or with {ways[1]}{anywhere}."
        rest = f"; there is no clear relation in {_others(neither)}" if neither else ""
        return f"{what} goes {listed(parts)}{rest}."


def _others(members: Sequence[str]) -> str:
    """Those that are left: a single one by its name, several by their number."""
    return members[0] if len(members) == 1 else f"the other {in_words(len(members))}"


def _ends(change: Change, show: Show) -> str:
    first, last = (f"{show(end.value, end.within)} ({end.where})" for end in (change.first, change.last))
    if change.size < 0:
        return f"although its ends are {first} and {last}"
    return f"from {first} to {last}"


def values(rows: pd.DataFrame, column: str, over: str = "") -> Sample:
    """The finite values of a column, on request relative to another; none if there is no such column."""
    if not {column, *filter(None, [over])} <= {*rows.columns}:
        return np.empty(0)
    array = _numbers(rows, column, over)
    finite: Sample = array[np.isfinite(array)]
    return finite


def _once(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """One row of each replicate, the first in which none of these columns is missing: others repeat its number."""
    known = rows.dropna(subset=[column for column in columns if column in rows])
    return known.drop_duplicates(["model", "replicate"])


def _networks(rows: pd.DataFrame) -> int:
    return len(rows.drop_duplicates(["model", "replicate"]))


def _numbers(rows: pd.DataFrame, column: str, over: str = "") -> Sample:
    numbers: Sample = (rows[column] / rows[over] if over else rows[column]).to_numpy(dtype=float)
    return numbers


def _missed(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are of networks that did not meet the rule at which their training was to end."""
    if "stopped" not in rows:
        return np.zeros(len(rows), dtype=bool)
    return rows["stopped"].eq(False).to_numpy(dtype=bool)


def _rank_correlation(x: Sample, y: Sample) -> tuple[float, int] | None:
    """Kendall's, over the networks that have both numbers, and whether it is clearly above (1) or below 0 (-1).

    None where the networks are too few or one number does not vary.
    """
    pairs = np.stack([x, y])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 3 or (np.ptp(pairs, axis=1) == 0).any():
        return None
    tau = kendall(*pairs)
    return tau.value, _side(*tau.interval) if pairs.shape[1] >= FEWEST_NETWORKS else 0


def sign(test: Callable[..., Any], *samples: Sample) -> int:
    """1 or -1 where the interval of an estimate lies above or below zero, 0 where replicates cannot tell."""
    if min(map(len, samples)) < 2:
        return 0
    return _side(*test(*samples).interval())


def _side(low: float, high: float) -> int:
    return int(low > 0) - int(high < 0)
