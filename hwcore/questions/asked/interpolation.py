from typing import TYPE_CHECKING

from hwcore.claims.words import capital
from hwcore.questions.question import Panel, Question
from hwcore.questions.words import share

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings
    from hwcore.studies.resolved import Model


class Asked(Question):
    """The weights of two trained networks are mixed in several proportions."""

    item = "1-3-3-1"
    title = "How good are the networks on the line between two trained ones?"
    table = "interpolation"
    look = "lines"
    x, x_label = "alpha", "α"
    panels = (
        Panel("test_loss", "test loss", log=True),
        Panel("test_accuracy", "test accuracy", level="guess_accuracy"),
    )
    caption = (
        "Test loss and test accuracy of networks with the weights (1 − α) θ₁ + α θ₂ between two trained networks, "
        "which are at α = 0 and α = 1."
    )

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """With the test accuracy midway of each line, and how far that is below the worse of the two ends.

        The nearest α counts, where the line has none of 0, 0.5 and 1.
        """
        line = ["model", "replicate"]
        for name, alpha in (("start", 0.0), ("middle_accuracy", 0.5), ("end", 1.0)):
            away = (table["alpha"] - alpha).abs()
            nearest = away == away.groupby([table[each] for each in line]).transform("min")
            at = table["test_accuracy"].where(nearest)
            table = table.assign(**{name: at.groupby([table[each] for each in line]).transform("first")})
            if alpha == 0.5:
                table = table.assign(middle_alpha=table["alpha"].where(nearest))
        return table.assign(drop=table[["start", "end"]].min(axis=1) - table["middle_accuracy"])

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        drops, middle = found.means("drop"), found.places("middle_accuracy")
        if not drops:
            return []
        lower, midway = sum(each.sign > 0 for each in drops), "the test accuracy midway between the two networks"
        if len(drops) == 1:
            said = f"{capital(midway)} is {'' if lower else 'not '}clearly lower than at the worse end."
        elif lower:
            said = f"In {found.out_of(lower, len(drops))} {midway} is clearly lower than at the worse end."
        else:
            said = f"In {found.out_of(0, len(drops))} is {midway} clearly lower than at the worse end."
        exactly = found.distinct("middle_alpha") == [0.5]
        return [
            said,
            f"Midway{'' if exactly else ', or at the α nearest to it,'} it lies {found.span(middle, share)}.",
        ]

    @staticmethod
    def uses(model: "Model") -> bool:
        return model.training.loss != "mse"
