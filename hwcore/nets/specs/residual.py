from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hwcore.nets.spec import Layer, LayerSpec, Shape, Shapes, in_turn, named, show, through


class Residual(LayerSpec):
    """The sum of what some layers make of the input and of a shortcut: x ↦ f(x) + g(x).

    He et al. 2016 (arXiv:1512.03385).  Without layers of its own the shortcut is the identity; a projection is a
    convolution of 1×1.
    """

    main: ClassVar[str | None] = "layers"
    words: ClassVar[str] = "residual ({layers})"

    kind: Literal["residual"]
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)] = Field(description="the layers that the block adds")
    shortcut: tuple[Layer, ...] = Field((), description="the layers of the way past them; none are the identity")

    def output(self, shape: Shape) -> Shape:
        made, kept = through(self.layers, shape)[-1], through(self.shortcut, shape)[-1]
        if made != kept:
            where = "its shortcut" if self.shortcut else "the shortcut without layers"
            raise ValueError(
                f"residual: its layers make {show(made)} of {show(shape)}, {where} {show(kept)}; a projection would "
                f"be {self._projection(shape, made)}"
            )
        return made

    def _projection(self, shape: Shape, made: Shape) -> str:
        if len(made) == len(shape) == 3:
            return f"`shortcut: [{{conv: {{channels: {made[0]}, kernel: 1, stride: {-(-shape[1] // made[1])}}}}}]`"
        return f"`shortcut: [{'flatten, ' if len(shape) == 3 else ''}{{linear: {made[0]}}}]`"

    def parts(self, shape: Shape) -> Iterator[tuple[str, LayerSpec, Shape]]:
        """Every layer with its name within the block and the shape before it."""
        for i, (layer, before) in enumerate(in_turn(self.layers, shape)):
            yield f"{i}", layer, before
        for i, (layer, before) in enumerate(in_turn(self.shortcut, shape)):
            yield f"shortcut.{i}", layer, before

    def tensors(self, shape: Shape) -> Shapes | None:
        shapes: Shapes = {}
        for name, layer, before in self.parts(shape):
            inner = layer.tensors(before)
            if inner is None:
                return None
            shapes |= named(name, inner)
        return shapes

    def estimated_parameters(self, shape: Shape) -> int:
        return sum(layer.estimated_parameters(before) for _, layer, before in self.parts(shape))

    def statistics(self, shape: Shape) -> Shapes:
        parts = self.parts(shape)
        return {key: size for name, layer, at in parts for key, size in named(name, layer.statistics(at)).items()}

    def activations(self, shape: Shape) -> list[int]:
        return [count for _, layer, before in self.parts(shape) for count in layer.activations(before)]

    def multiplications(self, shape: Shape) -> int:
        return sum(layer.multiplications(before) for _, layer, before in self.parts(shape))

    def smallest_batch(self, shape: Shape) -> int:
        return max(layer.smallest_batch(before) for _, layer, before in self.parts(shape))

    def weighted(self) -> list[str]:
        parts = [(f"{i}", layer) for i, layer in enumerate(self.layers)]
        parts += [(f"shortcut.{i}", layer) for i, layer in enumerate(self.shortcut)]
        return [f"{name}.{part}".rstrip(".") for name, layer in parts for part in layer.weighted()]

    def convolves(self) -> bool:
        return any(layer.convolves() for layer in self.inner())

    def stacks(self) -> bool:
        return all(layer.stacks() for layer in self.inner())

    def smooth(self) -> bool:
        return all(layer.smooth() for layer in self.inner())

    def inner(self) -> tuple[LayerSpec, ...]:
        return self.layers + self.shortcut
