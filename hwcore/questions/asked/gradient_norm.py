from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import rounded

if TYPE_CHECKING:
    import pandas as pd

    from hwcore.questions.findings import Findings

_DIVERGED = 100  # times the loss of a guess


class Asked(Question):
    """The loss and the norm of its gradient are recorded at each step."""

    item = "1-2-2"
    title = "How does the gradient norm change while the loss falls?"
    table = "gradient_norm"
    look = "lines"
    x, x_label = "progress", "share of the training"
    panels = (
        Panel("loss", "loss / loss of a guess", over="guess_loss", log=True),
        Panel("grad_norm", "gradient norm", log=True),
    )
    headline = "gradient norm"
    caption = (
        "Loss, relative to that of the best constant prediction, and gradient norm, as means over each hundredth of "
        f"the training. A replicate whose loss exceeds {_DIVERGED} times that of a guess counts as diverged."
    )

    @staticmethod
    def derived(table: "pd.DataFrame") -> "pd.DataFrame":
        """Means over each hundredth of the steps; none of a replicate that diverged."""
        most = (table["loss"] / table["guess_loss"]).groupby([table["model"], table["replicate"]]).transform("max")
        measured = ["loss", "grad_norm", "relation"]
        table = table.assign(**{column: table[column].where(~(most > _DIVERGED)) for column in measured})
        steps = table.groupby("model")["step"].transform("max")
        table = table.assign(progress=-(-100 * table["step"] // steps) / 100)
        kept = ["member", "model", "replicate", "progress"]
        return table.groupby(kept, as_index=False, sort=False, dropna=False)[[*measured, "guess_loss"]].mean()

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        norm = found.courses("progress", "grad_norm", lambda share: "start" if share < 0.5 else "end")
        return [
            found.trend("During training the gradient norm", norm, rounded),
            found.together(
                "A larger gradient norm", ("a faster fall of the loss", "a slower fall"), found.means("relation"), "ρ"
            ),
        ]
