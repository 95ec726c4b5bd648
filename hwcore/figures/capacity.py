"""Loss and accuracy of networks against their number of parameters."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str = "evaluation") -> Figure:
    """Training and test metrics with 95 % intervals over replicates; the horizontal axis is logarithmic.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["parameters", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    figure, panels = style.make(len(metrics), height=2.5)
    lost: set[tuple[str, int]] = set()
    for panel, metric in zip(panels, metrics, strict=True):
        panel.set_xscale("log")
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for i, part in enumerate(("train", "test")):
            column = f"{part}_{metric}"
            lost |= style.points(panel, rows, "parameters", column, colour=style.COLOURS[i], dashed=i == 1)
        panel.set(xlabel=style.label("parameters"), ylabel=style.label(metric))
        panel.set_xlim(rows.parameters.min() / 1.4, rows.parameters.max() * 1.4)
    return style.finish(figure, style.pair(style.COLOURS, len(lost)))
