from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import share, some_of

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings
    from hwcore.studies.resolved import Model


class Asked(Question):
    """Networks are trained on labels that are wholly or partly random."""

    item = "1-3-1"
    title = "Can a network fit random labels?"
    table = "metrics"
    look = "lines"
    x, x_label, log_x = "epoch", "epoch", True
    panels = (
        Panel("train_loss", "training loss / loss of a guess", over="guess_loss"),
        Panel("train_accuracy", "training accuracy", level="guess_accuracy"),
    )
    headline = "training accuracy"
    caption = (
        "Training loss, relative to that of a guess, and training accuracy of networks whose labels are all random."
    )

    @staticmethod
    def uses(model: "Model") -> bool:
        return getattr(model.data, "random_labels", 0) == 1

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """With the accuracy and the share of the loss of a guess at the end of each replicate."""
        last = table["epoch"] == table.groupby(["model", "replicate"])["epoch"].transform("max")
        return table.assign(
            fitted_accuracy=table["train_accuracy"].where(last) if "train_accuracy" in table else float("nan"),
            left=(table["train_loss"] / table["guess_loss"]).where(last),
        )

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        fitted, left = found.places("fitted_accuracy"), found.places("left")
        if not fitted:
            return []
        most = sum(place.value > 0.5 for place in fitted)
        above = f"{some_of(most, len(fitted), 'network')} {'gets' if most < 2 else 'get'} above one half"
        return [
            f"The training accuracy on random labels ends {found.span(fitted, share)}"
            + (f"; {above}." if len(fitted) > 1 else "."),
            f"The training loss ends {found.span(left, share)} of that of a guess." if left else "",
        ]
