"""The way of the weights during training, in the plane of their principal components."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style

_MANY = 16  # replicates beyond this share one legend entry


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """A line per replicate in the order of epochs: an open circle at the start, a full one at the end.

    The axes state the share of the variance that they explain.
    """
    rows = style.need(tables, table, ["model", "replicate", "epoch", "pc1", "pc2", "explained1", "explained2"])
    models = list(rows.groupby("model", sort=False))
    figure, panels = style.make(1, len(models), height=3.6)
    for panel, (model, own) in zip(panels, models, strict=True):
        replicates = own.replicate.unique()
        colours = mpl.colormaps["turbo"].resampled(len(replicates) + 2)
        for i, (replicate, path) in enumerate(own.sort_values("epoch").groupby("replicate")):
            colour = colours(i + 1)
            name = f"replicate {replicate}" if len(replicates) <= _MANY else None
            panel.plot(path.pc1, path.pc2, color=colour, marker=".", markersize=3, linewidth=0.9, label=name)
            panel.plot(path.pc1.iloc[:1], path.pc2.iloc[:1], "o", color=colour, markersize=6, markerfacecolor="white")
            panel.plot(path.pc1.iloc[-1:], path.pc2.iloc[-1:], "o", color=colour, markersize=6)
        first = own.iloc[0]
        panel.set(
            xlabel=f"first principal component ({first.explained1:.0%} of the variance)",
            ylabel=f"second principal component ({first.explained2:.0%})",
        )
        if len(models) > 1:
            panel.set_title(labels[str(model)])
    panels[0].plot([], [], "o", color=style.GREY, markerfacecolor="white", label="start")
    panels[0].plot([], [], "o", color=style.GREY, label="end")
    style.legend(figure, panels[0])
    return figure
