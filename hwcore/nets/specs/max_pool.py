from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import LayerSpec, Positive, Shape, slide


class MaxPool(LayerSpec):
    """The maximum of each window of an image."""

    main: ClassVar[str | None] = "size"
    words: ClassVar[str] = "max pool {size}×{size}"

    kind: Literal["max_pool"]
    size: Positive = Field(description="height and width of a window")
    stride: Positive | None = Field(None, description="pixels from one window to the next; its size if left out")
    padding: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="pixels added on each side")

    @model_validator(mode="after")
    def _padding_fits(self) -> "MaxPool":
        if 2 * self.padding > self.size:
            raise ValueError(f"max_pool: padding: {self.padding} is more than half the size {self.size}")
        return self

    def output(self, shape: Shape) -> Shape:
        return (shape[0], *slide(self.kind, shape, self.size, self.stride or self.size, self.padding))

    def homogeneous(self) -> bool:
        return True

    def smooth(self) -> bool:
        return False
