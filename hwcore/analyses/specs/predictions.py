from pydantic import Field

from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis
from hwcore.data.spec import DataSpec, FunctionData
from hwcore.nets.spec import Network
from hwcore.spec import Count
from hwcore.train.spec import Training


class Options(WeightsAnalysis):
    """What networks of one input predict, on an even grid over the domain."""

    columns = OF_WEIGHTS | {
        "x": "the point",
        "target": "the function there",
        "prediction": "the output of the network there",
    }

    points: Count = Field(400, description="points of the grid")

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        return None if isinstance(data, FunctionData) else "learns classes, not a function of one variable"
