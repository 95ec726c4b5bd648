"""What networks make of a function, beside the function."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import colours, style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "predictions",
    experiments: Mapping[str, str] | None = None,
) -> Figure:
    """The mean prediction of each model with its 95 % band, or with each of few replicates, and the truth in grey.

    Of several ``experiments``, by id their names, each has a panel: their functions may differ.  Models are then
    called ``experiment/model``, and those with the same label have the same colour.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate"], ["x", "target", "prediction"])
    parts = rows.model.astype(str).str.rpartition("/")[0]
    panels = [(name, rows[parts == id]) for id, name in (experiments or {"": ""}).items()]
    figure, axes = style.make(len(panels), height=2.4 if len(panels) == 1 else 2.1)
    looks = style.palette(dict.fromkeys(labels.values()))
    each = style.few(rows)
    lost = dict.fromkeys(looks, 0)
    for panel, (name, shown) in zip(axes, panels, strict=True):
        truth = shown.drop_duplicates("x").sort_values("x")
        panel.plot(truth.x, truth.target, color=colours.GREY, linewidth=3.2, alpha=0.55)
        for model, own in shown.groupby("model", sort=False):
            label = labels[str(model)]
            lost[label] += len(style.band(panel, own, "x", "prediction", look=looks[label], each=each).lost)
        panel.set(xlabel="x", ylabel="y", title=name)
        panel.margins(x=0.01)
    legend = [style.entry("truth", colours.GREY, linewidth=3.2, alpha=0.55)]
    legend += [style.entry(label, look, lost=lost[label]) for label, look in looks.items()]
    return style.finish(figure, legend)
