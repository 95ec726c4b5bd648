"""The loss of points where training ended, against the share of directions that curve upwards."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """Points whose gradient is zero to the tolerance are full, all others hollow; the legend counts both."""
    rows = style.need(tables, table, ["model", "replicate", "loss", "minimal_ratio", "converged"])
    figure, (axes,) = style.make(height=3.1)
    for i, (model, own) in enumerate(rows.groupby("model", sort=False)):
        colour = style.COLOURS[i % len(style.COLOURS)]
        there = own.converged.astype(bool)
        name = f"{labels[str(model)]}: " if rows.model.nunique() > 1 else ""
        full, hollow = own[there], own[~there]
        axes.plot(
            hollow.minimal_ratio,
            hollow.loss,
            "o",
            color=style.GREY,
            markerfacecolor="none",
            markersize=5,
            label=f"{name}gradient not zero ({len(hollow)})",
        )
        axes.plot(
            full.minimal_ratio,
            full.loss,
            "o",
            color=colour,
            markersize=5,
            alpha=0.75,
            label=f"{name}gradient zero to the tolerance ({len(full)})",
        )
    axes.set(xlabel=style.label("minimal_ratio"), ylabel="training loss")
    axes.set_xlim(-0.03, 1.03)
    style.legend(figure, axes, columns=2)
    return figure
