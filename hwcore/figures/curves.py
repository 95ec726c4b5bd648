"""Metrics against epochs, a line per model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hwcore.errors import HwcoreError
from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "metrics",
    x: str = "epoch",
    y: list[str],
    log: bool = False,
    every: int = 1,
    start: float | None = None,
    offset: float = 0.0,
    floor: str | None = None,
    side_by_side: bool = False,
    experiments: Mapping[str, str] | None = None,
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """The mean over replicates with its 95 % band, or with the replicates as thin lines where they are few.

    A training metric and its test metric share a panel, the test metric dashed; every other column
    has a panel of its own.  ``log`` makes the vertical axes logarithmic, those of accuracies excepted.
    Shown is every ``every``-th of the values along ``x``, from ``start`` on, each as it is, and no mean of those
    between.  An ``offset`` is added to all columns and named on the axes.
    ``floor`` is the table of an ``optimum``: dotted, the least loss that it found for each model, where that lies below
    the end of the model's curve, which may be of more replicates.
    ``side_by_side``, each of several ``experiments``, by id their names, has panels of its own.  Models are then called
    ``experiment/model``, and those with the same label have the same colour.
    A thin line is at the metric of ``chance``.

    Raises HwcoreError if the table has no rows, none from ``start`` on, or lacks a column.
    """
    style.need(tables, table, [], [x], option="x", epochs=True)
    rows = style.need(tables, table, ["model", "replicate"], y, option="y", epochs=True)
    places = np.unique(rows[x])
    places = places[places >= (places[0] if start is None else start)][::every]
    if not len(places):
        raise HwcoreError(f"figure option start: {start:g} is beyond the last {x} of table {table}, {rows[x].max():g}")
    rows = rows.assign(**{column: rows[column] + offset for column in y})
    floors = _floors(tables, floor) + offset
    parts = experiments if side_by_side and experiments else {"": ""}
    panels = [(id, columns) for columns in _panels(y) for id in parts]
    figure, axes = style.make(len(panels), height=2.5 if len(panels) == 1 else 2.1)
    looks = style.palette(dict.fromkeys(labels.values()))
    models = {str(model): own for model, own in rows.groupby("model", sort=False)}
    lost: dict[str, set[tuple[str, int]]] = {label: set() for label in looks}
    ends: dict[str, tuple[style.Look, float, float]] = {}
    each, dotted = style.few(rows), False
    for panel, (id, columns) in zip(axes, panels, strict=True):
        shown = {model: own for model, own in models.items() if not id or model.startswith(f"{id}/")}
        least = floors[floors.index.isin(shown)].dropna()
        shared = len(columns) > 1
        if log and not columns[0].endswith("accuracy"):
            values = pd.concat(shown.values())[columns]
            style.log_scale(panel, "y", [*values.to_numpy().ravel(), *least])
        reached: dict[str, float] = {}
        for model, own in shown.items():
            label = labels[model]
            for column in columns:
                stroke = int(shared and column.startswith("test"))
                means = style.band(panel, own, x, column, look=looks[label], stroke=stroke, places=places, each=each)
                lost[label] |= {(model, replicate) for replicate in means.lost}
                if not stroke and len(means.mean):
                    ends[label] = (looks[label], float(means.at[-1]), float(means.mean[-1]))
                    reached |= {model: float(means.mean[-1])} if column == "train_loss" else {}
        lower = {str(model): height for model, height in least.items() if height < reached.get(str(model), -np.inf)}
        for model, height in lower.items():
            panel.axhline(height, color=looks[labels[model]].colour, linestyle=":", linewidth=1.2)
        dotted |= bool(lower)
        name = columns[0].partition("_")[2] if shared else columns[0]
        panel.set(xlabel=column_labels[x], ylabel=column_labels[name] + _sum(offset), title=parts[id])
        panel.margins(x=0.01)
        if pd.api.types.is_integer_dtype(rows[x]):
            style.whole(panel)
        if chance and (metric := columns[0].removeprefix("train_").removeprefix("test_")) in chance:
            style.level(panel, chance[metric] + offset, "chance")
    named = len(panels) == 1 and not any(lost.values()) and len(ends) == len(looks) and style.ends(axes[0], ends)
    legend = [] if named else [style.entry(label, looks[label], lost=len(lost[label])) for label in looks]
    if any(len(columns) > 1 for _, columns in panels):
        legend += style.pair()
    if dotted:
        legend.append(style.entry("least loss found by Levenberg-Marquardt from there", linestyle=":", linewidth=1.2))
    return style.finish(figure, legend, style.criterion([rows]))


def _floors(tables: Mapping[str, pd.DataFrame], floor: str | None) -> "pd.Series[float]":
    if floor is None:
        return pd.Series(dtype=float)
    least = style.need(tables, floor, ["model"], ["train_loss"], option="floor")
    return least.groupby("model").train_loss.min()


def _sum(offset: float) -> str:
    return f" {'+' if offset > 0 else '−'} {abs(offset):g}" if offset else ""


def _panels(columns: list[str]) -> list[list[str]]:
    """Columns by panel: train_loss and test_loss go together."""
    panels: dict[str, list[str]] = {}
    for column in columns:
        part, _, metric = column.partition("_")
        panels.setdefault(metric if part in ("train", "test") else column, []).append(column)
    return list(panels.values())
