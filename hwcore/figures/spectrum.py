"""The spectral density of the Hessian or its kin, and the largest eigenvalues."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hwcore.figures import style


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "spectrum",
) -> Figure:
    """The density of the first replicate of each model, and above the axis a mark at each eigenvalue.

    A table by layer has a panel for each layer.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    rows = style.need(tables, table, ["model", "replicate", "measure"], ["at", "value"])
    paint = {model: look.colour for model, look in style.palette(labels).items()}
    firsts = {str(model): own[own.replicate == own.replicate.min()] for model, own in rows.groupby("model", sort=False)}
    legend = [
        style.entry(f"{labels[model]}, replicate {int(own.replicate.iloc[0])}", paint[model])
        for model, own in firsts.items()
    ]
    layers = sorted(rows.layer.unique()) if "layer" in rows else [None]
    figure, panels = style.make(len(layers), height=2.6 if len(layers) == 1 else 2.1)
    for panel, layer in zip(panels, layers, strict=True):
        shown = {model: own if layer is None else own[own.layer == layer] for model, own in firsts.items()}
        _densities(panel, shown, paint)
        if layer is not None:
            panel.set_title(f"layer {layer}")
    legend.append(style.entry("the largest eigenvalues", marker="|", linestyle="none", markersize=9))
    return style.finish(figure, legend)


def _densities(axes: Axes, spectra: Mapping[str, pd.DataFrame], paint: Mapping[str, Any]) -> None:
    lowest = np.inf
    for model, own in spectra.items():
        curve = own[(own.measure == "density") & np.isfinite(own["value"])]
        # a kernel's tails fall below what a picture can tell from zero
        seen = curve[curve["value"] > 1e-6 * curve["value"].max()]
        axes.plot(seen["at"], seen["value"], color=paint[model])
        marks = own[own.measure == "eigenvalue"]["value"]
        lowest = min(lowest, seen["value"].min())
        axes.plot(marks, np.full(len(marks), seen["value"].min()), "|", color=paint[model], markersize=9)
    style.log_scale(axes, "y", [lowest])
    axes.set(xlabel="eigenvalue λ", ylabel="spectral density")
