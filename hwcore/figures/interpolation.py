"""Loss and accuracy on the line between two trained networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str = "interpolation") -> Figure:
    """Training and test metrics against α with 95 % bands; the two networks are at α = 0 and 1.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["replicate"], ["alpha", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    figure, panels = style.make(len(metrics), height=2.5)
    lost: set[int] = set()
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for i, part in enumerate(("train", "test")):
            lost |= style.band(panel, rows, "alpha", f"{part}_{metric}", colour=style.COLOURS[i], dashed=i == 1)
        for alpha in (0, 1):
            panel.axvline(alpha, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
        panel.set(xlabel="α", ylabel=style.label(metric))
        panel.margins(x=0.01)
    return style.finish(figure, style.pair(style.COLOURS, len(lost)))
