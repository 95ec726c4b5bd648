"""Loss and accuracy of networks against their number of parameters."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str], table: str) -> Figure:
    """Training and test metrics with 95 % intervals over replicates; the horizontal axis is logarithmic."""
    metrics = [metric for metric in ("loss", "accuracy") if f"test_{metric}" in tables[table]]
    wanted = [f"{part}_{metric}" for metric in metrics for part in ("train", "test")]
    rows = style.need(tables, table, ["replicate", "parameters", "train_loss", "test_loss", *wanted])
    figure, panels = style.make(1, len(metrics))
    for panel, metric in zip(panels, metrics, strict=True):
        panel.set_xscale("log")
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for i, part in enumerate(("train", "test")):
            name = "training" if part == "train" else "test"
            style.points(
                panel, rows, "parameters", f"{part}_{metric}", colour=style.COLOURS[i], label=name, dashed=i == 1
            )
        panel.set(xlabel="parameters", ylabel=style.label(metric))
    style.legend(figure, panels[0])
    return figure
