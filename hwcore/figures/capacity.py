"""Loss and accuracy of networks against their number of parameters."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "evaluation",
) -> Figure:
    """Training and test metrics, and the gap between them, against the number of parameters on a logarithmic axis.

    Bars are 95 % intervals over replicates.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["parameters", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    shown = [*metrics, *(f"{metric}_gap" for metric in metrics if f"{metric}_gap" in rows)]
    figure, panels = style.make(len(shown), height=2.5)
    lost: set[tuple[str, int]] = set()
    for panel, metric in zip(panels, shown, strict=True):
        panel.set_xscale("log")
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        if metric in metrics:
            for i, part in enumerate(("train", "test")):
                column = f"{part}_{metric}"
                lost |= style.points(panel, rows, "parameters", column, colour=style.COLOURS[i], dashed=i == 1)
        else:
            panel.axhline(0, color=style.GREY, linewidth=0.8)
            lost |= style.points(panel, rows, "parameters", metric, colour=style.COLOURS[2])
        panel.set(xlabel=column_labels["parameters"], ylabel=column_labels[metric])
        panel.set_xlim(rows.parameters.min() / 1.4, rows.parameters.max() * 1.4)
    legend = style.pair(style.COLOURS, len(lost))
    return style.finish(figure, [*legend, *style.criterion([rows], "hollow: not by all")])
