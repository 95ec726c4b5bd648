from typing import TYPE_CHECKING

from hwcore.questions.question import Panel, Question
from hwcore.questions.words import rounded

if TYPE_CHECKING:
    from hwcore.questions.findings import Findings


class Asked(Question):
    """A setting of the training is varied, such as the batch size, and the sensitivity to the input or the sharpness of
    the loss is measured; other measures of generalisation belong here too.
    """

    item = "1-3-3-2"
    title = "How do sensitivity and flatness go with generalisation?"
    table = "sensitivity"
    x, x_label, log_x = "batch_size", "batch size", True
    panels = (
        Panel("jacobian_norm_logits", "Jacobian norm (logits)", log=True),
        Panel("loss_gap", "test loss − training loss"),
    )
    caption = (
        "Sensitivity of the outputs to the input, as the norm of the input-output Jacobian, and the gap between the "
        "losses, against the batch size. Where networks of a study differ in another setting as well, the line goes "
        "through the middle between those of the same batch size."
    )

    @staticmethod
    def answer(found: "Findings") -> list[str]:
        norm = found.changes("batch_size", "jacobian_norm_logits", "batch size {:,.0f}".format)
        compared = ("jacobian_norm_logits", "loss_gap")
        return [
            found.trend(
                "From the smallest batch size to the largest, the norm of the input-output Jacobian", norm, rounded
            ),
            found.together(
                "A larger norm",
                ("a larger gap between test and training loss", "a smaller gap"),
                found.relations(*compared),
            ),
            found.left_out(*compared),
        ]
