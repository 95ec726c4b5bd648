from typing import TYPE_CHECKING

from hwcore.claims.words import listed, stated
from hwcore.questions.question import Panel, Question
from hwcore.questions.words import rounded, share

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings


class Asked(Question):
    """The share of positive eigenvalues of the Hessian is taken where training or a solver ends."""

    item = "1-2-3"
    title = "How does the loss depend on the minimal ratio where the gradient is almost zero?"
    table = "critical_points"
    given = ("tolerance",)
    look = "dots"
    x, x_label = "minimal_ratio", "minimal ratio"
    panels = (Panel("share_of_guess", "loss / loss of a guess", log=True),)
    caption = (
        "Training loss, relative to that of the best constant prediction, against the share of positive eigenvalues of "
        "its Hessian; of points where the gradient is zero to the tolerance."
    )

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """Trained networks, without a ratio where the gradient is not zero; ``reached`` is 1 where it is."""
        table = table[table["kind"] == "found"] if "kind" in table else table
        reached = table["converged"].astype(bool)
        return table.assign(
            reached=reached.astype(float),
            minimal_ratio=table["minimal_ratio"].where(reached),
            share_of_guess=table["loss"] / table["guess_loss"],
        )

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        reached, ratios = found.places("reached"), found.places("minimal_ratio")
        relations = found.relations("minimal_ratio", "share_of_guess")
        if not reached:
            return []
        tolerances = listed([stated(tolerance) for tolerance in found.distinct("tolerance")], "or")
        return [
            f"The share of networks whose gradient norm is at most the tolerance of the analysis, {tolerances}, lies "
            f"{found.span(reached, share)}.",
            f"Their minimal ratio lies {found.span(ratios, rounded)} on average." if ratios else "",
            found.together("A larger ratio", ("a higher loss", "a lower loss"), relations),
        ]
