"""Loss and accuracy of networks against their number of parameters."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import colours, style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "evaluation",
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """Training and test metrics, and the gap between them, against the number of parameters on a logarithmic axis.

    Bars are 95 % intervals over replicates; few replicates are dots.  A thin line is at the metric of ``chance``.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["parameters", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    shown = [*metrics, *(f"{metric}_gap" for metric in metrics if f"{metric}_gap" in rows)]
    figure, panels = style.make(len(shown), height=2.2)
    lost: set[tuple[str, int]] = set()
    each = style.few(rows)
    for panel, metric in zip(panels, shown, strict=True):
        panel.set_xscale("log")
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        if metric in metrics:
            for i, part in enumerate(("train", "test")):
                column = f"{part}_{metric}"
                side = style.SHIFT * (2 * i - 1)
                look = style.Look(style.COLOURS[i])
                lost |= style.points(panel, rows, "parameters", column, look=look, stroke=i, shift=side, each=each)
        else:
            panel.axhline(0, color=colours.GREY, linewidth=0.8)
            lost |= style.points(panel, rows, "parameters", metric, look=style.Look(style.COLOURS[2]), each=each)
        panel.set(xlabel=column_labels["parameters"], ylabel=column_labels[metric])
        panel.set_xlim(rows.parameters.min() / 1.4, rows.parameters.max() * 1.4)
        style.level(panel, (chance or {}).get(metric), "chance")
    legend = style.pair(style.COLOURS, len(lost))
    return style.finish(figure, legend, style.criterion([rows], "hollow: not by all"))
