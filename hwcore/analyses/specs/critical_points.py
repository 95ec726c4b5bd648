from typing import Annotated, Literal

from pydantic import Field

from hwcore.analyses.spec import WeightsAnalysis
from hwcore.spec import Count, NotNegative, Positive


class Options(WeightsAnalysis):
    """Points of zero gradient in float64 with their evidence, signs of the Hessian's eigenvalues, minimal ratios."""

    labels = {
        "minimal_ratio": "minimal ratio",
        "negative_share": "index (share of negative eigenvalues)",
    }

    solver: Literal["none", "levenberg-marquardt"] = Field(
        description="none takes the trained weights as they are; levenberg-marquardt goes on to a zero gradient"
    )
    tolerance: Positive = Field(1e-6, description="the gradient norm at which a point counts as critical")
    activation: Literal["none", "tanh", "softplus"] = Field(
        "none", description="a smooth activation instead of the network's own; none keeps it"
    )
    weight_decay: NotNegative = Field(0.0, description="λ of the term λ/2 ‖θ‖² that is added to the loss")
    saddles: bool = Field(False, description="look for saddle points too, from smaller networks padded with zeros")
    restarts: Annotated[int, Field(ge=0, strict=True)] = Field(8, description="new starts where a search gets stuck")
    steps: Count = Field(
        300, description="steps of Levenberg-Marquardt at most from a start, twice as many from the first"
    )
