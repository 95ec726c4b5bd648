from pydantic import Field

from hwcore.analyses.spec import WeightsAnalysis
from hwcore.spec import Count


class Options(WeightsAnalysis):
    """What networks of one input predict, on an even grid over the domain."""

    points: Count = Field(400, description="points of the grid")
