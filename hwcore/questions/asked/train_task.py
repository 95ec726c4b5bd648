from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import layers, share

if TYPE_CHECKING:
    from hwcore.questions.findings import Findings


class Asked(Question):
    """Several networks learn a data set of images as it is."""

    item = "1-1-2"
    title = "How well do networks of different depth classify images?"
    table = "evaluation"
    x, x_label = "layers", "layers with weights"
    panels = (
        Panel("test_accuracy", "test accuracy"),
        Panel("accuracy_gap", "gap of accuracies"),
    )
    caption = "Test accuracy after training, and the gap between training and test accuracy, against depth."

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        accuracy = found.changes("layers", "test_accuracy", layers)
        ends = found.places("test_accuracy")
        return [
            found.trend("From the shallowest network to the deepest, the test accuracy", accuracy, share),
            f"The test accuracies lie {found.span(ends, share)}." if ends else "",
        ]
