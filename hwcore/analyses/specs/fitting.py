from typing import Annotated

from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec


class Options(AnalysisSpec):
    """Epochs and steps until the labels, random ones included, are fitted."""

    labels = {
        "random_labels": "share of random labels",
        "epochs_to_fit": "epochs to fit",
        "steps_to_fit": "steps to fit",
    }

    accuracy: Annotated[float, Field(gt=0, le=1)] = Field(0.99, description="training accuracy that counts as fitted")
