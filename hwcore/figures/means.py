"""Means over replicates, and intervals that stay where the numbers can be.

Intervals are Student's t at 95 %, on the scale of the axis or of the quantity: on a logarithmic axis of the logarithms,
about geometric means; of fractions on the scale of log odds, of correlations on that of Fisher's z, and of losses,
norms, distances and times on that of logarithms, about plain means and with the standard error that the scale gives
there (the delta method).  None runs below zero or above one, or outside of -1 to 1, where no number does.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from hwcore.claims.columns import column_scale
from hwcore.errors import HwcoreError

Array = NDArray[np.float64]
Scale = Literal["linear", "geometric", "positive", "fraction", "correlation"]
_SCALES: dict[str, Scale] = {
    "linear": "linear",
    "log": "positive",
    "logit": "fraction",
    "fisher": "correlation",
    "count": "linear",
}
# in the names of columns that are compared on a plain scale, though none is below zero
_LENGTHS = {"apart", "distance", "moved", "sharpness"}


@dataclass(frozen=True)
class Means:
    """Replicates (n, R), their means and the ends of their intervals (n,), at places ``at`` (n,).

    The ends are NaN where there are fewer than two replicates.  ``lost`` replicates are left out.
    """

    at: NDArray[Any]
    each: Array
    mean: Array
    low: Array
    high: Array
    lost: frozenset[Any] = frozenset()

    def at_places(self, kept: NDArray[Any]) -> "Means":
        """The same at some of the places."""
        return Means(self.at[kept], self.each[kept], self.mean[kept], self.low[kept], self.high[kept], self.lost)


def scale_of(column: str, *, log: bool) -> Scale:
    """The scale of the intervals of a column on an axis that is logarithmic or plain."""
    if log:
        return "geometric"
    return "positive" if {*column.split("_")} & _LENGTHS else _SCALES[column_scale(column)]


def interval(values: Array, scale: Scale = "linear") -> tuple[Array, Array, Array]:
    """Means of the rows of (n, R) values and the ends of their 95 % intervals, each (n,).

    The ends for a single replicate are NaN, and so is the mean of none.
    """
    n, replicates = values.shape
    unknown = np.full(n, np.nan)
    if replicates == 0:
        return unknown, unknown, unknown
    if scale == "geometric":
        return tuple(map(np.exp, interval(np.log(values))))  # type: ignore[return-value]
    mean = values.mean(axis=1)
    if replicates == 1:
        return mean, unknown, unknown
    half = stdtrit(replicates - 1, 0.975) * values.std(axis=1, ddof=1) / math.sqrt(replicates)
    low, high = mean - half, mean + half
    if scale == "positive":
        inside = mean > 0
        factor = np.exp(np.divide(half, mean, where=inside, out=np.zeros(n)))
        low, high = np.where(inside, mean / factor, low), np.where(inside, mean * factor, high)
    elif scale == "correlation":
        inside = (np.abs(values) <= 1).all(axis=1) & (np.abs(mean) < 1)
        middle = np.where(inside, mean, 0.0)
        z, reach = np.arctanh(middle), half / (1 - middle**2)
        low, high = np.where(inside, np.tanh(z - reach), low), np.where(inside, np.tanh(z + reach), high)
    elif scale == "fraction":
        inside = ((values >= 0) & (values <= 1)).all(axis=1) & (mean > 0) & (mean < 1)
        middle = np.where(inside, mean, 0.5)
        odds, reach = logit(middle), half / (middle * (1 - middle))
        low, high = np.where(inside, expit(odds - reach), low), np.where(inside, expit(odds + reach), high)
    # rounding would have intervals of equal numbers begin above them
    return mean, np.minimum(low, mean), np.maximum(high, mean)


def along(table: pd.DataFrame, x: str, y: str, scale: Scale = "linear") -> Means:
    """The means of ``y`` over replicates at each ``x``.

    A replicate with any value that is not finite is left out.  One that stopped early has no rows after that: it stays
    where it was.  The first values of ``x``, up to one at which any replicate has a value, are left out: what is a
    mean over an epoch is not known before the first.

    Raises HwcoreError if a replicate has several values at one ``x``.
    """
    if (twice := table.duplicated([x, "replicate"])).any():
        at = table[x][twice].iloc[0]
        raise HwcoreError(f"{x}: the table has several values of {y} at {at:g} for a replicate; a line needs one")
    wide = table.pivot(index=x, columns="replicate", values=y).sort_index()
    known = wide.notna().any(axis=1)
    if known.any():
        wide = wide.loc[known.idxmax() :]
        table = table[table[x] >= known.idxmax()]
    lost = set(table.replicate[~np.isfinite(table[y].to_numpy(dtype=float))])
    finite = ~wide.columns.isin(lost)
    each = wide.ffill().to_numpy(dtype=float)[:, finite]
    return Means(wide.index.to_numpy(), each, *interval(each, scale), frozenset(wide.columns[~finite]))
