"""What a network is: a list of layers, checked and counted without building anything.

This module loads no torch, so that a study file is checked, down to every tensor shape, before any job starts.
Each kind of layer has a module of its name in hwcore/nets/specs/ with its settings and shapes, and one in
hwcore/nets/layers/ that computes; the elementwise activations share one.  Both are loaded by name, so that a new
layer makes no network stale that does not have it.
"""

import pkgutil
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from math import prod
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from hwcore.nets import shorthand
from hwcore.spec import Spec
from hwcore.validation import did_you_mean

Shape = tuple[int, ...]
Positive = Annotated[int, Field(gt=0, strict=True)]
Shapes = dict[str, Shape]

SPECS = "hwcore.nets.specs"
LAYERS = "hwcore.nets.layers"


class LayerSpec(Spec):
    """One layer.  Shapes are those of one sample, without a batch dimension."""

    # how a study file writes the layer in short: `linear: 10` sets `out`
    main: ClassVar[str | None] = None
    # the layer in a line of a page; settings that are not at their defaults are added to it
    words: ClassVar[str] = ""

    kind: str

    @abstractmethod
    def output(self, shape: Shape) -> Shape:
        """The shape of the output for an input of ``shape``.  Raises ValueError for one that it cannot take."""

    def tensors(self, shape: Shape) -> Shapes | None:
        """The shapes of the trained parameters by name; None where only the built layer tells."""
        return {}

    def statistics(self, shape: Shape) -> Shapes:
        """The shapes of what the layer keeps beside its parameters, as batch normalisation does."""
        return {}

    def parameters(self, shape: Shape) -> int | None:
        """The number of trained parameters; None where only the built layer tells."""
        tensors = self.tensors(shape)
        return None if tensors is None else sum(map(prod, tensors.values()))

    def estimated_parameters(self, shape: Shape) -> int:
        """The same, an estimate where only the built layer tells."""
        count = self.parameters(shape)
        assert count is not None, f"{self.kind} estimates its parameters"
        return count

    def activations(self, shape: Shape) -> list[int]:
        """How many numbers each tensor has that the layer makes of one sample."""
        return [prod(self.output(shape))]

    def multiplications(self, shape: Shape) -> int:
        """Of matrix products and convolutions, in one forward pass of one sample."""
        return 0

    def smallest_batch(self, shape: Shape) -> int:
        """The fewest samples that the layer can be trained on at a time."""
        return 1

    def weighted(self) -> list[str]:
        """The names within the layer of the parts that hold weight matrices or kernels; "" is the layer itself."""
        return []

    def convolves(self) -> bool:
        """Whether the layer is faster for one replicate after the other on a CPU."""
        return False

    def stacks(self) -> bool:
        """Whether all replicates are one tensor program."""
        return True

    def homogeneous(self) -> bool:
        """Whether f(α x) = α f(x) for all α > 0 and the layer has no parameters."""
        return False

    def smooth(self) -> bool:
        """Whether the output has second derivatives everywhere."""
        return True

    def inner(self) -> "tuple[LayerSpec, ...]":
        """The layers that this one is made of."""
        return ()


class OpaqueLayerSpec(LayerSpec):
    """A layer of which only the built module tells what is inside."""

    # an estimate: numbers made of each of the input, as by VGG-16, which makes most, and in how many tensors
    _WIDEST: ClassVar[int] = 20
    _TENSORS: ClassVar[int] = 10
    # and the parameters of ResNet-50
    _PARAMETERS: ClassVar[int] = 25_000_000

    def tensors(self, shape: Shape) -> None:
        return None

    def estimated_parameters(self, shape: Shape) -> int:
        return self._PARAMETERS

    def activations(self, shape: Shape) -> list[int]:
        return [self._WIDEST * prod(shape)] * self._TENSORS

    def convolves(self) -> bool:
        return True

    def stacks(self) -> bool:
        return False

    def smooth(self) -> bool:
        return False


@cache
def module_of(kind: str) -> str:
    """The module in ``SPECS`` and in ``LAYERS`` of a kind of layer: of its name, or that of all activations."""
    return kind if kind in _modules() else "activation"


@cache
def _modules() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(import_module(SPECS).__path__))


@cache
def layer_spec(kind: str) -> type[LayerSpec]:
    """The settings of a kind of layer: the class in its module, of the same name in camel case."""
    name = module_of(kind)
    spec: type[LayerSpec] = getattr(import_module(f"{SPECS}.{name}"), name.title().replace("_", ""))
    return spec


def layer_kinds() -> list[str]:
    """All kinds of layers, in the order of the alphabet."""
    activations = get_args(layer_spec("activation").model_fields["kind"].annotation)
    return sorted({*_modules(), *activations} - {"activation"})


def _parse(layer: Any) -> Any:
    """A layer from what a study file says: `relu`, `linear: 10`, `conv: {channels: 8, kernel: 3}` or in full."""
    if isinstance(layer, LayerSpec):
        return layer
    if isinstance(layer, str):
        layer = {"kind": layer}
    if not isinstance(layer, dict) or not layer:
        raise ValueError(f"{layer!r} is not a layer; write for example `relu`, `linear: 10` or `max_pool: 2`")
    if "kind" not in layer:
        if len(layer) != 1:
            raise ValueError(f"{layer!r} is more than one layer; begin each with a dash of its own")
        ((kind, options),) = layer.items()
        if not isinstance(options, dict):
            if not (main := _known(kind).main):
                raise ValueError(f"{kind}: {options!r} is not a mapping of its settings")
            options = {main: options}
        layer = {"kind": kind, **options}
    spec = _known(layer["kind"])
    for key in layer.keys() - spec.model_fields.keys():
        raise ValueError(
            f"{layer['kind']}: unknown key {key!r}{did_you_mean(str(key), spec.model_fields.keys() - {'kind'})}"
        )
    return spec.model_validate(layer)


