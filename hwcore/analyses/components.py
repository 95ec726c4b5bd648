"""Principal components of weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcore.errors import HwcoreError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """The mean (p,) and the first principal axes (p, count), of length one, the widest first."""

    mean: Array
    axes: Array

    def project(self, rows: Array) -> Array:
        """The coordinates (n, count) of ``rows`` (n, p)."""
        coordinates: Array = (rows - self.mean) @ self.axes
        return coordinates

    def explained(self, rows: Array) -> Array:
        """The share of the variance of ``rows`` along each axis: (count,); NaN for rows that do not vary."""
        total = rows.var(0).sum()
        shares: Array = self.project(rows).var(0) / total if total > 0 else np.full(self.axes.shape[1], np.nan)
        return shares


def principal_components(rows: Array, count: int) -> Components:
    """Those of ``rows`` (n, p), exact, from the eigenvectors of the Gram matrix of the centred rows (n, n).

    So p may be any number of weights.  The sign of each axis is that in which the coordinate of largest
    magnitude is positive.  Where the rows span fewer dimensions, an axis is zero.

    Raises HwcoreError if a row is not finite.
    """
    if not np.isfinite(rows).all():
        raise HwcoreError("some recorded weights are not finite: a replicate diverged; lower its `lr`")
    mean = rows.mean(0)
    centred = rows - mean
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    axes = np.zeros((rows.shape[1], count))
    for i, (value, vector) in enumerate(zip(values, vectors.T, strict=True)):
        # what is left of a Gram matrix by rounding alone has no direction
        if value > len(rows) * np.finfo(np.float64).eps * values[0]:
            axis = centred.T @ (vector * np.sign(vector[np.abs(vector).argmax()]))
            axes[:, i] = axis / np.linalg.norm(axis)
    return Components(mean, axes)
