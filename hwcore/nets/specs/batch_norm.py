from math import prod
from typing import ClassVar, Literal

from hwcore.nets.spec import LayerSpec, Shape, Shapes


class BatchNorm(LayerSpec):
    """Batch normalisation of each channel of an image or each feature of a row."""

    words: ClassVar[str] = "batch norm"

    kind: Literal["batch_norm"]

    def output(self, shape: Shape) -> Shape:
        return shape

    def tensors(self, shape: Shape) -> Shapes:
        return {"weight": shape[:1], "bias": shape[:1]}

    def statistics(self, shape: Shape) -> Shapes:
        return {"running_mean": shape[:1], "running_var": shape[:1]}

    def smallest_batch(self, shape: Shape) -> int:
        # one number has no variance
        return 2 if prod(shape[1:]) == 1 else 1
