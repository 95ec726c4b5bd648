"""Loss and accuracy on the line between two trained networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """Training and test metrics against α with 95 % bands; the two networks are at α = 0 and 1."""
    metrics = [metric for metric in ("loss", "accuracy") if f"test_{metric}" in tables[table]]
    wanted = [f"{part}_{metric}" for metric in metrics for part in ("train", "test")]
    rows = style.need(tables, table, ["replicate", "alpha", "train_loss", *wanted])
    figure, panels = style.make(1, len(metrics))
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for alpha in (0, 1):
            panel.axvline(alpha, color=style.GREY, linewidth=0.8, linestyle=":")
        for i, part in enumerate(("train", "test")):
            name = "training" if part == "train" else "test"
            style.band(panel, rows, "alpha", f"{part}_{metric}", colour=style.COLOURS[i], label=name, dashed=i == 1)
        panel.set(xlabel="α", ylabel=style.label(metric))
        panel.margins(x=0.01)
    style.legend(figure, panels[0])
    return figure
