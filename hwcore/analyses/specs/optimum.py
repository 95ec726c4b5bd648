from pydantic import Field

from hwcore.analyses.spec import WeightsAnalysis
from hwcore.spec import Count


class Options(WeightsAnalysis):
    """The loss that Levenberg-Marquardt still reaches: what an optimizer left undone."""

    steps: Count = Field(100, description="steps at most")
    replicates: Count = Field(3, description="how many replicates of each model")
