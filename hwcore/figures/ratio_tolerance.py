"""The minimal ratio of points where training ended, against the tolerance for an eigenvalue to count as zero."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hwcore.errors import HwcoreError
from hwcore.figures import style

_PREFIX = "ratio_at_"


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "critical-points",
) -> Figure:
    """Means over the replicates with 95 % bands, by τ as a share of the largest eigenvalue; dashes: the points' own τ.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["minimal_ratio"])
    columns = [column for column in rows if str(column).startswith(_PREFIX)]
    if not columns:
        raise HwcoreError(f"table {table} has no column {_PREFIX}…; it comes from critical_points")
    figure, (axes,) = style.make(height=2.9)
    colours = style.palette(labels)
    taus = np.array([float(str(column).removeprefix(_PREFIX)) for column in columns])
    # zero has a place of its own, as far left of the smallest τ as the next is right of it
    smallest = taus[taus > 0].min()
    places = np.where(taus > 0, taus, smallest / 100)
    legend = []
    for model in rows.model.unique():
        own = rows[rows.model == model]
        kept = own[np.isfinite(own[columns].to_numpy(dtype=float)).all(axis=1)]
        mean, half = style.interval(kept[columns].to_numpy(dtype=float).T)
        axes.plot(places, mean, color=colours[model], marker="o", markersize=3.5)
        axes.fill_between(places, mean - half, mean + half, color=colours[model], alpha=0.2, linewidth=0)
        axes.axhline(kept.minimal_ratio.mean(), color=colours[model], linestyle=style.DASHES, linewidth=1)
        lost = len(own) - len(kept)
        name = labels[model] + (f" ({lost} diverged)" if lost else "")
        legend.append(style.entry(name, colours[model], marker="o", markersize=3.5))
    legend.append(style.entry("at the τ of each point", style.DARK, linestyle=style.DASHES, linewidth=1))
    axes.set_xscale("log")
    axes.set_xticks(places, ["0" if tau == 0 else style.number(tau) for tau in taus])
    axes.minorticks_off()
    axes.set(xlabel="tolerance τ as a share of the largest eigenvalue", ylabel="share of eigenvalues above τ")
    axes.set_ylim(-0.03, 1.03)
    return style.finish(figure, legend)
