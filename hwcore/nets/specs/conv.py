from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import LayerSpec, Positive, Shape, Shapes, slide


class Conv(LayerSpec):
    """A convolution of images with square kernels."""

    words: ClassVar[str] = "conv {channels} of {kernel}×{kernel}"

    kind: Literal["conv"]
    channels: Positive = Field(description="channels of the output")
    kernel: Positive = Field(description="height and width of the kernels")
    padding: Annotated[int, Field(ge=0, strict=True)] = Field(0, description="zeros added on each side")
    stride: Positive = Field(1, description="pixels from one place of the kernel to the next")
    groups: Positive = Field(1, description="groups of channels, each with kernels of its own")
    dilation: Positive = Field(1, description="pixels from one number of the kernel to the next")
    bias: bool = Field(True, description="whether a constant is added to each channel")

    def output(self, shape: Shape) -> Shape:
        window = self.dilation * (self.kernel - 1) + 1
        sides = slide(self.kind, shape, window, self.stride, self.padding)
        for channels, which in ((shape[0], "input"), (self.channels, "output")):
            if channels % self.groups:
                raise ValueError(f"conv: groups: {self.groups} does not divide the {channels} channels of the {which}")
        return (self.channels, *sides)

    def tensors(self, shape: Shape) -> Shapes:
        weight = (self.channels, shape[0] // self.groups, self.kernel, self.kernel)
        return {"weight": weight, **({"bias": (self.channels,)} if self.bias else {})}

    def multiplications(self, shape: Shape) -> int:
        _, height, width = self.output(shape)
        return shape[0] // self.groups * self.kernel**2 * self.channels * height * width

    def weighted(self) -> list[str]:
        return [""]

    def convolves(self) -> bool:
        return True
