from pydantic import Field

from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis
from hwcore.spec import Count


class Options(WeightsAnalysis):
    """The loss that Levenberg-Marquardt still reaches: what an optimizer left undone."""

    columns = OF_WEIGHTS | {
        "trained_loss": "the training loss after training",
        "train_loss": "the training loss after the search",
        "grad_norm": "the gradient norm after the search",
        "steps": "steps taken",
    }

    steps: Count = Field(100, description="steps at most")
    replicates: Count = Field(3, description="how many replicates of each model")
