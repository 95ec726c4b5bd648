from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcore.analyses.spec import WEIGHTS, AnalysisSpec
from hwcore.spec import Count
from hwcore.train.spec import Record


class Options(AnalysisSpec):
    """Recorded weights along their joint principal components, and the sums of their halves."""

    labels = {
        "tsne1": "first t-SNE coordinate",
        "tsne2": "second t-SNE coordinate",
        "distance": "distance from the record before",
    }

    layer: Count | None = Field(None, description="the layer, counted from 1 among those with weights; all if left out")
    weights_only: bool = Field(True, description="leave the biases out")
    basis: str | None = Field(None, description="the model whose runs alone give the components; all by default")
    first: Count | None = Field(None, description="only so many of the weights, the first; all if left out")
    method: Literal["pca", "tsne"] = Field(
        "pca", description="principal components, or one t-SNE of all recorded weights of a model"
    )
    perplexity: Annotated[float, Field(gt=1)] = Field(
        30.0, description="of t-SNE: how many neighbours count; a third of the records at most"
    )

    @model_validator(mode="after")
    def _options_belong_to_the_method(self) -> "Options":
        if self.method == "tsne" and self.basis is not None:
            raise ValueError("basis: t-SNE cannot project the runs of one model on those of another; use pca")
        if self.method == "pca" and self.perplexity != 30.0:
            raise ValueError("perplexity: principal components have none; it is of `method: tsne`")
        return self

    def unrecorded(self, record: Record) -> str | None:
        return None if record.weights_every else WEIGHTS

    def models(self) -> Iterator[tuple[str, str]]:
        if self.basis is not None:
            yield "basis", self.basis
