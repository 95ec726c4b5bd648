from typing import Annotated

from pydantic import AfterValidator, Field

from hwcore.claims.measure import CountOfModel, Tables, of_model
from hwcore.claims.samples import Count
from hwcore.claims.words import listed
from hwcore.nets.spec import layer_kinds
from hwcore.nets.specs import activation  # noqa: F401  layer_kinds loads it by name
from hwcore.validation import did_you_mean

# The kinds whose names are not what their layers are called.
_CALLED = {"conv": "convolutional", "relu": "ReLU", "leaky_relu": "leaky ReLU", "dropout2d": "spatial dropout"}


def _known(kind: str) -> str:
    if kind not in (known := layer_kinds()):
        raise ValueError(f"unknown layer {kind!r}{did_you_mean(kind, known)}")
    return kind


class Kind(CountOfModel):
    """The number of layers of some kinds that a model has, those within its blocks included, which is exact."""

    layers: str = Field(description="the model")
    kinds: Annotated[list[Annotated[str, AfterValidator(_known)]], Field(min_length=1)] = Field(
        description="the kinds of layers that are counted, e.g. [conv, linear]"
    )

    def describe(self) -> str:
        kinds = [_CALLED.get(kind, kind.replace("_", " ")) for kind in self.kinds]
        return f"number of {listed(kinds)} layers{of_model(self.layers, self.experiment)}"

    def read(self, tables: Tables) -> Count:
        counts = self.rows(tables)["layers"]
        return Count(counts.map(lambda own: sum(float(own.get(kind, 0)) for kind in {*self.kinds})))
