from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import layers, share, some_of

if TYPE_CHECKING:
    from hwcore.questions.findings import Findings

_GOOD = 0.05  # of the variance of the function: what the claims of the reports take for a good fit


class Asked(Question):
    """Networks of one input learn a function of one variable; the networks differ in depth."""

    item = "1-1-1"
    title = "How well do networks of equal size and different depth fit a function?"
    table = "evaluation"
    x, x_label = "layers", "layers with weights"
    panels = (
        Panel("train_loss", "training loss / variance", over="guess_loss", log=True),
        Panel("test_loss", "test loss / variance", over="guess_loss", log=True),
    )
    caption = "Mean squared error after training, relative to the variance of the function, against depth."

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        depth = found.changes("layers", "train_loss", layers, over="guess_loss")
        ends = found.places("test_loss", over="guess_loss")
        good = sum(end.value <= _GOOD for end in ends)
        best = min(ends, key=lambda end: end.value, default=None)
        if best is None:
            return []
        return [
            found.trend("From the shallowest network to the deepest, the share of the variance left", depth, share),
            f"On the test set {some_of(good, len(ends), 'network')} {'leaves' if good < 2 else 'leave'} at most "
            f"{100 * _GOOD:g} % of the variance; "
            f"the least is {share(best.value)} ({best.where}).",
        ]
