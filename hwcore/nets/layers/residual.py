from collections.abc import Sequence

from torch import Generator, Tensor

from hwcore.nets.layer import Parameters, Pass, initialize_layer, run_layers
from hwcore.nets.layer import tensors as tensors_of
from hwcore.nets.spec import Shape, Shapes, named
from hwcore.nets.specs.residual import Residual


def tensors(layer: Residual, shape: Shape) -> Shapes:
    """For a block that has layers which only tell when they are built."""
    shapes: Shapes = {}
    for name, inner, before in layer.parts(shape):
        shapes |= named(name, tensors_of(inner, before))
    return shapes


def initialize(layer: Residual, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    parameters: Parameters = {}
    buffers: Parameters = {}
    for name, inner, before in layer.parts(shape):
        for whole, made in zip((parameters, buffers), initialize_layer(inner, before, generators), strict=True):
            whole |= {f"{name}.{key}": value for key, value in made.items()}
    return parameters, buffers


def forward(layer: Residual, name: str, x: Tensor, run: Pass) -> Tensor:
    made = run_layers(layer.layers, f"{name}.", x, run)
    return made + run_layers(layer.shortcut, f"{name}.shortcut.", x, run)
