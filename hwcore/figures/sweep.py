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
    x: str,
    measures: Sequence[Sequence[str]],
) -> Figure:
    """A panel for each of ``measures`` (table, column) against the setting ``x``, on a logarithmic axis.

    A training metric and its test metric share a panel.  A setting that a logarithmic axis cannot
    hold (a name, zero) has evenly spaced places.  Bars are 95 % intervals over replicates.

    Raises HwcoreError if there is no measure, a table has no rows or lacks a column.
    """
    if not measures:
        raise HwcoreError("figure option measures: is empty; name at least one [table, column]")
    for table, column in measures:
        style.need(tables, table, [x], option="x")
        style.need(tables, table, ["model", "replicate"], [column], option="measures")
    panels: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for table, column in measures:
        part, _, metric = column.partition("_")
        panels.setdefault((table, metric if part in ("train", "test") else column), []).append((table, column))
    # the order in which a setting is met is that of the models
    values = list(dict.fromkeys(pd.concat([tables[table][x] for table, _ in measures])))
    even = any(isinstance(value, str) or value <= 0 for value in values)
    if not any(isinstance(value, str) for value in values):
        values.sort()
    names = [value if isinstance(value, str) else style.number(value) for value in values]
    places = list(range(len(values))) if even else values
    figure, axes = style.make(len(panels), height=2.4)
    lost: set[tuple[str, int]] = set()
    paired = False
    for panel, ((_, metric), shown) in zip(axes, panels.items(), strict=True):
        panel.set_xscale("linear" if even else "log")
        for i, (table, column) in enumerate(shown):
            rows = tables[table]
            if even:
                rows = rows.assign(**{x: rows[x].map(values.index)})
            # blue and orange are training and test throughout the figure
            colour = style.COLOURS[i] if len(shown) > 1 else style.COLOURS[2]
            lost |= style.points(panel, rows, x, column, colour=colour, dashed=i == 1)
        paired |= len(shown) > 1
        panel.set(xlabel=style.label(x), ylabel=style.label(metric if len(shown) > 1 else shown[0][1]))
        style.settings(panel, places, names)
    legend = style.pair(style.COLOURS, len(lost)) if paired else []
    if lost and not paired:
        legend = [style.entry("mean", style.COLOURS[2], lost=len(lost))]
    return style.finish(figure, legend)
