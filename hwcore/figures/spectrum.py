"""The spectral density of the Hessian, and its largest eigenvalues."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "spectrum",
) -> Figure:
    """The density of the first replicate of each model, and above the axis a mark at each eigenvalue.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate", "measure"], ["at", "value"])
    figure, (axes,) = style.make(height=2.9)
    colours = style.palette(labels)
    legend = []
    lowest = np.inf
    for model, own in rows.groupby("model", sort=False):
        colour = colours[str(model)]
        first = own[own.replicate == own.replicate.min()]
        curve = first[(first.measure == "density") & np.isfinite(first["value"])]
        # a kernel's tails fall below what a picture can tell from zero
        seen = curve[curve["value"] > 1e-6 * curve["value"].max()]
        axes.plot(seen["at"], seen["value"], color=colour)
        marks = first[first.measure == "eigenvalue"]["value"]
        lowest = min(lowest, seen["value"].min())
        axes.plot(marks, np.full(len(marks), seen["value"].min()), "|", color=colour, markersize=9)
        legend.append(style.entry(f"{labels[str(model)]}, replicate {int(first.replicate.iloc[0])}", colour))
    style.log_scale(axes, "y", [lowest])
    axes.set(xlabel="eigenvalue λ", ylabel="spectral density")
    legend.append(style.entry("the largest eigenvalues", marker="|", linestyle="none", markersize=9))
    return style.finish(figure, legend)
