from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcore.analyses.spec import OF_RUNS, WEIGHTS, AnalysisSpec, all_weights
from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count
from hwcore.train.spec import Record, Training

# The columns of one method alone.
_COMPONENTS = ("pc1", "pc2", "explained1", "explained2")
_TSNE = ("tsne1", "tsne2", "perplexity", "divergence")


class Options(AnalysisSpec):
    """Recorded weights along their joint principal components, and the sums of their halves."""

    columns = OF_RUNS | {
        "epoch": "after how many epochs the weights were recorded",
        "progress": "the same as a share of the training, that of the longest replicate",
        "pc1": "the first principal component",
        "pc2": "the second principal component",
        "explained1": "the share of the variance of the model’s own runs along the first",
        "explained2": "the same along the second",
        "tsne1": "the first coordinate, with `method: tsne`",
        "tsne2": "the second coordinate",
        "perplexity": "that of t-SNE, after its bound",
        "divergence": "the Kullback-Leibler divergence that t-SNE leaves",
        "half_sum1": "the sum of the first half of the weights, the middle one of an odd number included",
        "half_sum2": "the sum of the second half",
        "distance": "Euclidean, from the weights of the record before; NaN at the first",
        "dimension": "how many weights there are",
        "train_loss": "training loss of that epoch, or of the last one of a replicate that stopped; NaN before the "
        "first and within an epoch",
        "train_accuracy": "training accuracy likewise, as a fraction; classification only",
    }
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

    def absent(self) -> Iterable[str]:
        return _COMPONENTS if self.method == "tsne" else _TSNE

    def unrecorded(self, record: Record) -> str | None:
        if self.layer is None:
            return all_weights(record)
        if record.weights_every and record.layers and self.layer not in record.layers:
            return f"record: {{layers: [{', '.join(map(str, sorted({*record.layers, self.layer})))}]}}"
        return None if record.weights_every else WEIGHTS

    def models(self) -> Iterator[tuple[str, str]]:
        if self.basis is not None:
            yield "basis", self.basis

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        layers = len(network.weighted())
        if self.layer is not None and self.layer > layers:
            return f"has no layer {self.layer}: {layers} with weights"
        return None
