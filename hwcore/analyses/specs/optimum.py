from pydantic import Field

from hwcore.analyses.limits import LEVENBERG_MARQUARDT
from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis, too_many
from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count
from hwcore.train.spec import Training


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

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        if training.loss != "mse":
            return f"has the loss {training.loss}, and Levenberg-Marquardt needs mse"
        return too_many(network, LEVENBERG_MARQUARDT, "Levenberg-Marquardt")
