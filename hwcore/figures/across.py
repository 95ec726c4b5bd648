"""What several studies measured of one question, in the same panels."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hwcore.errors import HwcoreError
from hwcore.figures import style
from hwcore.questions.question import Question
from hwcore.questions.rows import Rows, joined

# entries of a legend; of more things than this only studies have one
_NAMED = 16


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

    Lines are means over replicates of a model with 95 % bands, points the same with 95 % bars, and dots single
    replicates.  Each study has a colour and a marker; further things of it have other strokes and markers that are
    half full, or hollow.

    Raises HwcoreError if no table has what the panels show.
    """
    asked: type[Question] = import_module(f"hwcore.questions.asked.{question}").Asked
    rows = joined(tables["rows"], models, members, labels)
    table = asked.derived(rows.table)
    shown = [
        panel for panel in asked.panels if panel.y in table and (not panel.over or table[panel.over].notna().any())
    ]
    if not shown:
        raise HwcoreError(f"no table has a column {asked.panels[0].y!r}")
    unit = "model" if asked.look == "lines" else "member"
    units = [str(each) for each in table[unit].unique()]
    looks = dict(zip(units, _looks(units, studies), strict=True))
    drawn: set[str] = set()
    lost: dict[str, int] = {}
    figure, panels = style.make(len(shown), height=2.3)
    for axes, panel in zip(panels, shown, strict=True):
        values = table[panel.y] / table[panel.over] if panel.over else table[panel.y]
        whole = table.assign(**{panel.y: values.replace([np.inf, -np.inf], np.nan)}).dropna(subset=[asked.x])
        if asked.look != "lines":
            whole = whole.dropna(subset=[panel.y])
        axes.set_xscale("log" if asked.log_x else "linear")
        if panel.log:
            style.log_scale(axes, "y", whole[panel.y].dropna())
        for name, own in whole.groupby(unit, sort=False):
            if own[panel.y].isna().all():
                continue
            drawn.add(str(name))
            look, stroke = looks[str(name)]
            if asked.look == "lines":
                lost[str(name)] = len(style.band(axes, own, asked.x, panel.y, look=look, stroke=stroke).lost)
            elif asked.look == "points":
                style.points(axes, own, asked.x, panel.y, look=look, stroke=stroke, fill=stroke)
            else:
                axes.plot(own[asked.x], own[panel.y], **_dot(look, stroke))
        axes.set(xlabel=asked.x_label, ylabel=panel.label)
        for height in sorted(set(table[panel.level].dropna())) if panel.level else ():
            style.level(axes, height, "chance")
    looks = {name: look for name, look in looks.items() if name in drawn}
    legend = _legend(asked, rows, looks, studies, lost)
    notes = style.criterion([table], "hollow: not by all") if asked.look == "points" else []
    return style.finish(figure, legend, notes)


def _looks(units: Sequence[str], studies: Sequence[str]) -> list[tuple[style.Look, int]]:
    """For each thing the look of its study, and its stroke among those of the study."""
    looks = style.palette(studies)
    things: list[tuple[style.Look, int]] = []
    counts = dict.fromkeys(studies, 0)
    for unit in units:
        study = unit.partition("/")[0]
        things.append((looks[study], counts[study] % len(style.STROKES)))
        counts[study] += 1
    return things


def _dot(look: style.Look, stroke: int) -> dict[str, Any]:
    marker = look.marker or style.MARKERS[stroke]
    shown = {"color": look.colour, "marker": marker, "linestyle": "none", "alpha": 0.7}
    # of the second, hollow dots hide less than half full ones
    return shown | {"markerfacecolor": "none" if stroke == 1 else look.colour, **style.filled(max(stroke - 1, 0))}


def _legend(
    asked: type[Question],
    rows: Rows,
    looks: Mapping[str, tuple[style.Look, int]],
    studies: Sequence[str],
    lost: Mapping[str, int],
) -> list[Line2D]:
    if len(looks) > _NAMED:
        known = {unit.partition("/")[0]: look for unit, (look, _) in reversed([*looks.items()])}
        return [style.entry(study, known[study]) for study in studies if study in known]
    entries = []
    several = {member: sum(unit.startswith(f"{member}/") for unit in looks) for member in rows.members}
    for unit, (look, stroke) in looks.items():
        member = unit.partition(" → ")[0].rpartition("/")[0] if asked.look == "lines" else unit
        name = rows.mark(member, rows.labels[unit] if asked.look == "lines" and several[member] > 1 else "")
        shown: dict[str, Any] = {}
        if asked.look == "points":
            shown = {
                "marker": look.marker or style.MARKERS[stroke],
                "markerfacecolor": look.colour,
                **style.filled(stroke),
            }
        elif asked.look == "dots":
            shown = _dot(look, stroke)
            del shown["color"]
        entries.append(style.entry(name, look, stroke=stroke, lost=lost.get(unit, 0), **shown))
    return entries
