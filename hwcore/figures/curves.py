"""Metrics against epochs, a line per model."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    table: str,
    x: str,
    y: list[str],
    log: bool,
) -> Figure:
    """The mean over replicates with its 95 % band.

    A training metric and its test metric share a panel, the test metric dashed; every other column
    has a panel of its own.  ``log`` makes the vertical axes logarithmic.
    """
    rows = style.need(tables, table, ["model", "replicate", x, *y])
    panels = _panels(y)
    figure, axes = style.make(1, len(panels))
    for panel, columns in zip(axes, panels, strict=True):
        if log:
            style.log_scale(panel, "y", rows[columns].to_numpy().ravel())
        for i, (model, own) in enumerate(rows.groupby("model", sort=False)):
            name = labels[str(model)]
            colour = style.COLOURS[i % len(style.COLOURS)]
            for column in columns:
                dashed = len(columns) > 1 and column.startswith("test")
                said = name if len(columns) == 1 else f"{name}, {'test' if dashed else 'training'}"
                style.band(panel, own, x, column, colour=colour, label=said, dashed=dashed)
        shared = columns[0].partition("_")[2] if len(columns) > 1 else columns[0]
        panel.set(xlabel=style.label(x), ylabel=style.label(shared))
        panel.margins(x=0.01)
        if "accuracy" in columns[0]:
            low, high = panel.get_ylim()
            panel.set_ylim(max(low, -0.01), min(high, 1.01))
    style.legend(figure, axes[0])
    return figure


def _panels(columns: list[str]) -> list[list[str]]:
    """Columns by panel: train_loss and test_loss go together."""
    panels: dict[str, list[str]] = {}
    for column in columns:
        part, _, metric = column.partition("_")
        panels.setdefault(metric if part in ("train", "test") else column, []).append(column)
    return list(panels.values())