def _known(kind: Any) -> type[LayerSpec]:
    # the activations are loaded only where they are needed: a job's fingerprint has the modules of its own layers
    if isinstance(kind, str) and kind in _modules() - {"activation"}:
        return layer_spec(kind)
    if kind not in (known := layer_kinds()):
        raise ValueError(f"unknown layer {kind!r}{did_you_mean(str(kind), known)}")
    return layer_spec(str(kind))


Layer = Annotated[SerializeAsAny[LayerSpec], BeforeValidator(_parse)]


def through(layers: tuple[LayerSpec, ...], shape: Shape) -> list[Shape]:
    """The shape before each layer and, last, that of the output.

    Raises ValueError, naming the layer, if one cannot follow the one before it.
    """
    shapes = [shape]
    for number, layer in enumerate(layers, start=1):
        try:
            shapes.append(layer.output(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {number}: {error}") from None
    return shapes


def in_turn(layers: tuple[LayerSpec, ...], shape: Shape) -> Iterator[tuple[LayerSpec, Shape]]:
    """Each layer with the shape before it."""
    return zip(layers, through(layers, shape)[:-1], strict=True)


def named(prefix: str, shapes: Mapping[str, Shape]) -> Shapes:
    """The tensors of a part under the name of the part."""
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


class Network(Spec):
    """A network: the shape of one input (no batch dimension) and its layers in order.

    A study file may write layers in short, and whole networks as `mlp`, `cnn`, `torchvision` or `module`: see
    hwcore.nets.shorthand.
    """

    input: tuple[Positive, ...] = Field(description="[features], or [channels, height, width] of an image")
    layers: tuple[Layer, ...] = Field(description="the layers in order")

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return shorthand.expand(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fits(self) -> "Network":
        if len(self.input) not in (1, 3):
            raise ValueError(f"input: {list(self.input)} is neither [features] nor [channels, height, width]")
        self.shapes()
        if self.parameters() == 0:
            raise ValueError("layers: nothing in them is trained")
        return self

    def shapes(self) -> list[Shape]:
        """The shape before each layer and, last, that of the output (no batch dimension).

        Raises ValueError, naming the layer, if one cannot follow the one before it.
        """
        return through(self.layers, self.input)

    @property
    def output(self) -> Shape:
        return self.shapes()[-1]

    def parameters(self) -> int | None:
        """The number of trained parameters, biases included; None where only the built network tells."""
        counts = [layer.parameters(shape) for layer, shape in in_turn(self.layers, self.input)]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def estimated_parameters(self) -> int:
        """The same, an estimate where only the built network tells."""
        return sum(layer.estimated_parameters(shape) for layer, shape in in_turn(self.layers, self.input))

    def statistics(self) -> int:
        """How many numbers the layers keep beside their parameters."""
        return sum(
            prod(size) for layer, shape in in_turn(self.layers, self.input) for size in layer.statistics(shape).values()
        )

    def activations(self) -> list[int]:
        """How many numbers the input and each tensor made of it have, for one sample."""
        made = (layer.activations(shape) for layer, shape in in_turn(self.layers, self.input))
        return [prod(self.input), *(count for counts in made for count in counts)]

    @property
    def widest(self) -> int:
        """The numbers of the largest tensor that one sample goes through."""
        return max(self.activations())

    def multiplications(self) -> int:
        """Of matrix products and convolutions, in one forward pass of one sample."""
        return sum(layer.multiplications(shape) for layer, shape in in_turn(self.layers, self.input))

    def smallest_batch(self) -> int:
        """The fewest samples that the network can be trained on at a time."""
        return max((layer.smallest_batch(shape) for layer, shape in in_turn(self.layers, self.input)), default=1)

    def convolves(self) -> bool:
        """Whether the network is faster for one replicate after the other on a CPU."""
        return any(layer.convolves() for layer in self.layers)

    def stacks(self) -> bool:
        """Whether all replicates are one tensor program."""
        return all(layer.stacks() for layer in self.layers)

    def weighted(self) -> list[str]:
        """The layers, and parts of layers, that have weight matrices or kernels, by the prefix of their parameters."""
        return [f"{i}.{part}".rstrip(".") for i, layer in enumerate(self.layers) for part in layer.weighted()]

    def kinds(self) -> set[str]:
        """The kinds of all layers, those within others included."""
        kinds: set[str] = set()
        queue = [*self.layers]
        while queue:
            layer = queue.pop()
            kinds.add(layer.kind)
            queue += layer.inner()
        return kinds

    def modules(self) -> list[str]:
        """The modules that a job loads by name for these layers."""
        names = sorted({module_of(kind) for kind in self.kinds()})
        return [f"{package}.{name}" for package in (SPECS, LAYERS) for name in names]

    def has_own_code(self) -> bool:
        """Whether it runs code of the study."""
        return "module" in self.kinds()


def slide(kind: str, shape: Shape, window: int, stride: int, padding: int) -> Shape:
    """Height and width after a window slid over an image.  Raises ValueError if it does not fit."""
    need_image(kind, shape)
    sides = tuple((side + 2 * padding - window) // stride + 1 for side in shape[1:])
    if min(sides) < 1:
        raise ValueError(f"{kind} of size {window} does not fit into {show(shape)}")
    return sides


def need_image(kind: str, shape: Shape) -> None:
    """Raises ValueError for anything else than (channels, height, width)."""
    if len(shape) != 3:
        raise ValueError(f"{kind} needs an image (channels, height, width), not {show(shape)}")


def show(shape: Shape) -> str:
    return "×".join(map(str, shape))
