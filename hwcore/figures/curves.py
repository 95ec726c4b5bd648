"""Metrics against epochs, a line per model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
) -> Figure:
    """The mean over replicates with its 95 % band.

    A training metric and its test metric share a panel, the test metric dashed; every other column
    has a panel of its own.  ``log`` makes the vertical axes logarithmic, those of accuracies excepted.
    Shown is every ``every``-th of the values along ``x``, from ``start`` on, each as it is, and no mean of those
    between.  An ``offset`` is added to all columns and named on the axes.
    ``floor`` is the table of an ``optimum``: dotted, the least loss that it found for each model.
    ``side_by_side``, each of several ``experiments``, by id their names, has panels of its own.  Models are then called
    ``experiment/model``, and those with the same label have the same colour.

    Raises HwcoreError if the table has no rows, none from ``start`` on, or lacks a column.
    """
    style.need(tables, table, [], [x], option="x", epochs=True)
    rows = style.need(tables, table, ["model", "replicate"], y, option="y", epochs=True)
    places = np.unique(rows[x])
    places = places[places >= (places[0] if start is None else start)][::every]
    if not len(places):
        raise HwcoreError(f"figure option start: {start:g} is beyond the last {x} of table {table}, {rows[x].max():g}")
    rows = rows.assign(**{column: rows[column] + offset for column in y})
    floors = pd.Series(dtype=float)
    if floor is not None:
        least = style.need(tables, floor, ["model"], ["train_loss"], option="floor")
        floors = least.groupby("model").train_loss.min() + offset
    parts = experiments if side_by_side and experiments else {"": ""}
    panels = [(id, columns) for columns in _panels(y) for id in parts]
    figure, axes = style.make(len(panels), height=2.7 if len(panels) == 1 else 2.4)
    colours = style.palette(dict.fromkeys(labels.values(), ""))
    models = {str(model): own for model, own in rows.groupby("model", sort=False)}
    lost: dict[str, set[tuple[str, int]]] = {label: set() for label in colours}
    for panel, (id, columns) in zip(axes, panels, strict=True):
        shown = {model: own for model, own in models.items() if not id or model.startswith(f"{id}/")}
        ends = floors[floors.index.isin(shown)].dropna()
        shared = len(columns) > 1
        if log and not columns[0].endswith("accuracy"):
            values = pd.concat(shown.values())[columns]
            style.log_scale(panel, "y", [*values.to_numpy().ravel(), *ends])
        for model, own in shown.items():
            label = labels[model]
            for column in columns:
                dashed = shared and column.startswith("test")
                look = {"colour": colours[label], "dashed": dashed}
                lost[label] |= {(model, each) for each in style.band(panel, own, x, column, places=places, **look)}
        if "train_loss" in columns:
            for name, height in ends.items():
                panel.axhline(height, color=colours[labels[str(name)]], linestyle=":", linewidth=1.2)
        metric = columns[0].partition("_")[2] if shared else columns[0]
        panel.set(xlabel=column_labels[x], ylabel=column_labels[metric] + _sum(offset), title=parts[id])
        panel.margins(x=0.01)
        if pd.api.types.is_integer_dtype(rows[x]):
            panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    legend = [style.entry(label, colours[label], lost=len(lost[label])) for label in colours]
    if any(len(columns) > 1 for _, columns in panels):
        legend += style.pair()
    if len(floors):
        legend.append(style.entry("least loss found by Levenberg-Marquardt from there", linestyle=":", linewidth=1.2))
    return style.finish(figure, legend + style.criterion([rows]))


def _sum(offset: float) -> str:
    return f" {'+' if offset > 0 else '−'} {abs(offset):g}" if offset else ""


def _panels(columns: list[str]) -> list[list[str]]:
    """Columns by panel: train_loss and test_loss go together."""
    panels: dict[str, list[str]] = {}
    for column in columns:
        part, _, metric = column.partition("_")
        panels.setdefault(metric if part in ("train", "test") else column, []).append(column)
    return list(panels.values())
