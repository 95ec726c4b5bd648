"""Loss and gradient norm, step by step, one above the other."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """Each replicate as a thin line, one of them as a thick one: a mean would smooth the spikes away."""
    rows = style.need(tables, table, ["model", "replicate", "step", "loss", "grad_norm"])
    figure, panels = style.make(2, 1, height=2.1, share_x=True)
    for panel, column in zip(panels, ("loss", "grad_norm"), strict=True):
        style.log_scale(panel, "y", rows[column])
        for i, (model, own) in enumerate(rows.groupby("model", sort=False)):
            colour = style.COLOURS[i % len(style.COLOURS)]
            for replicate, path in own.groupby("replicate"):
                first = replicate == own.replicate.min()
                name = f"{labels[str(model)]}, replicate {replicate}" if first else None
                panel.plot(
                    path.step,
                    path[column],
                    color=colour,
                    linewidth=1.5 if first else 0.6,
                    label=name,
                    alpha=1.0 if first else 0.35,
                    zorder=3 if first else 2,
                )
            if own.replicate.nunique() > 1:
                panel.plot([], [], color=colour, linewidth=0.6, alpha=0.5, label=f"{labels[str(model)]}, the others")
        panel.set_ylabel(style.label(column))
        panel.margins(x=0.01)
    panels[1].set_xlabel("step")
    style.legend(figure, panels[0])
    return figure
