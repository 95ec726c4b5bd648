"""The minimal ratio of points where training ended, against the tolerance for an eigenvalue to count as zero."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hwcore.errors import HwcoreError
from hwcore.figures import colours, means, style

_PREFIX = "ratio_at_"


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "critical-points",
) -> Figure:
    """Means over the replicates with 95 % bands, or each of few replicates, by τ as a share of the largest eigenvalue.

    Dashes are at the points' own τ.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["minimal_ratio"])
    columns = [column for column in rows if str(column).startswith(_PREFIX)]
    if not columns:
        raise HwcoreError(f"table {table} has no column {_PREFIX}…; it comes from critical_points")
    figure, (axes,) = style.make(height=2.6)
    looks = style.palette(labels)
    taus = np.array([float(str(column).removeprefix(_PREFIX)) for column in columns])
    # zero has a place of its own, as far left of the smallest τ as the next is right of it
    smallest = taus[taus > 0].min()
    places = np.where(taus > 0, taus, smallest / 100)
    legend = []
    for model in rows.model.unique():
        own = rows[rows.model == model]
        kept = own[np.isfinite(own[columns].to_numpy(dtype=float)).all(axis=1)]
        colour, marker = looks[model].colour, looks[model].marker or "o"
        each = kept[columns].to_numpy(dtype=float).T
        mean, low, high = means.interval(each, "fraction")
        axes.plot(places, mean, color=colour, marker=marker)
        if style.few(rows):
            axes.plot(places, each, color=colour, linewidth=0.5, alpha=0.5)
        else:
            axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.axhline(kept.minimal_ratio.mean(), color=colour, linestyle=style.DASHES, linewidth=1)
        lost = len(own) - len(kept)
        legend.append(style.entry(labels[model], colour, lost=lost, marker=marker))
    legend.append(style.entry("at the τ of each point", colours.DARK, linestyle=style.DASHES, linewidth=1))
    axes.set_xscale("log")
    axes.set_xticks(places, style.numbers(taus))
    axes.minorticks_off()
    axes.set(xlabel="tolerance as a share of the largest eigenvalue", ylabel="share of larger eigenvalues")
    axes.set_ylim(-0.03, 1.03)
    return style.finish(figure, legend)
