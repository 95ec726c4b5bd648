from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.spec import Count


class Options(AnalysisSpec):
    """Norms of the input-output Jacobian; the reports' gradient norm under its own name."""

    labels = {
        "jacobian_norm_logits": "Jacobian norm (logits)",
        "jacobian_norm_probabilities": "Jacobian norm (probabilities)",
        "loss_gradient_norm": "loss-gradient norm",
        "train_jacobian_norm_logits": "Jacobian norm (logits, training points)",
    }

    samples: Count = Field(1000, description="test points, and as many training points")
