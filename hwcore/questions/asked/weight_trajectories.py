from typing import TYPE_CHECKING

from hwcore.claims.words import number
from hwcore.questions.question import Panel, Question
from hwcore.questions.words import share

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings


class Asked(Question):
    """The weights are recorded during training and projected on a plane; the loss around them belongs here too."""

    item = "1-2-1"
    title = "How do the weights move during training?"
    table = "trajectory"
    options = {"layer": None, "method": "pca"}
    look = "points"
    x, x_label, log_x = "dimension", "weights of the network", True
    panels = (
        Panel("explained", "share of the variance in the plane"),
        Panel("spread", "distance of replicates, end / start", log=True),
    )
    caption = (
        "The share of the variance of all recorded weights that lies in the plane of their two principal components, "
        "and how far apart the replicates are in that plane at the end, relative to the start."
    )

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """A row for each replicate: what the plane explains, and how far apart its model's replicates came.

        That is the root mean square distance from their centre after the last record, relative to the first.
        """
        table = table.sort_values("epoch", kind="stable")
        at = [table["model"], table["epoch"]]
        places = table[["pc1", "pc2"]]
        squares = ((places - places.groupby(at).transform("mean")) ** 2).sum(axis=1)
        distance = squares.groupby(at).transform("mean").pow(0.5).groupby(table["model"])
        table = table.assign(
            explained=table["explained1"] + table["explained2"],
            spread=distance.transform("last") / distance.transform("first"),
        )
        return table.drop_duplicates(["model", "replicate"])

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        shares, spread = found.places("explained"), found.places("spread")
        if not shares:
            return []
        return [
            f"The plane of two principal components holds {found.between(shares, share)} of the weights’ variance.",
            "From the first record to the last, the distance between replicates in that plane changes by a factor of "
            f"{found.between(spread, number)}."
            if spread
            else "",
        ]
