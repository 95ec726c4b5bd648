from pydantic import Field

from hwcore.analyses.spec import WeightsAnalysis
from hwcore.spec import Count, Positive


class Options(WeightsAnalysis):
    """Sharpness in a box, adaptive sharpness, largest eigenvalue and trace; again after a rescaling."""

    labels = {
        "sharpness": "sharpness (%)",
        "adaptive_sharpness": "adaptive sharpness",
        "top_eigenvalue": "largest Hessian eigenvalue",
        "trace": "trace of the Hessian",
    }

    epsilon: Positive = Field(1e-3, description="half width of the box")
    rho: Positive = Field(5e-3, description="radius of adaptive sharpness")
    samples: Count = Field(1000, description="training samples of the loss")
    rescale: Positive | None = Field(None, description="a factor between two layers that keeps the function")
    probes: Count = Field(10, description="random vectors for the trace")
    lanczos_steps: Count = Field(100, description="Lanczos steps at most")
