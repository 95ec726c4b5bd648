from math import prod
from typing import ClassVar, Literal

from hwcore.nets.spec import LayerSpec, Shape


class Flatten(LayerSpec):
    """Images become rows."""

    words: ClassVar[str] = "flatten"

    kind: Literal["flatten"]

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def homogeneous(self) -> bool:
        return True
