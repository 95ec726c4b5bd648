"""Metrics of trained networks against a setting of their training."""

from collections.abc import Mapping, Sequence

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
) -> Figure:
    """A panel for each of ``measures`` (table, column) against the setting ``x``, on a logarithmic axis.

    A training metric and its test metric share a panel, and so do a measure and that of the rescaled weights
    (rescaled_...).  A replicate without a value is left out of its point.  A setting that a logarithmic axis cannot
    hold (a name, zero) has evenly spaced places.  Bars are 95 % intervals over replicates, and a point is hollow
    where some of these did not meet the criterion at which their training was to end.

    Raises HwcoreError if there is no measure, a table has no rows or lacks a column.
    """
    if not measures:
        raise HwcoreError("figure option measures: is empty; name at least one [table, column]")
    for table, column in measures:
        style.need(tables, table, [x], option="x")
        style.need(tables, table, ["model", "replicate"], [column], option="measures")
    panels: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for table, column in measures:
        metric = column.removeprefix("rescaled_")
        if metric in (f"{part}_{name}" for part in ("train", "test") for name in ("loss", "accuracy")):
            metric = metric.partition("_")[2]
        panels.setdefault((table, metric), []).append((table, column))
    # the order in which a setting is met is that of the models
    values = list(dict.fromkeys(pd.concat([tables[table][x] for table, _ in measures])))
    even = any(isinstance(value, str) or value <= 0 for value in values)
    if not any(isinstance(value, str) for value in values):
        values.sort()
    names = [value if isinstance(value, str) else style.number(value) for value in values]
    places = list(range(len(values))) if even else values
    figure, axes = style.make(len(panels), height=2.4)
    lost: set[tuple[str, int]] = set()
    paired: set[str] = set()
    for panel, ((_, metric), shown) in zip(axes, panels.items(), strict=True):
        panel.set_xscale("linear" if even else "log")
        for i, (table, column) in enumerate(shown):
            rows = tables[table]
            if even:
                rows = rows.assign(**{x: rows[x].map(values.index)})
            # blue and orange are training and test throughout the figure
            colour = style.COLOURS[i] if len(shown) > 1 else style.COLOURS[2]
            lost |= style.points(panel, rows, x, column, colour=colour, dashed=i == 1)
        if len(shown) > 1:
            paired.add("rescaled" if any(column.startswith("rescaled_") for _, column in shown) else "test")
        panel.set(xlabel=column_labels[x], ylabel=column_labels[metric if len(shown) > 1 else shown[0][1]])
        style.settings(panel, places, names)
    legend = style.pair(style.COLOURS) if "test" in paired else []
    if "rescaled" in paired:
        legend += [style.entry("as trained", style.COLOURS[0]), style.entry("rescaled", style.COLOURS[1], dashed=True)]
    legend += style.criterion((tables[table] for table, _ in measures), "hollow: not by all")
    if lost:
        legend.append(style.entry(f"left out, without a value: {len(lost)} replicates", "none"))
    return style.finish(figure, legend)
