from typing import ClassVar, Literal

from hwcore.nets.spec import LayerSpec, Shape, Shapes


class LayerNorm(LayerSpec):
    """Layer normalisation over all numbers of a sample, with a weight and a bias for each."""

    words: ClassVar[str] = "layer norm"

    kind: Literal["layer_norm"]

    def output(self, shape: Shape) -> Shape:
        return shape

    def tensors(self, shape: Shape) -> Shapes:
        return {"weight": shape, "bias": shape}
