"""What a network is: a list of layers, checked and counted without building anything.

This module is pure Python, so that a study file is checked, down to every tensor shape, before
any job starts and without loading torch.
"""

from math import prod
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hwcore.spec import Spec

Shape = tuple[int, ...]
Positive = Annotated[int, Field(gt=0, strict=True)]


class Linear(Spec):
    kind: Literal["linear"] = "linear"
    out: Positive

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ValueError(f"linear needs a flat input, not {_show(shape)}: put `flatten` before it")
        return (self.out,)

    def parameters(self, shape: Shape) -> int:
        return shape[0] * self.out + self.out


class Conv(Spec):
    kind: Literal["conv"] = "conv"
    channels: Positive
    kernel: Positive
    padding: Annotated[int, Field(ge=0, strict=True)] = 0
    stride: Positive = 1

    def output(self, shape: Shape) -> Shape:
        return (self.channels, *_slide(self.kind, shape, self.kernel, self.stride, self.padding))

    def parameters(self, shape: Shape) -> int:
        return self.channels * (shape[0] * self.kernel**2 + 1)


class MaxPool(Spec):
    kind: Literal["max_pool"] = "max_pool"
    size: Positive

    def output(self, shape: Shape) -> Shape:
        return (shape[0], *_slide(self.kind, shape, self.size, self.size, 0))

    def parameters(self, shape: Shape) -> int:
        return 0


class GlobalAveragePool(Spec):
    kind: Literal["global_average_pool"] = "global_average_pool"

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise ValueError(f"{self.kind} needs an image, not {_show(shape)}")
        return (shape[0],)

    def parameters(self, shape: Shape) -> int:
        return 0


class Flatten(Spec):
    kind: Literal["flatten"] = "flatten"

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def parameters(self, shape: Shape) -> int:
        return 0


class BatchNorm(Spec):
    kind: Literal["batch_norm"] = "batch_norm"

    def output(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0]


class Dropout(Spec):
    kind: Literal["dropout"] = "dropout"
    p: Annotated[float, Field(ge=0, lt=1)]

    def output(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, shape: Shape) -> int:
        return 0


class Activation(Spec):
    kind: Literal["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "softmax", "log_softmax"]
    slope: Annotated[float, Field(ge=0)] = 0.01  # of leaky_relu below zero

    def output(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, shape: Shape) -> int:
        return 0


Layer = Annotated[
    Linear | Conv | MaxPool | GlobalAveragePool | Flatten | BatchNorm | Dropout | Activation,
    Field(discriminator="kind"),
]

# The number that may follow a layer's name in the short form: `- linear: 10`.
_MAIN = {"linear": "out", "max_pool": "size", "dropout": "p", "leaky_relu": "slope"}


class Network(Spec):
    """A network: the shape of one input (no batch dimension) and its layers in order.

    A study file may write layers in short form, ``relu`` for ``{kind: relu}``, ``linear: 10``
    for ``{kind: linear, out: 10}`` and ``conv: {channels: 8, kernel: 3}``; and a plain
    multi-layer perceptron as ``mlp: [784, 30, 10]`` with an ``activation`` between its layers
    (none after the last).
    """

    input: tuple[Positive, ...]
    layers: tuple[Layer, ...]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = dict(value)
        if "mlp" in value:
            return _expand_mlp(value)
        if "activation" in value:
            raise ValueError("`activation` goes with `mlp`; in `layers` name each activation in its place")
        if isinstance(value.get("layers"), list | tuple):
            value["layers"] = [_expand_layer(layer) for layer in value["layers"]]
        return value

    @model_validator(mode="after")
    def _fits(self) -> "Network":
        self.shapes()
        return self

    def shapes(self) -> list[Shape]:
        """The shape before each layer and, last, that of the output (no batch dimension).

        Raises ValueError, naming the layer, if one cannot follow the one before it.
        """
        shapes = [self.input]
        for number, layer in enumerate(self.layers, start=1):
            try:
                shapes.append(layer.output(shapes[-1]))
            except ValueError as error:
                raise ValueError(f"layer {number}: {error}") from None
        return shapes

    @property
    def output(self) -> Shape:
        return self.shapes()[-1]

    def parameters(self) -> int:
        """The number of trained parameters, biases included."""
        shapes = self.shapes()
        return sum(layer.parameters(shape) for layer, shape in zip(self.layers, shapes[:-1], strict=True))


def _expand_mlp(value: dict[str, Any]) -> dict[str, Any]:
    widths, activation = value.pop("mlp"), value.pop("activation", "relu")
    extra = sorted(value.keys() & {"layers", "input"})
    if extra:
        raise ValueError(f"`mlp` already says the {' and '.join(extra)}: leave `{extra[0]}` out")
    if not isinstance(widths, list | tuple) or len(widths) < 2:
        raise ValueError(f"mlp: {widths!r} is not a list of at least two widths, such as [784, 30, 10]")
    layers: list[Any] = [{"kind": "flatten"}]
    for width in widths[1:]:
        layers += [{"kind": "linear", "out": width}, _expand_layer(activation)]
    return {**value, "input": [widths[0]], "layers": layers[:-1]}


def _expand_layer(layer: Any) -> Any:
    if isinstance(layer, str):
        return {"kind": layer}
    if isinstance(layer, dict) and "kind" not in layer and len(layer) == 1:
        ((kind, options),) = layer.items()
        if isinstance(options, dict):
            return {"kind": kind, **options}
        if kind in _MAIN:
            return {"kind": kind, _MAIN[kind]: options}
    return layer


def _slide(kind: str, shape: Shape, window: int, stride: int, padding: int) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"{kind} needs an image (channels, height, width), not {_show(shape)}")
    sides = tuple((side + 2 * padding - window) // stride + 1 for side in shape[1:])
    if min(sides) < 1:
        raise ValueError(f"{kind} of size {window} does not fit into {_show(shape)}")
    return sides


def _show(shape: Shape) -> str:
    return "×".join(map(str, shape))
