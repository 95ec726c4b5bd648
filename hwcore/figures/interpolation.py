"""Loss and accuracy on the lines between trained networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "interpolation",
) -> Figure:
    """Training and test metrics against α with 95 % bands; the networks of a pair are at α = 0 and 1.

    One pair has a colour for training and one for test, several pairs have a colour each.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["pair", "replicate"], ["alpha", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    figure, panels = style.make(len(metrics), height=2.5)
    pairs = {str(pair): own for pair, own in rows.groupby("pair", sort=False)}
    several = len(pairs) > 1
    colours = dict(zip(pairs, style.spread(len(pairs)), strict=True))
    lost: dict[str, set[int]] = {pair: set() for pair in pairs}
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for pair, own in pairs.items():
            for i, part in enumerate(("train", "test")):
                colour = colours[pair] if several else style.COLOURS[i]
                lost[pair] |= style.band(panel, own, "alpha", f"{part}_{metric}", colour=colour, dashed=i == 1)
        for alpha in (0, 1):
            panel.axvline(alpha, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
        panel.set(xlabel="α", ylabel=column_labels[metric])
        panel.margins(x=0.01)
    if not several:
        return style.finish(figure, style.pair(style.COLOURS, sum(map(len, lost.values()))))
    named = [style.entry(_named(pair, labels), colours[pair], lost=len(lost[pair])) for pair in pairs]
    return style.finish(figure, [*named, *style.pair()])


def _named(pair: str, labels: Mapping[str, str]) -> str:
    return " → ".join(labels.get(model, model) for model in pair.split(" → "))
