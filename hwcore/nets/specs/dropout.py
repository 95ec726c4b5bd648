from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import LayerSpec, Shape


class Dropout(LayerSpec):
    """Each number is zero with probability ``p`` while training, the others are multiplied by 1/(1 - p)."""

    main: ClassVar[str | None] = "p"
    words: ClassVar[str] = "dropout {p:g}"

    kind: Literal["dropout"]
    p: Annotated[float, Field(ge=0, lt=1)] = Field(description="share of numbers that are dropped")

    def output(self, shape: Shape) -> Shape:
        return shape

    def homogeneous(self) -> bool:
        return True
