from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import rounded, share

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings


class Asked(Question):
    """The weights are recorded during training and projected onto a plane; the loss around them belongs here too."""

    item = "1-2-1"
    title = "How do the weights move during training?"
    table = "trajectory"
    options = {"layer": None, "method": "pca"}
    look = "lines"
    x, x_label = "progress", "share of the training"
    panels = (
        Panel("moved", "distance moved (last record = 1)"),
        Panel("apart", "replicates apart (start = 1)"),
    )
    caption = (
        "How far the weights of the whole network are from where they started, relative to the last record of them, "
        "and how far those of different replicates are from each other, relative to the start; both in the plane of "
        "their two principal components."
    )

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """With the distances of the figure, and what of the variance the plane explains.

        ``half`` is the share of the training after which a replicate has first come half of its way, on a straight
        line between the two records, and ``last_apart`` how far replicates are apart in the last record; the latter
        are root mean square distances from their centre.
        """
        table = table.sort_values("epoch", kind="stable")
        at, run = [table["model"], table["epoch"]], [table["model"], table["replicate"]]
        places = table[["pc1", "pc2"]]

        def length(vectors: "pd.DataFrame") -> "pd.Series[float]":
            return (vectors**2).sum(axis=1).pow(0.5)

        moved = length(places - places.groupby(run).transform("first"))
        moved = moved / moved.groupby(run).transform("last")
        apart = length(places - places.groupby(at).transform("mean")).pow(2).groupby(at).transform("mean").pow(0.5)
        progress = table["progress"]
        apart = apart / apart.groupby(table["model"]).transform("first")
        before, since = moved.groupby(run).shift(), progress.groupby(run).shift()
        reached = since + (0.5 - before) / (moved - before) * (progress - since)
        return table.assign(
            moved=moved,
            apart=apart,
            explained=table["explained1"] + table["explained2"],
            half=reached.where(moved >= 0.5).groupby(run).transform("first"),
            last_apart=apart.groupby(table["model"]).transform("last"),
        )

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        explained, half, apart = (found.places(column) for column in ("explained", "half", "last_apart"))
        # a single replicate is at no distance from another
        far = (
            f", and the distance between replicates there is {found.span(apart, rounded)} times that at the start"
            if apart
            else ""
        )
        parts = " to ".join(found.extremes(half, share)) if half else ""
        return [
            f"Half of the distance from the start to the last record of the weights is covered after {parts} of the "
            f"training{far}."
            if half
            else "",
            f"The share of the weights’ variance in the plane of the two principal components lies "
            f"{found.span(explained, share)}."
            if explained
            else "",
        ]
