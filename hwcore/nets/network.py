"""Networks with stacked parameters: R replicates of one network run as one tensor program.

Parameters are a dict of tensors with a leading replicate dimension: ``"1.weight"`` of a linear
layer, the second of its network, has shape (R, out, in).  All functions are pure, so they work
under ``torch.func`` and in float64.
"""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hwcore.nets.layer import (
    Parameters,
    Pass,
    channels_last,
    from_images,
    initialize_layer,
    run_layers,
    tensors,
    to_images,
)
from hwcore.nets.spec import Network, Shapes, in_turn, named

__all__ = [
    "Parameters",
    "channels_last",
    "count",
    "flatten",
    "forward",
    "initialize",
    "shapes",
    "unflatten",
    "weight_matrices",
]


def shapes(network: Network) -> Shapes:
    """The shape of each parameter of one replicate, in the order of the layers."""
    sizes: Shapes = {}
    for i, (layer, shape) in enumerate(in_turn(network.layers, network.input)):
        sizes |= named(f"{i}", tensors(layer, shape))
    return sizes


def count(network: Network) -> int:
    """The number of trained parameters of one replicate."""
    return sum(map(math.prod, shapes(network).values()))


def weight_matrices(network: Network) -> set[str]:
    """The parameters that are weight matrices or kernels: of a module, all that have two or more dimensions."""
    ours = {f"{part}.weight" for part in network.weighted()}
    foreign = tuple(f"{i}." for i, layer in enumerate(network.layers) if not layer.stacks())
    if not foreign:
        return ours
    return ours | {name for name, shape in shapes(network).items() if name.startswith(foreign) and len(shape) > 1}


def initialize(network: Network, seeds: Sequence[int]) -> tuple[Parameters, Parameters]:
    """Parameters and buffers of ``len(seeds)`` replicates, each drawn from its own seed.

    As in PyTorch: weights and biases of linear and convolutional layers uniform within
    ±1/√fan_in, normalisation the identity.  Buffers are the running mean and variance of
    batch normalisation, of shape (R, channels), and those of modules.
    """
    generators = [Generator().manual_seed(seed) for seed in seeds]
    parameters: Parameters = {}
    buffers: Parameters = {}
    for i, (layer, shape) in enumerate(in_turn(network.layers, network.input)):
        for tensors_of_all, made in zip((parameters, buffers), initialize_layer(layer, shape, generators), strict=True):
            tensors_of_all |= {f"{i}.{name}": value for name, value in made.items()}
    return parameters, buffers


def forward(
    network: Network,
    parameters: Parameters,
    buffers: Parameters,
    x: Tensor,
    *,
    dropout: Sequence[Generator] | None = None,
    training: bool = False,
    momentum: float | None = None,
) -> Tensor:
    """The outputs of all replicates, of shape (R, B, *output).

    ``x`` has shape (R, B, *input), or (B, *input) if all replicates see the same batch.  While
    ``training``, batch normalisation uses the statistics of the batch and updates ``buffers`` in
    place, in which the newest batch weighs ``momentum`` (None: as each layer has it).  Dropout draws replicate r's
    mask from ``dropout[r]`` while ``training``, and also otherwise where there are generators.
    """
    replicates = next(iter(parameters.values())).shape[0]
    if x.dim() == len(network.input) + 1:
        x = x.expand(replicates, *x.shape)
    if len(network.input) == 3:
        x = to_images(x)
    x = run_layers(network.layers, "", x, Pass(parameters, buffers, replicates, training, dropout, momentum))
    return from_images(x, replicates)


def flatten(parameters: Parameters) -> Tensor:
    """All parameters of each replicate in one row: shape (R, P)."""
    return torch.cat([value.flatten(1) for value in parameters.values()], dim=1)


def unflatten(network: Network, flat: Tensor) -> Parameters:
    """The inverse of ``flatten``: ``flat`` has shape (R, P)."""
    sizes = shapes(network)
    parts = flat.split([math.prod(shape) for shape in sizes.values()], dim=1)
    return {name: part.unflatten(1, shape) for (name, shape), part in zip(sizes.items(), parts, strict=True)}
