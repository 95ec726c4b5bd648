"""Measures of claims: from tables to numbers with 95 % intervals.

Intervals are over replicates: Student's t for means, Welch's t for differences (Welch 1947),
Wilson's score interval for shares (Wilson 1927).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hwcore.claims.spec import Best, Correlation, Difference, Measure, Parameters, Reached, Share, Simple, Value

Tables = Callable[[str], pd.DataFrame]
_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval, the replicates behind it, and what there is to say about it.

    An exact number has an interval of no width.  Where there is no number, all three are NaN.
    ``beyond`` is set where some replicates have none because theirs is larger than that.
    """

    value: float
    low: float
    high: float
    n: int
    notes: tuple[str, ...] = ()
    beyond: float | None = None


@dataclass(frozen=True)
class _Sample:
    """One number per replicate."""

    values: NDArray[np.float64]
    notes: tuple[str, ...] = field(default=())
    beyond: float | None = None


class NoSuchDataError(Exception):
    """A measure names a column, model or value that its table does not have."""


def estimate(measure: Measure, tables: Tables) -> Estimate:
    """The measure on the tables of its experiment.  Raises NoSuchDataError with the names that there are."""
    if isinstance(measure, Parameters):
        table = tables("models")
        count = float(_of_model(table, measure.parameters)["parameters"].iloc[0])
        return Estimate(count, count, count, 1)
    if isinstance(measure, Best | Share):
        hits = _hits(measure, tables)
        return _wilson(int(hits.sum()), len(hits))
    if isinstance(measure, Difference):
        exact = [estimate(part, tables) for part in measure.difference if isinstance(part, Parameters)]
        if len(exact) == 2:
            value = exact[0].value - exact[1].value
            return Estimate(value, value, value, 1)
        first, second = (_sample(part, tables) for part in measure.difference)
        return _welch(first, second)
    sample = _sample(measure, tables)
    found = replace(_mean(sample), beyond=sample.beyond)
    if isinstance(measure, Correlation):
        # a t-interval may reach beyond what a correlation can be
        found = replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0))
    return found


def describe(measure: Measure) -> str:
    """The measure in words, for the table of claims."""
    if isinstance(measure, Difference):
        return f"{describe(measure.difference[0])} minus {describe(measure.difference[1])}"
    if isinstance(measure, Parameters):
        return f"parameters of {measure.parameters}"
    if isinstance(measure, Best):
        return (
            f"share of replicates whose {measure.at} {_words(measure.best)} is at {measure.by} {_listed(measure.is_)}"
        )
    of = f" of {measure.model}" if measure.model else ""
    if isinstance(measure, Value):
        where = "".join(f" at {key} {value}" for key, value in measure.where.items())
        return f"{measure.at} {_words(measure.value)}{of}{where}"
    if isinstance(measure, Reached):
        bound = f"≤ {measure.below:g}" if measure.below is not None else f"≥ {measure.above:g}"
        return f"first {measure.by} with {_words(measure.reached)} {bound}{of}"
    if isinstance(measure, Correlation):
        return f"rank correlation of {_words(measure.correlation[0])} and {_words(measure.correlation[1])}{of}"
    within = f" in [{measure.within[0]:g}, {measure.within[1]:g}]" if measure.within else ""
    return f"share of points with {_words(measure.share)}{within}{of}"


def _sample(measure: Simple | Difference, tables: Tables) -> _Sample:
    if isinstance(measure, Value):
        return _finite(_per_replicate(measure, tables))
    if isinstance(measure, Reached):
        return _reached(measure, tables)
    if isinstance(measure, Correlation):
        rows = _of_model(tables(measure.table), measure.model)
        _columns(rows, *measure.correlation)
        first, second = measure.correlation
        by = rows.groupby("replicate")
        return _finite(np.array([stats.spearmanr(own[first], own[second]).statistic for _, own in by]))
    raise NoSuchDataError(f"{describe(measure)} gives no number per replicate, so it has no difference")


def _per_replicate(measure: Value, tables: Tables) -> NDArray[np.float64]:
    rows = _of_model(tables(measure.table), measure.model)
    _columns(rows, measure.value, *measure.where)
    for column, value in measure.where.items():
        rows = rows[np.isclose(rows[column], value) if isinstance(value, float) else rows[column] == value]
        if rows.empty:
            raise NoSuchDataError(f"no row has {column} = {value!r}")
    by = rows.groupby("replicate")[measure.value]
    chosen: NDArray[np.float64] = by.agg(measure.at).to_numpy(dtype=float)
    return chosen


