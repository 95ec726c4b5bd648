"""What several studies measured of one question, in the same panels."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hwcore.errors import HwcoreError
from hwcore.figures import style
from hwcore.questions.question import Question
from hwcore.questions.rows import Rows, joined

# entries of a legend; of more things than this only studies have one
_NAMED = 16
_LIGHT = 0.55  # the part of white in the colour of a study's third thing and the next
_DOT: dict[str, Any] = {"linestyle": "none", "markersize": 4, "alpha": 0.6}


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    question: str,
    models: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, str],
    labels: Mapping[str, str],
    studies: Sequence[str],
) -> Figure:
    """The panels of the question in the module of that name, a colour for each of ``studies``.

    Lines are means over replicates of a model with 95 % bands, points those of all models of a table at the same place
    with 95 % bars, and dots single replicates.  A second thing of a study is dashed, or has squares; further ones are
    lighter.

    Raises HwcoreError if no table has what the panels show.
    """
    asked: type[Question] = import_module(f"hwcore.questions.asked.{question}").Asked
    rows = joined(tables["rows"], models, members, labels)
    table = asked.derived(rows.table)
    shown = [panel for panel in asked.panels if panel.y in table]
    if not shown:
        raise HwcoreError(f"no table has a column {asked.panels[0].y!r}")
    unit = "model" if asked.look == "lines" else "member"
    units = [str(each) for each in table[unit].unique()]
    looks = dict(zip(units, _looks(units, studies), strict=True))
    drawn: set[str] = set()
    lost: dict[str, int] = {}
    figure, panels = style.make(len(shown), height=2.6)
    for axes, panel in zip(panels, shown, strict=True):
        values = table[panel.y] / table[panel.over] if panel.over else table[panel.y]
        whole = table.assign(value=values.replace([np.inf, -np.inf], np.nan)).dropna(subset=[asked.x])
        if asked.look != "lines":
            whole = whole.dropna(subset=["value"])
        axes.set_xscale("log" if asked.log_x else "linear")
        if panel.log:
            style.log_scale(axes, "y", whole["value"].dropna())
        for name, own in whole.groupby(unit, sort=False):
            if own["value"].isna().all():
                continue
            drawn.add(str(name))
            colour, second = looks[str(name)]
            if asked.look == "lines":
                lost[str(name)] = len(style.band(axes, own, asked.x, "value", colour=colour, dashed=second))
            elif asked.look == "points":
                style.points(axes, own.assign(model=own[asked.x]), asked.x, "value", colour=colour, dashed=second)
            else:
                axes.plot(own[asked.x], own["value"], color=colour, marker="s" if second else "o", **_DOT)
        for level in sorted(set(table[panel.level].dropna())) if panel.level else ():
            axes.axhline(level, color=style.GREY, linestyle=":", linewidth=1.0)
        axes.set(xlabel=asked.x_label, ylabel=panel.label)
    looks = {name: look for name, look in looks.items() if name in drawn}
    legend = _legend(asked, rows, looks, studies, lost)
    if asked.look == "points":
        legend += style.criterion([table], "hollow: not by all")
    return style.finish(figure, legend)


def _looks(units: Sequence[str], studies: Sequence[str]) -> list[tuple[Any, bool]]:
    """For each thing its colour, and whether it is dashed."""
    colours = dict(zip(studies, style.spread(len(studies)), strict=True))
    looks: list[tuple[Any, bool]] = []
    counts = dict.fromkeys(studies, 0)
    for unit in units:
        study = unit.partition("/")[0]
        number, colour = counts[study], np.array(to_rgb(colours[study]))
        counts[study] += 1
        looks.append((tuple(colour + (1 - colour) * (_LIGHT if number > 1 else 0)), number % 2 == 1))
    return looks


def _legend(
    asked: type[Question],
    rows: Rows,
    looks: Mapping[str, tuple[Any, bool]],
    studies: Sequence[str],
    lost: Mapping[str, int],
) -> list[Line2D]:
    if len(looks) > _NAMED:
        colours = {unit.partition("/")[0]: colour for unit, (colour, _) in reversed([*looks.items()])}
        return [style.entry(study, colours[study]) for study in studies if study in colours]
    entries = []
    several = {member: sum(unit.startswith(f"{member}/") for unit in looks) for member in rows.members}
    for unit, (colour, second) in looks.items():
        member = unit.partition(" → ")[0].rpartition("/")[0] if asked.look == "lines" else unit
        name = rows.mark(member, rows.labels[unit] if asked.look == "lines" and several[member] > 1 else "")
        look: dict[str, Any] = {}
        if asked.look != "lines":
            look = {**(_DOT if asked.look == "dots" else {"markersize": 4}), "marker": "s" if second else "o"}
        entries.append(style.entry(name, colour, dashed=second, lost=lost.get(unit, 0), **look))
    return entries
