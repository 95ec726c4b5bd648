"""Loss and accuracy on the lines between trained networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import colours, style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "interpolation",
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """Training and test metrics against α with 95 % bands, or each of few replicates.

    The networks of a pair are at α = 0 and 1.  One pair has a colour for training and one for test, several pairs have
    a colour each.  A thin line is at the metric of ``chance``.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["pair", "replicate"], ["alpha", "train_loss", "test_loss"])
    metrics = ["loss", *(["accuracy"] if {"train_accuracy", "test_accuracy"} <= set(rows.columns) else [])]
    figure, panels = style.make(len(metrics), height=2.2)
    pairs = {str(pair): own for pair, own in rows.groupby("pair", sort=False)}
    several = len(pairs) > 1
    looks = style.palette(pairs)
    lost: dict[str, set[int]] = {pair: set() for pair in pairs}
    each = style.few(rows)
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "loss":
            style.log_scale(panel, "y", rows[["train_loss", "test_loss"]].to_numpy().ravel())
        for pair, own in pairs.items():
            for i, part in enumerate(("train", "test")):
                look = looks[pair] if several else style.Look(style.COLOURS[i])
                column = f"{part}_{metric}"
                lost[pair] |= style.band(panel, own, "alpha", column, look=look, stroke=i, each=each).lost
        for alpha in (0, 1):
            panel.axvline(alpha, color=colours.GREY, linewidth=0.8, linestyle=":", zorder=1)
        panel.set(xlabel="α", ylabel=column_labels[metric])
        panel.margins(x=0.01)
        style.level(panel, (chance or {}).get(metric), "chance")
    if not several:
        first, second = (labels.get(model, model) for pair in pairs for model in pair.split(" → "))
        ends = style.entry(f"α = 0: {first}; α = 1: {second}", colours.GREY, marker="|", linestyle="", markersize=9)
        return style.finish(figure, style.pair(style.COLOURS, sum(map(len, lost.values()))), [ends])
    named = [style.entry(_named(pair, labels), looks[pair], lost=len(lost[pair])) for pair in pairs]
    return style.finish(figure, [*named, *style.pair()])


def _named(pair: str, labels: Mapping[str, str]) -> str:
    return " → ".join(labels.get(model, model) for model in pair.split(" → "))
