from collections.abc import Iterable

from pydantic import Field

from hwcore.analyses.forms import rescalable
from hwcore.analyses.spec import GAPS, OF_WEIGHTS, SETTINGS, WeightsAnalysis
from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count, Positive
from hwcore.train.spec import Training


class Options(WeightsAnalysis):
    """Sharpness in a box, adaptive sharpness, largest eigenvalue and trace; again after a rescaling."""

    columns = {
        **OF_WEIGHTS,
        **SETTINGS,
        **GAPS,
        "sharpness": "how far the loss rises in the box, in per cent (Keskar et al. 2017, arXiv:1609.04836)",
        "adaptive_sharpness": "that of Kwon et al. 2021 (arXiv:2102.11600)",
        "top_eigenvalue": "the eigenvalue of the Hessian of largest size",
        "trace": "the trace of the Hessian",
        "trace_error": "the standard error of the trace",
        "rescaled_*": "`rescaled_sharpness` and so on: the same five after the rescaling, with `rescale`",
    }
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

    def absent(self) -> Iterable[str]:
        return [*super().absent(), *(() if self.rescale else ("rescaled_*",))]

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        if self.rescale is not None and rescalable(network) is None:
            return "has no two layers with only ReLUs between them, as `rescale` needs them"
        return None
