"""Metrics of trained networks against a setting of their training."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    x: str,
    measures: Sequence[Sequence[str]],
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """A panel for each of ``measures`` (table, column) against the setting ``x``, on a logarithmic axis.

    A training metric and its test metric share a panel, and so do a measure and that of the rescaled weights
    (rescaled_...).  A replicate without a value is left out of its point.  A setting that a logarithmic axis cannot
    hold (a name, zero) has evenly spaced places.  Bars are 95 % intervals over replicates, few of
    which are dots instead, and a point is hollow where some of these did not meet the criterion at which their training
    was to end.  A measure that fewer than two settings have is told in words.  A thin line is at the metric of
    ``chance``.

    Raises HwcoreError if there is no measure, a table has no rows or lacks a column.
    """
    if not measures:
        raise HwcoreError("figure option measures: is empty; name at least one [table, column]")
    for table, column in measures:
        style.need(tables, table, [x], option="x")
        style.need(tables, table, ["model", "replicate"], [column], option="measures")
    panels = _panels(measures)
    # the order in which a setting is met is that of the models
    values = list(dict.fromkeys(pd.concat([tables[table][x] for table, _ in measures])))
    even = any(isinstance(value, str) or value <= 0 for value in values)
    if not any(isinstance(value, str) for value in values):
        values.sort()
    names = values if any(isinstance(value, str) for value in values) else style.numbers(values)
    places = list(range(len(values))) if even else values
    # a single point is no curve; where no measure has more, it is all there is to see
    curves = {
        key: shown
        for key, shown in panels.items()
        if any(_known(tables[table], column)[x].nunique() > 1 for table, column in shown)
    } or panels
    figure, axes = style.make(len(curves), height=2.1)
    lost: set[tuple[str, int]] = set()
    paired: set[str] = set()
    for panel, ((_, metric), shown) in zip(axes, curves.items(), strict=True):
        panel.set_xscale("linear" if even else "log")
        for i, (table, column) in enumerate(shown):
            rows = tables[table]
            if even:
                rows = rows.assign(**{x: rows[x].map(values.index)})
            # blue and orange are training and test throughout the figure
            colour = style.COLOURS[i] if len(shown) > 1 else style.COLOURS[2]
            side = style.SHIFT * (2 * i - 1) if len(shown) > 1 else 0
            look, each = style.Look(colour), style.few(rows)
            lost |= style.points(panel, rows, x, column, look=look, stroke=i, shift=side, each=each)
        if len(shown) > 1:
            paired.add("rescaled" if any(column.startswith("rescaled_") for _, column in shown) else "test")
        panel.set(xlabel=column_labels[x], ylabel=column_labels[metric if len(shown) > 1 else shown[0][1]])
        style.settings(panel, places, names)
        style.level(panel, (chance or {}).get(metric.removeprefix("train_").removeprefix("test_")), "chance")
    legend = style.pair(style.COLOURS) if "test" in paired else []
    if "rescaled" in paired:
        legend += [style.entry("as trained", style.COLOURS[0]), style.entry("rescaled", style.COLOURS[1], stroke=1)]
    notes = style.criterion((tables[table] for table, _ in measures), "hollow: not by all")
    if lost:
        notes.append(style.entry(f"left out, without a value: {len(lost)} replicates", "none"))
    notes += [style.entry(_told(tables, panels[key], column_labels), "none") for key in panels if key not in curves]
    return style.finish(figure, legend, notes)


def _panels(measures: Sequence[Sequence[str]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The measures of each panel, by table and what training and test, or as trained and rescaled, have in common."""
    panels: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for table, column in measures:
        metric = column.removeprefix("rescaled_")
        if metric in (f"{part}_{name}" for part in ("train", "test") for name in ("loss", "accuracy")):
            metric = metric.partition("_")[2]
        panels.setdefault((table, metric), []).append((table, column))
    return panels


def _known(rows: pd.DataFrame, column: str) -> Any:
    return rows[np.isfinite(rows[column])]


def _told(
    tables: Mapping[str, pd.DataFrame], shown: Sequence[tuple[str, str]], column_labels: Mapping[str, str]
) -> str:
    """That a measure has no panel, and how few networks have a value of it."""
    table, column = shown[0]
    ((_, metric),) = _panels(shown)
    name = column_labels[metric if len(shown) > 1 else column]
    known = len(_known(tables[table], column))
    where = ", at one setting" if known else ""
    return f"{name} not drawn: known of {known} of {len(tables[table])} networks{where}"
