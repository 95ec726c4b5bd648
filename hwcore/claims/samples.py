"""What a measure yields: numbers of independent replicates, in the form that a rule can judge.

The values are pandas objects; nothing here loads pandas, because the grammar of studies imports the measures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hwcore.claims.columns import RANGES, Scale
from hwcore.claims.words import PLAIN, POINTS, Unit, number

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.claims.scales import Array

# The forms, as messages name them.
Shape = Literal[
    "a count",
    "a number per replicate",
    "times",
    "two samples",
    "a best of several",
    "an order",
    "networks",
    "points within replicates",
    "hits",
]


class NoSuchDataError(Exception):
    """A measure names a column, model or value that its table does not have."""


class NoSuchValueError(NoSuchDataError):
    """It names a value that a scale with caps may leave out, such as a batch of more images than it has."""


@dataclass(frozen=True)
class Count:
    """An exact number, or one for each replicate that ought to be the same; shape (replicates,)."""

    values: "pd.Series[float]"


@dataclass(frozen=True)
class Sample:
    """One number per replicate, shape (replicates,), indexed by replicate.

    A replicate that diverged has NaN or an infinite number; ``finite`` leaves it out.
    """

    values: "pd.Series[float]"
    scale: Scale = "linear"
    unit: Unit = PLAIN

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest number that there can be; those of an accuracy gap have the unit to tell them."""
        return (-1.0, 1.0) if self.unit == POINTS else RANGES[self.scale]

    @property
    def finite(self) -> "pd.Series[float]":
        return self.values[self.values.abs() < float("inf")]


@dataclass(frozen=True, kw_only=True)
class Times(Sample):
    """The first ``count`` (epoch, step) at which something is reached, infinite where it is not by the ``last``.

    A training that stops early has another last epoch than the others, so that ``last`` has one for each replicate.
    """

    count: str
    last: "pd.Series[float]"


def median(times: "Array", last: "Array", count: str) -> tuple[float, str]:
    """The median of times, infinite where something is not reached by the ``last``, and a verb phrase that says it.

    NaN where it is not known: if a training that ended without getting there might have got there before it.
    """
    ordered, n = sorted(times), len(times)
    low, high = float(ordered[(n - 1) // 2]), float(ordered[n // 2])
    ended = min((end for time, end in zip(times, last, strict=True) if time == float("inf")), default=float("inf"))
    if high < float("inf") and high <= ended:
        return (low + high) / 2, f"is {count} {number((low + high) / 2)}"
    if low == float("inf"):
        return float("nan"), f"is later than {count} {number(float(ended))}"
    return float("nan"), "is not known"


@dataclass(frozen=True)
class Pair:
    """Two samples; if ``paired``, equal replicates of both share seed and data."""

    first: Sample
    second: Sample
    paired: bool

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest difference that there can be."""
        return range_of_differences(self.first, self.second)


def range_of_differences(first: Sample, second: Sample) -> tuple[float, float]:
    return first.range[0] - second.range[1], first.range[1] - second.range[0]


@dataclass(frozen=True)
class Groups:
    """Several samples by name, of which some are said to be best, or which are said to be in this order.

    ``best`` are the names of those that are said to be best; ``largest`` says whether more is better; ``by`` is the
    column that tells them apart.
    """

    samples: Mapping[str, Sample]
    best: tuple[str, ...]
    largest: bool
    paired: bool
    by: str

    def named(self, names: Mapping[str, str]) -> "Groups":
        """The same under other names, as far as there are any."""
        samples = {names.get(name, name): sample for name, sample in self.samples.items()}
        return replace(self, samples=samples, best=tuple(names.get(name, name) for name in self.best))


@dataclass(frozen=True)
class Networks:
    """Two numbers of each network, one row per network, with columns ``model``, ``x`` and ``y``."""

    rows: "pd.DataFrame"


@dataclass(frozen=True)
class Blocks:
    """Numbers of each replicate at the same points: replicates as rows, points as columns in increasing order."""

    rows: "pd.DataFrame"


@dataclass(frozen=True)
class Hits:
    """Whether something is so, of each network: shape (networks,), boolean."""

    values: "pd.Series[bool]"


Data = Count | Sample | Pair | Groups | Networks | Blocks | Hits
