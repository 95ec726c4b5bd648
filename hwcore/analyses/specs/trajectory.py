from collections.abc import Iterator

from pydantic import Field

from hwcore.analyses.spec import WEIGHTS, AnalysisSpec
from hwcore.spec import Count
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """Recorded weights along their joint principal components, and the sums of their halves."""

    layer: Count | None = Field(None, description="the layer, counted from 1 among those with weights; all if left out")
    weights_only: bool = Field(True, description="leave the biases out")
    basis: str | None = Field(None, description="the model whose runs alone give the components; all by default")

    def unrecorded(self, record: Record) -> str | None:
        return None if record.weights_every else WEIGHTS

    def models(self) -> Iterator[tuple[str, str]]:
        if self.basis is not None:
            yield "basis", self.basis
