"""What the layers in hwcore/nets/layers/ have in common: a forward pass of all replicates, and how tensors lie in it.

A module there has ``forward(layer, name, x, run)``, and where its layer has parameters ``initialize(layer, shape,
generators)``.  It is loaded by the kind of the layer, so that a network depends on its own layers alone.

Between the layers rows have shape (R, B, features) and images (B, R·channels, height, width): the replicates are the
groups of one convolution.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Generator, Tensor

from hwcore.nets.spec import LAYERS, LayerSpec, Shape, Shapes, module_of

Parameters = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass: the tensors of all layers by name, each (R, ...), and how the layers behave.

    ``dropout`` are the generators of the replicates; ``momentum`` is the weight of the newest batch in running
    statistics, None for the layers' own.
    """

    parameters: Parameters
    buffers: Parameters
    replicates: int
    training: bool
    dropout: Sequence[Generator] | None
    momentum: float | None

    @property
    def drops(self) -> bool:
        """Whether dropout is active: while training, and otherwise where there are generators."""
        return self.training or bool(self.dropout)

    def generators(self) -> Sequence[Generator]:
        """Raises ValueError if there are none."""
        if self.dropout is None:
            raise ValueError("dropout needs a generator for each replicate")
        return self.dropout


@cache
def computing(kind: str) -> Any:
    """The module that computes a kind of layer."""
    return import_module(f"{LAYERS}.{module_of(kind)}")


def run_layers(layers: Sequence[LayerSpec], prefix: str, x: Tensor, run: Pass) -> Tensor:
    """``x`` after all layers, whose tensors have names that begin with ``prefix`` and the number of the layer."""
    for i, layer in _in_order(layers):
        x = computing(layer.kind).forward(layer, f"{prefix}{i}", x, run)
    return x


def _in_order(layers: Sequence[LayerSpec]) -> Iterator[tuple[int, LayerSpec]]:
    """The layers with their numbers, a ReLU after the pooling that follows it.

    The maximum of ReLUs is the ReLU of the maximum, bit for bit, and so is the gradient; this way
    round there are a quarter as many numbers for a window of two.
    """
    numbered = list(enumerate(layers))
    for at in range(len(numbered) - 1):
        if numbered[at][1].kind == "relu" and numbered[at + 1][1].kind == "max_pool":
            numbered[at], numbered[at + 1] = numbered[at + 1], numbered[at]
    yield from numbered


def initialize_layer(layer: LayerSpec, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    """Parameters and buffers of a layer for inputs of ``shape``, a replicate from each generator."""
    make = getattr(computing(layer.kind), "initialize", None)
    parameters, buffers = make(layer, shape, generators) if make else ({}, {})
    return parameters, buffers


def tensors(layer: LayerSpec, shape: Shape) -> Shapes:
    """The shapes of the trained parameters of one replicate, by name."""
    shapes = layer.tensors(shape)
    if shapes is None:
        shapes = computing(layer.kind).tensors(layer, shape)
    return shapes


def uniform(shapes: Shapes, generators: Sequence[Generator]) -> Parameters:
    """Weights and biases uniform within ±1/√fan_in of the weight, as PyTorch has them."""
    bound = 1 / math.sqrt(math.prod(shapes["weight"][1:]))
    drawn = {name: [torch.rand(shape, generator=each) for each in generators] for name, shape in shapes.items()}
    return {name: (torch.stack(values) * 2 - 1) * bound for name, values in drawn.items()}


def constant(shapes: Shapes, values: dict[str, float], replicates: int) -> Parameters:
    """Tensors (R, ...) of one number each."""
    return {name: torch.full((replicates, *shape), values[name]) for name, shape in shapes.items()}


def drop(x: Tensor, share: float, each: Shape, generators: Sequence[Generator]) -> Tensor:
    """Inverted dropout; a replicate's mask of shape ``each`` is drawn from its generator, whatever R is."""
    drawn = [torch.rand(each, generator=generator, device=x.device) for generator in generators]
    mask = (torch.stack(drawn) >= share) * (1 / (1 - share))
    return x * (to_images(mask) if x.dim() == 4 else mask).to(x.dtype)


def to_images(x: Tensor) -> Tensor:
    """(R, B, C, H, W) → (B, R·C, H, W); one replicate keeps its memory format."""
    return x[0] if len(x) == 1 else x.transpose(0, 1).flatten(1, 2)


def from_images(x: Tensor, replicates: int) -> Tensor:
    """(B, R·C, H, W) → (R, B, C, H, W); rows (R, B, features) stay as they are."""
    return x.unflatten(1, (replicates, -1)).transpose(0, 1) if x.dim() == 4 else x


def channels_last(x: Tensor) -> Tensor:
    """A copy of images (N, C, H, W) in the order of memory in which convolutions and pooling are fastest.

    A copy, because with one channel PyTorch takes any order for that order and computes in the other.
    """
    return x.clone(memory_format=torch.channels_last)
