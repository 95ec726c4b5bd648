from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import parameters, rounded, share

if TYPE_CHECKING:
    from hwcore.questions.findings import Findings


class Asked(Question):
    """Networks of many sizes are trained alike and evaluated on the training and the test set."""

    item = "1-3-2"
    title = "How does the number of parameters affect generalisation?"
    table = "evaluation"
    x, x_label, log_x = "parameters", "parameters", True
    panels = (
        Panel("train_loss", "training loss", log=True),
        Panel("test_loss", "test loss", log=True),
        Panel("test_accuracy", "test accuracy"),
        Panel("loss_gap", "test loss − training loss"),
    )
    headline = "test accuracy"
    caption = "Loss and accuracy after training, and the gap between the two losses, against the number of parameters."

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        accuracy = found.changes("parameters", "test_accuracy", parameters)
        gap = found.changes("parameters", "loss_gap", parameters)
        return [
            found.trend("From the smallest network to the largest, the test accuracy", accuracy, share),
            found.trend("The gap between test and training loss", gap, rounded),
        ]
