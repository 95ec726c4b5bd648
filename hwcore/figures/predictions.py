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
    experiments: Mapping[str, str] | None = None,
) -> Figure:
    """The mean prediction of each model with its 95 % band over replicates, and the truth in grey.

    Of several ``experiments``, by id their names, each has a panel: their functions may differ.  Models are then
    called ``experiment/model``, and those with the same label have the same colour.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["x", "target", "prediction"])
    parts = rows.model.astype(str).str.rpartition("/")[0]
    panels = [(name, rows[parts == id]) for id, name in (experiments or {"": ""}).items()]
    figure, axes = style.make(len(panels), height=2.7)
    colours = style.palette(dict.fromkeys(labels.values(), ""))
    lost = dict.fromkeys(colours, 0)
    for panel, (name, shown) in zip(axes, panels, strict=True):
        truth = shown.drop_duplicates("x").sort_values("x")
        panel.plot(truth.x, truth.target, color=style.GREY, linewidth=3.2, alpha=0.55)
        for model, own in shown.groupby("model", sort=False):
            label = labels[str(model)]
            lost[label] += len(style.band(panel, own, "x", "prediction", colour=colours[label]))
        panel.set(xlabel="x", ylabel="y", title=name)
        panel.margins(x=0.01)
    legend = [style.entry("truth", style.GREY, linewidth=3.2, alpha=0.55)]
    legend += [style.entry(label, colour, lost=lost[label]) for label, colour in colours.items()]
    return style.finish(figure, legend)
