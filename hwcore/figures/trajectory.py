"""Weight trajectories during training, in the plane of their principal components or another."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hwcore.figures import colours, style

_COLUMNS = {
    "components": ["pc1", "pc2"],
    "half_sums": ["half_sum1", "half_sum2"],
    "tsne": ["tsne1", "tsne2"],
}


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    labels: Mapping[str, str],
    column_labels: Mapping[str, str],
    table: str = "trajectory",
    along: str = "components",
    every: int = 1,
) -> Figure:
    """A line per replicate in the order of epochs: an open circle at the start, a full one at the last record.

    Every model has a panel.  Both axes have the same scale, as distances in this plane are those of
    weights, and state the share of the variance that they explain.  ``along`` half_sums shows the sums of the
    two halves of the weights in the place of principal components, and tsne the coordinates of a t-SNE.  Of the
    recorded weights every ``every``-th is drawn, from the first, and the last.

    Raises HwcoreError if the table has no rows or lacks a column.
    """
    places = _COLUMNS[along]
    numbers = ["epoch", *places, *(["explained1", "explained2"] if along == "components" else [])]
    rows = style.need(tables, table, ["model", "replicate"], numbers, epochs=True)
    models = list(rows.groupby("model", sort=False))
    columns = 2 if len(models) <= 4 else 3
    figure, panels = style.make(len(models), columns=columns, height=3.0 if len(models) == 1 else 2.5)
    most, lost = 0, 0
    for panel, (model, own) in zip(panels, models, strict=True):
        paths = [_thinned(path, every) for _, path in own.sort_values("epoch", kind="stable").groupby("replicate")]
        most = max(most, len(paths))
        size = 5.5 if len(paths) <= 16 else 3.5
        for path, colour in zip(paths, colours.spread(len(paths)), strict=True):
            at = path[places].to_numpy()
            if not np.isfinite(at).all():
                lost += 1
                continue
            panel.plot(*at.T, color=colour, marker=".", markersize=0.4 * size, linewidth=0.9)
            panel.plot(*at[:1].T, "o", color=colour, markersize=size, markerfacecolor="white", zorder=3)
            panel.plot(*at[-1:].T, "o", color=colour, markersize=size, zorder=3)
        panel.set_aspect("equal", adjustable="datalim")
        if along == "components":
            shares = own.iloc[0]
            panel.set(
                xlabel=f"first component{_share(shares.explained1)}",
                ylabel=f"second component{_share(shares.explained2)}",
            )
        elif along == "tsne":
            panel.set(xlabel="first t-SNE coordinate", ylabel="second t-SNE coordinate")
        else:
            panel.set(xlabel="sum of the first half of the weights", ylabel="sum of the second half")
        if len(models) > 1:
            panel.set_title(labels[str(model)])
    legend = [
        style.entry("start", marker="o", markerfacecolor="white", linestyle="none"),
        style.entry("last record", marker="o", linestyle="none"),
        style.entry("a colour for each replicate" if most > 1 else "trajectory", marker=".", linewidth=0.9, lost=lost),
    ]
    return style.finish(figure, legend)


def _thinned(path: pd.DataFrame, every: int) -> pd.DataFrame:
    kept = np.arange(len(path)) % every == 0
    kept[-1] = True
    thinned: pd.DataFrame = path[kept]
    return thinned


def _share(share: float) -> str:
    return f" ({share:.0%} of variance)" if np.isfinite(share) else ""
