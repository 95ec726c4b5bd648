from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import GAPS, LAST_BATCH, OF_WEIGHTS, SETTINGS, WeightsAnalysis
from hwcore.spec import Count
from hwcore.train.spec import Record


class Options(WeightsAnalysis):
    """Norms of the input-output Jacobian; the reports' gradient norm under its own name."""

    columns = {
        **OF_WEIGHTS,
        **SETTINGS,
        **GAPS,
        "jacobian_norm_logits": "mean over test points of the Frobenius norm of the Jacobian of the logits",
        "jacobian_norm_probabilities": "the same of the probabilities; NaN for a regression",
        "train_jacobian_norm_logits": "the same as of the logits, at training points",
        "loss_gradient_norm": "mean over parameter tensors of the norm of the gradient of the loss of one mini-batch",
        "input_gradient_norm": "mean over test points of the norm of the gradient of the loss by the input, with "
        "`input_gradient`",
        "predicted_input_gradient_norm": "the same at the label that the network predicts; NaN for a regression",
    }
    labels = {
        "jacobian_norm_logits": "Jacobian norm (logits)",
        "jacobian_norm_probabilities": "Jacobian norm (probabilities)",
        "loss_gradient_norm": "loss-gradient norm",
        "train_jacobian_norm_logits": "Jacobian norm (logits, training points)",
        "input_gradient_norm": "input gradient (true label)",
        "predicted_input_gradient_norm": "input gradient (predicted)",
    }

    samples: Count = Field(1000, description="test points, and as many training points")
    batch: Literal["first", "last"] = Field(
        "first",
        description="the mini-batch of loss_gradient_norm: the first of the training data, at the weights themselves; "
        "or the last that training saw, before its update",
    )
    input_gradient: bool = Field(
        False, description="the gradient of the loss by the input too, at the true and at the predicted label"
    )

    def absent(self) -> Iterable[str]:
        absent = () if self.input_gradient else ("input_gradient_norm", "predicted_input_gradient_norm")
        return [*super().absent(), *absent]

    def unrecorded(self, record: Record) -> str | None:
        return super().unrecorded(record) or (LAST_BATCH if self.batch == "last" and not record.last_batch else None)
