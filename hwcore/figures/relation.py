"""Measures that are to tell generalisation, against the gap between training and test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import kendalltau, norm

from hwcore.errors import HwcoreError
from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    measures: Sequence[Sequence[str]],
    gap: str = "loss_gap",
) -> Figure:
    """A panel for each of ``measures`` (table, column): a point for every replicate of every model, at its ``gap``.

    Above it τ, Kendall's rank correlation of the two over all points, the statistic of Jiang et al. 2020
    (arXiv:1912.02178): 1 where the measure orders all networks as the gap does.  Its 95 % interval, of five networks or
    more, is that of Fieller, Hartley & Pearson 1957 (Biometrika 44), on Fisher's scale, as if all were independent.

    A network that did not meet the criterion at which its training was to end is a hollow point and has no part in τ.
    Axes of positive numbers that span more than a decade are logarithmic.

    Raises HwcoreError if there is no measure, a table has no rows or lacks a column.
    """
    if not measures:
        raise HwcoreError("figure option measures: is empty; name at least one [table, column]")
    looks = style.palette(labels)
    figure, panels = style.make(len(measures), columns=2, height=2.1)
    lost: set[tuple[str, int]] = set()
    models: dict[str, None] = {}
    for panel, (table, column) in zip(panels, measures, strict=True):
        rows = style.need(tables, table, ["model", "replicate"], [column, gap], option="measures")
        models |= dict.fromkeys(map(str, rows.model.unique()))
        finite = np.isfinite(rows[[column, gap]].to_numpy(dtype=float)).all(axis=1)
        lost |= {(model, replicate) for model, replicate in rows.loc[~finite, ["model", "replicate"]].to_numpy()}
        kept = rows[finite]
        for model, own in kept.groupby("model", sort=False):
            missed, (colour, marker) = style.missed(own), looks[str(model)]
            look: dict[str, Any] = {"color": colour, "marker": marker or "o", "linestyle": "none", "alpha": 0.8}
            panel.plot(own[column][~missed], own[gap][~missed], **look)
            if missed.any():
                panel.plot(own[column][missed], own[gap][missed], markerfacecolor="none", **look)
        if len(kept) and kept[column].min() > 0 and kept[column].max() > 10 * kept[column].min():
            style.log_scale(panel, "x", kept[column])
        ranked = kept[~style.missed(kept)]
        if ranked[column].nunique() > 1 and ranked[gap].nunique() > 1:
            tau = kendalltau(ranked[column], ranked[gap]).statistic
            panel.set_title(f"τ = {tau:.2f}{_interval(tau, len(ranked))}".replace("-", "−"))
        panel.set(xlabel=column_labels[column], ylabel=column_labels[gap])
    counts = {model: sum(1 for other, _ in lost if other == model) for model in models}
    legend = [
        style.entry(
            labels[model], looks[model].colour, lost=counts[model], linestyle="none", marker=looks[model].marker or "o"
        )
        for model in models
    ]
    notes = style.criterion((tables[table] for table, _ in measures), "hollow: not reached, not in τ")
    return style.finish(figure, legend, notes)


def _interval(tau: float, n: int) -> str:
    if n <= 4 or abs(tau) >= 1:
        return ""
    low, high = np.tanh(np.arctanh(tau) + np.array([-1, 1]) * norm.ppf(0.975) * np.sqrt(0.437 / (n - 4)))
    return f" ({low:.2f} to {high:.2f})"
