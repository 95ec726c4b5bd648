from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import LayerSpec, Shape, need_image


class Dropout2D(LayerSpec):
    """Each channel of an image is zero with probability ``p`` while training, the others are multiplied by 1/(1 - p).

    ``torch.nn.Dropout2d`` (Tompson et al. 2015, arXiv:1411.4280).
    """

    main: ClassVar[str | None] = "p"
    words: ClassVar[str] = "dropout of channels {p:g}"

    kind: Literal["dropout2d"]
    p: Annotated[float, Field(ge=0, lt=1)] = Field(description="share of channels that are dropped")

    def output(self, shape: Shape) -> Shape:
        need_image(self.kind, shape)
        return shape

    def homogeneous(self) -> bool:
        return True
