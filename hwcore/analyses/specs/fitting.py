from typing import Annotated

from pydantic import Field

from hwcore.analyses.spec import OF_RUNS, AnalysisSpec
from hwcore.data.spec import DataSpec, FunctionData
from hwcore.nets.spec import Network
from hwcore.train.spec import Training


class Options(AnalysisSpec):
    """Epochs and steps until the labels, random ones included, are fitted."""

    columns = OF_RUNS | {
        "random_labels": "the share of labels that were drawn at random",
        "fitted": "whether the training accuracy was reached within `epochs`",
        "epochs_to_fit": "the first epoch that reached it; NaN if none did",
        "steps_to_fit": "steps of training until the end of that epoch",
        "epochs": "epochs of training",
        "train_accuracy": "training accuracy of the last epoch, as a fraction",
        "test_accuracy": "test accuracy of the last epoch, as a fraction",
    }
    labels = {
        "random_labels": "share of random labels",
        "epochs_to_fit": "epochs to fit",
        "steps_to_fit": "steps to fit",
    }

    accuracy: Annotated[float, Field(gt=0, le=1)] = Field(0.99, description="training accuracy that counts as fitted")

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        return "learns a function, which has no accuracy" if isinstance(data, FunctionData) else None
