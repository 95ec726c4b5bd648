from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.nets.spec import LayerSpec, Positive, Shape, slide


class AvgPool(LayerSpec):
    """The mean of each window of an image, zeros of the padding included."""

    main: ClassVar[str | None] = "size"
    words: ClassVar[str] = "avg pool {size}×{size}"

    kind: Literal["avg_pool"]
    size: Positive = Field(description="height and width of a window")
    stride: Positive | None = Field(None, description="pixels from one window to the next; its size if left out")
    padding: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="pixels added on each side")

    @model_validator(mode="after")
    def _padding_fits(self) -> "AvgPool":
        if 2 * self.padding > self.size:
            raise ValueError(f"avg_pool: padding: {self.padding} is more than half the size {self.size}")
        return self

    def output(self, shape: Shape) -> Shape:
        return (shape[0], *slide(self.kind, shape, self.size, self.stride or self.size, self.padding))

    def homogeneous(self) -> bool:
        return True
