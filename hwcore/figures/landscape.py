"""The loss on lines and planes through trained weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hwcore.figures import colours, style

_LEVELS = 14


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "landscape",
) -> Figure:
    """Lines as means over replicates with 95 % bands, or each of few replicates; planes as contours, of the first
    replicate of each model, with one scale of colours.

    The trajectory of the weights, where the table has one, is drawn on its plane, with the share of its variance that
    the plane explains and the median error of the plane's loss along it.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate", "kind"], ["x", "y", "train_loss"], epochs=True)
    surface = rows[rows.kind == "surface"]
    if surface.y.isna().all():
        return _lines(surface, labels, column_labels)
    models = [
        (str(model), own[own.replicate == own.replicate.min()]) for model, own in rows.groupby("model", sort=False)
    ]
    # one scale of contours for all panels, so that colours can be compared
    levels = _levels(surface.train_loss.to_numpy(dtype=float))
    columns = 2 if len(models) <= 4 else 3
    figure, panels = style.make(len(models), columns=columns, height=3.2 if len(models) == 1 else 2.5)
    way, filled = False, None
    for panel, (model, own) in zip(panels, models, strict=True):
        around = _contours(panel, own[own.kind == "surface"], levels)
        path = own[own.kind == "trajectory"]
        title = labels[model] if len(models) > 1 else ""
        if around is not None:
            filled = around
            # the origin, also where the last record is of earlier weights
            panel.plot([0], [0], "o", color=style.COLOURS[1], markersize=6)
        if len(path):
            way = True
            path = path.sort_values("epoch")
            panel.plot(path.x, path.y, color=style.COLOURS[1], marker=".", markersize=3, linewidth=1.0)
            panel.plot(path.x[:1], path.y[:1], "o", color=style.COLOURS[1], markerfacecolor="white", markersize=6)
            error = (path.plane_loss / path.train_loss - 1).abs().median()
            shares = path.iloc[0]
            title += f"{': ' if title else ''}{_percent(shares.explained1 + shares.explained2)} of variance, "
            title += f"loss off by {_percent(error)}"
            panel.set(xlabel="along the first component", ylabel="along the second component")
        else:
            panel.set(xlabel="along the first direction", ylabel="along the second direction")
        panel.set_title(title)
    if filled is not None and (surface.train_loss > 0).any():
        bar = figure.colorbar(filled, ax=panels, label="training loss", aspect=30, pad=0.02)
        # one in three contours has its number
        told = levels[1::3].tolist()
        bar.set_ticks(told, labels=style.numbers(float(f"{value:.2g}") for value in told))
        bar.minorticks_off()
    legend = []
    end = style.entry("trained weights", style.COLOURS[1], marker="o", linestyle="none")
    if way:
        start = style.entry("start", style.COLOURS[1], marker="o", markerfacecolor="white", linestyle="none")
        legend += [start, style.entry("recorded weights", style.COLOURS[1], marker=".", linewidth=1.0)]
    return style.finish(figure, [*legend, end])


def _lines(rows: pd.DataFrame, labels: Mapping[str, str], column_labels: Mapping[str, str]) -> Figure:
    each = style.few(rows)
    columns = ["train_loss", *(["train_accuracy"] if "train_accuracy" in rows else [])]
    figure, panels = style.make(len(columns), height=2.2)
    looks = style.palette(labels)
    models = {str(model): own for model, own in rows.groupby("model", sort=False)}
    lost: dict[str, int] = {}
    for panel, column in zip(panels, columns, strict=True):
        if column == "train_loss":
            style.log_scale(panel, "y", rows[column])
        for model, own in models.items():
            diverged = set(own.replicate[own.x.isna()])
            style.band(panel, own[~own.replicate.isin(diverged)], "x", column, look=looks[model], each=each)
            lost[model] = len(diverged)
        panel.set(xlabel="along a random direction", ylabel=column_labels[column])
        panel.margins(x=0.01)
    return style.finish(figure, [style.entry(labels[model], looks[model], lost=lost[model]) for model in models])


def _levels(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    losses = losses[np.isfinite(losses) & (losses > 0)]
    low, high = (losses.min(), losses.max()) if len(losses) else (1.0, 1.0)
    # a network of dead units has the same loss everywhere, and contours need room between them
    return np.geomspace(low, max(high, 1.01 * low), _LEVELS)


def _contours(panel: Axes, surface: pd.DataFrame, levels: NDArray[np.float64]) -> ContourSet | None:
    wide = surface.pivot(index="y", columns="x", values="train_loss")
    if wide.isna().all(axis=None):
        panel.text(0.5, 0.5, "diverged", ha="center", va="center", transform=panel.transAxes)
        return None
    shown = np.ma.masked_invalid(wide.to_numpy(dtype=float))
    filled = panel.contourf(
        wide.columns, wide.index, shown, levels=levels, cmap="Blues", extend="both", norm="log", alpha=0.6
    )
    panel.contour(wide.columns, wide.index, shown, levels=levels, colors=colours.GREY, linewidths=0.5)
    # unseen: contours forget the numbers that they were made of, which hwcore.figures.drawn reads
    look: dict[str, Any] = {"shading": "gouraud", "norm": "log", "label": "training loss"}
    panel.pcolormesh(wide.columns, wide.index, shown, visible=False, **look)
    panel.grid(visible=False)
    panel.set(xlim=(wide.columns[0], wide.columns[-1]), ylim=(wide.index[0], wide.index[-1]))
    return filled


def _percent(share: float) -> str:
    return "–" if not np.isfinite(share) else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
