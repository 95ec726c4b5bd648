from typing import ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import LayerSpec, Positive, Shape, Shapes, show


class Linear(LayerSpec):
    """An affine map of a flat input."""

    main: ClassVar[str | None] = "out"
    words: ClassVar[str] = "linear {out}"

    kind: Literal["linear"]
    out: Positive = Field(description="number of outputs")
    bias: bool = Field(True, description="whether a constant is added to each output")

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ValueError(f"linear needs a flat input, not {show(shape)}: put `flatten` before it")
        return (self.out,)

    def tensors(self, shape: Shape) -> Shapes:
        return {"weight": (self.out, shape[0]), **({"bias": (self.out,)} if self.bias else {})}

    def multiplications(self, shape: Shape) -> int:
        return shape[0] * self.out

    def weighted(self) -> list[str]:
        return [""]
