"""Loss and gradient norm, step by step, one above the other."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hwcore.figures import style

_OTHERS = 9  # thin lines of a model; more would be a thicket and a large file


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "gradient-norm",
) -> Figure:
    """A replicate as a thick line, up to nine others as thin ones: a mean would smooth the spikes away.

    The thick one is the first that stayed finite; one that diverged is drawn up to there.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["step", "loss", "grad_norm"])
    figure, panels = style.make(2, height=1.7, stacked=True)
    looks = style.palette(labels)
    legend: list[Line2D] = []
    for panel, column in zip(panels, ("loss", "grad_norm"), strict=True):
        style.log_scale(panel, "y", rows[column])
        panel.set_ylabel(column_labels[column])
        panel.margins(x=0.01)
    for model, own in rows.groupby("model", sort=False):
        colour = looks[str(model)].colour
        paths = {r: own[own.replicate == r].sort_values("step") for r in sorted(own.replicate.unique())}
        finite = np.isfinite(own[["loss", "grad_norm"]].to_numpy()).all(axis=1)
        diverged = set(own.replicate[~finite])
        first = next((replicate for replicate in paths if replicate not in diverged), min(paths))
        others = [replicate for replicate in paths if replicate != first]
        shown = others[:_OTHERS]
        for panel, column in zip(panels, ("loss", "grad_norm"), strict=True):
            for replicate in [first, *shown]:
                path = paths[replicate][np.isfinite(paths[replicate][column])]
                x, y = path.step.to_numpy(), path[column].to_numpy()
                kept = style.thin(x, y)
                thick = replicate == first
                width, alpha, order = (1.3, 1.0, 3) if thick else (0.5, 0.35, 2)
                # a line of one point is not seen
                marker = "o" if len(kept) == 1 else ""
                panel.plot(x[kept], y[kept], color=colour, marker=marker, linewidth=width, alpha=alpha, zorder=order)
        name = f"{labels[str(model)]}: replicate {first}"
        if diverged:
            name += f"; {len(diverged)} of {len(paths)} diverged"
        legend.append(style.entry(name, colour, linewidth=1.3))
        if others:
            said = "the others" if len(shown) == len(others) else f"{len(shown)} of {len(others)} others"
            legend.append(style.entry(said, colour, linewidth=0.5, alpha=0.6))
    panels[-1].set_xlabel("step")
    style.whole(panels[-1])
    return style.finish(figure, legend)
