from pydantic import Field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.spec import Count


class Options(AnalysisSpec):
    """What networks of one input predict, on an even grid over the domain."""

    points: Count = Field(400, description="points of the grid")
