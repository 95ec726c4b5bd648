from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from hwcore.analyses.spec import OF_WEIGHTS, WeightsAnalysis
from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count, Positive
from hwcore.train.spec import Training


class Options(WeightsAnalysis):
    """Largest eigenvalues, trace and density of the Hessian, the Gauss-Newton or the empirical Fisher matrix."""

    columns = OF_WEIGHTS | {
        "layer": "the number of the layer, from 1, with `by: layer`",
        "measure": "`eigenvalue`, `trace`, `trace error` or `density`",
        "at": "for an eigenvalue its rank by size, from 1; for a density the λ",
        "value": "the number",
        "converged": "whether an eigenvalue is accurate to `tolerance`",
    }

    matrix: Literal["hessian", "ggn", "empirical_fisher"] = Field(
        "hessian",
        description="the Hessian; the generalised Gauss-Newton matrix, which is the Fisher information too; or the "
        "empirical Fisher matrix, of the gradients at the labels of the data",
    )
    by: Literal["whole", "layer"] = Field(
        "whole", description="the whole matrix, or its diagonal blocks by layer, in a column `layer` of the table"
    )
    count: Count = Field(5, description="how many of the largest eigenvalues")
    tolerance: Positive = Field(1e-3, description="relative residual of an eigenvalue")
    steps: Count = Field(100, description="Lanczos steps at most; at least `count` for the eigenvalues")
    probes: Count = Field(10, description="random vectors for trace and density")
    samples: Count | None = Field(None, description="training samples of the loss; all if left out")

    def absent(self) -> Iterable[str]:
        return [*super().absent(), *(() if self.by == "layer" else ("layer",))]

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        if self.by == "layer" and not network.weighted():
            return "has no linear or convolutional layer in its list of layers, of which `by: layer` takes the blocks"
        if self.matrix == "ggn" and training.loss == "nll" and network.layers[-1].kind != "log_softmax":
            return "has the loss nll without a log_softmax at its end, of which the Gauss-Newton matrix says nothing"
        count = network.parameters()
        return f"has {count} parameters, fewer than `count: {self.count}`" if count and count < self.count else None
