from pydantic import Field

from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis
from hwcore.spec import Count


class Options(WeightsAnalysis):
    """What networks of one input predict, on an even grid over the domain."""

    columns = OF_WEIGHTS | {
        "x": "the point",
        "target": "the function there",
        "prediction": "the output of the network there",
    }

    points: Count = Field(400, description="points of the grid")
