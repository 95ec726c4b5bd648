"""What networks make of a function, beside the function."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """The mean prediction of each model with its 95 % band over replicates, and the truth in grey."""
    rows = style.need(tables, table, ["model", "replicate", "x", "target", "prediction"])
    figure, (axes,) = style.make()
    truth = rows.drop_duplicates("x").sort_values("x")
    axes.plot(truth.x, truth.target, color=style.GREY, linewidth=3.2, alpha=0.55, label="truth")
    for i, (model, own) in enumerate(rows.groupby("model", sort=False)):
        colour = style.COLOURS[i % len(style.COLOURS)]
        style.band(axes, own, "x", "prediction", colour=colour, label=labels[str(model)])
    axes.set(xlabel="x", ylabel="y")
    axes.margins(x=0.01)
    style.legend(figure, axes, above=True)
    return figure
