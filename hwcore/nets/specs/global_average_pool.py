from typing import ClassVar, Literal

from hwcore.nets.spec import LayerSpec, Shape, need_image


class GlobalAveragePool(LayerSpec):
    """The mean of each channel: images become rows."""

    words: ClassVar[str] = "global average pool"

    kind: Literal["global_average_pool"]

    def output(self, shape: Shape) -> Shape:
        need_image(self.kind, shape)
        return (shape[0],)

    def homogeneous(self) -> bool:
        return True
