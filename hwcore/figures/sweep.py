"""Metrics of trained networks against a setting of their training."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    x: str,
    measures: list[tuple[str, str]],
) -> Figure:
    """A panel for each of ``measures`` (table, column) against the setting ``x``, on a logarithmic axis.

    A training metric and its test metric share a panel.  Bars are 95 % intervals over replicates.
    """
    panels: dict[str, list[tuple[str, str]]] = {}
    for table, column in measures:
        part, _, metric = column.partition("_")
        panels.setdefault(metric if part in ("train", "test") else column, []).append((table, column))
    columns = min(2, len(panels))
    figure, axes = style.make(math.ceil(len(panels) / columns), columns, height=2.5)
    for panel, (metric, shown) in zip(axes, panels.items(), strict=False):
        for i, (table, column) in enumerate(shown):
            rows = style.need(tables, table, ["replicate", x, column])
            style.log_scale(panel, "x", rows[x])
            name = {"train": "training", "test": "test"}.get(column.partition("_")[0], style.label(column))
            style.points(panel, rows, x, column, colour=style.COLOURS[i], label=name, dashed=i == 1)
        panel.set(xlabel=style.label(x), ylabel=style.label(metric))
        if len(shown) > 1:
            panel.legend()
    for unused in axes[len(panels) :]:
        unused.remove()
    return figure