def _finite(values: NDArray[np.float64]) -> _Sample:
    kept = values[np.isfinite(values)]
    lost = len(values) - len(kept)
    return _Sample(kept, (f"{lost} of {len(values)} replicates diverged and are left out",) if lost else ())


def _reached(measure: Reached, tables: Tables) -> _Sample:
    rows = _of_model(tables(measure.table), measure.model)
    _columns(rows, measure.reached, measure.by)
    there = (
        rows[measure.reached] <= measure.below if measure.below is not None else rows[measure.reached] >= measure.above
    )
    first = rows[there].groupby("replicate")[measure.by].min()
    total = rows.replicate.nunique()
    values = first.to_numpy(dtype=float)
    never, last = total - len(first), float(rows[measure.by].max())
    if not never:
        return _Sample(values)
    note = f"{never} of {total} replicates do not get there within {last:g} {measure.by}s and are left out"
    return _Sample(values, (note,), beyond=last)


def _hits(measure: Best | Share, tables: Tables) -> NDArray[np.bool_]:
    rows = tables(measure.table)
    if isinstance(measure, Share):
        rows = _of_model(rows, measure.model)
        _columns(rows, measure.share)
        column = rows[measure.share]
        hits = column.between(*measure.within) if measure.within else column.astype(bool)
        return hits.to_numpy(dtype=bool)
    _columns(rows, measure.best, measure.by)
    wanted = measure.is_ if isinstance(measure.is_, list) else [measure.is_]
    if not rows[measure.by].isin(wanted).any():
        raise NoSuchDataError(
            f"no row has {measure.by} in {wanted}; there are {', '.join(map(str, rows[measure.by].unique()))}"
        )
    finite = rows[np.isfinite(rows[measure.best])]
    # several rows of one value of `by` (epochs, say) count by their last
    last = finite.groupby(["replicate", measure.by], sort=False)[measure.best].last().reset_index()
    by = last.groupby("replicate")[measure.best]
    chosen = last.loc[by.idxmax() if measure.at == "max" else by.idxmin()]
    best: NDArray[np.bool_] = chosen[measure.by].isin(wanted).to_numpy(dtype=bool)
    return best


def _mean(sample: _Sample) -> Estimate:
    values, n = sample.values, len(sample.values)
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, sample.notes)
    mean = float(values.mean())
    if n == 1:
        return Estimate(mean, np.nan, np.nan, 1, sample.notes)
    half = float(stats.t.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, sample.notes)


def _welch(first: _Sample, second: _Sample) -> Estimate:
    notes = tuple(dict.fromkeys(first.notes + second.notes))
    n = min(len(first.values), len(second.values))
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, notes)
    difference = float(first.values.mean() - second.values.mean())
    if n == 1:
        return Estimate(difference, np.nan, np.nan, 1, notes)
    # written out, because SciPy's test warns where one sample does not vary
    variances = [part.values.var(ddof=1) / len(part.values) for part in (first, second)]
    total = sum(variances)
    if total == 0:
        return Estimate(difference, difference, difference, n, notes)
    parts = zip(variances, (first, second), strict=True)
    freedom = total**2 / sum(variance**2 / (len(part.values) - 1) for variance, part in parts)
    half = float(stats.t.ppf((1 + _LEVEL) / 2, freedom) * np.sqrt(total))
    return Estimate(difference, difference - half, difference + half, n, notes)


def _wilson(hits: int, n: int) -> Estimate:
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    interval = stats.binomtest(hits, n).proportion_ci(_LEVEL, method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n)


def _of_model(table: pd.DataFrame, model: str | None) -> pd.DataFrame:
    if model is None:
        return table
    rows = table[table["model"] == model]
    if rows.empty:
        raise NoSuchDataError(f"there is no model {model!r}; there are {', '.join(map(str, table['model'].unique()))}")
    return rows


def _columns(table: pd.DataFrame, *names: str) -> None:
    for name in names:
        if name not in table:
            raise NoSuchDataError(f"there is no column {name!r}; there are {', '.join(table.columns)}")


def _words(column: str) -> str:
    return column.replace("_", " ")


def _listed(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
