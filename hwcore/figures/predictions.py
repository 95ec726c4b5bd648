"""What networks make of a function, beside the function."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "predictions",
) -> Figure:
    """The mean prediction of each model with its 95 % band over replicates, and the truth in grey.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["x", "target", "prediction"])
    figure, (axes,) = style.make(height=2.7)
    truth = rows.drop_duplicates("x").sort_values("x")
    axes.plot(truth.x, truth.target, color=style.GREY, linewidth=3.2, alpha=0.55)
    legend = [style.entry("truth", style.GREY, linewidth=3.2, alpha=0.55)]
    colours = style.palette(labels)
    for model, own in rows.groupby("model", sort=False):
        colour = colours[str(model)]
        lost = style.band(axes, own, "x", "prediction", colour=colour)
        legend.append(style.entry(labels[str(model)], colour, lost=len(lost)))
    axes.set(xlabel="x", ylabel="y")
    axes.margins(x=0.01)
    return style.finish(figure, legend)
