"""Networks with stacked parameters: R replicates of one network run as one tensor program.

Parameters are a dict of tensors with a leading replicate dimension: ``"1.weight"`` of a linear
layer, the second of its network, has shape (R, out, in).  All functions are pure, so they work
under ``torch.func`` and in float64.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.spec import (
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    MaxPool,
    Network,
)

Parameters = dict[str, Tensor]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
}
_EPSILON = 1e-5  # of batch normalisation, as torch.nn.BatchNorm2d has it


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one replicate, in the order of the layers."""
    found: dict[str, tuple[int, ...]] = {}
    before = network.shapes()[:-1]
    for i, (layer, shape) in enumerate(zip(network.layers, before, strict=True)):
        if isinstance(layer, Linear):
            found |= {f"{i}.weight": (layer.out, shape[0]), f"{i}.bias": (layer.out,)}
        elif isinstance(layer, Conv):
            kernel = (layer.channels, shape[0], layer.kernel, layer.kernel)
            found |= {f"{i}.weight": kernel, f"{i}.bias": (layer.channels,)}
        elif isinstance(layer, BatchNorm):
            found |= {f"{i}.weight": (shape[0],), f"{i}.bias": (shape[0],)}
    return found


def initialize(network: Network, seeds: Sequence[int]) -> tuple[Parameters, Parameters]:
    """Parameters and buffers of ``len(seeds)`` replicates, each drawn from its own seed.

    As in PyTorch: weights and biases of linear and convolutional layers uniform within
    ±1/√fan_in, batch normalisation the identity.  Buffers are the running mean and variance of
    batch normalisation, of shape (R, channels).
    """
    generators = [Generator().manual_seed(seed) for seed in seeds]
    sizes = shapes(network)
    normed = {str(i) for i, layer in enumerate(network.layers) if isinstance(layer, BatchNorm)}
    parameters: Parameters = {}
    buffers: Parameters = {}
    for name, shape in sizes.items():
        layer, _, role = name.partition(".")
        if layer in normed:
            parameters[name] = torch.full((len(seeds), *shape), 1.0 if role == "weight" else 0.0)
            buffer, value = ("running_var", 1.0) if role == "weight" else ("running_mean", 0.0)
            buffers[f"{layer}.{buffer}"] = torch.full((len(seeds), *shape), value)
        else:
            bound = 1 / math.sqrt(math.prod(sizes[f"{layer}.weight"][1:]))
            drawn = [torch.rand(shape, generator=generator) for generator in generators]
            parameters[name] = (torch.stack(drawn) * 2 - 1) * bound
    return parameters, buffers


def forward(
    network: Network,
    parameters: Parameters,
    buffers: Parameters,
    x: Tensor,
    *,
    dropout: Sequence[Generator] | None = None,
    training: bool = False,
    momentum: float = 0.1,
) -> Tensor:
    """The outputs of all replicates, of shape (R, B, *output).

    ``x`` has shape (R, B, *input), or (B, *input) if all replicates see the same batch.  While
    ``training``, batch normalisation uses the statistics of the batch and updates ``buffers`` in
    place, in which the newest batch weighs ``momentum``.  Dropout draws replicate r's mask from ``dropout[r]``
    while ``training``, and also otherwise where there are generators.

    Between the layers rows have shape (R, B, features) and images (B, R·channels, height, width):
    the replicates are the groups of one convolution.
    """
    replicates = next(iter(parameters.values())).shape[0]
    if x.dim() == len(network.input) + 1:
        x = x.expand(replicates, *x.shape)
    if len(network.input) == 3:
        x = _to_images(x)
    for i, layer in _in_order(network.layers):
        if isinstance(layer, Linear):
            x = _affine(x, parameters[f"{i}.weight"], parameters[f"{i}.bias"])
        elif isinstance(layer, Conv):
            weight, bias = parameters[f"{i}.weight"].flatten(0, 1), parameters[f"{i}.bias"].flatten()
            x = F.conv2d(x, weight, bias, layer.stride, layer.padding, groups=replicates)
        elif isinstance(layer, MaxPool):
            x = F.max_pool2d(x, layer.size)
        elif isinstance(layer, GlobalAveragePool):
            x = _from_images(x, replicates).mean((-2, -1))
        elif isinstance(layer, Flatten):
            x = _to_rows(x, replicates, training)
        elif isinstance(layer, BatchNorm):
            x = _normalize(x, i, parameters, buffers, momentum if training else None)
        elif isinstance(layer, Dropout):
            x = _drop(x, layer.p, dropout) if training or dropout else x
        else:
            x = _activate(x, layer)
    return _from_images(x, replicates)


def channels_last(x: Tensor) -> Tensor:
    """A copy of images (N, C, H, W) in the order of memory in which convolutions and pooling are fastest.

    A copy, because with one channel PyTorch takes any order for that order and computes in the other.
    """
    return x.clone(memory_format=torch.channels_last)


def flatten(parameters: Parameters) -> Tensor:
    """All parameters of each replicate in one row: shape (R, P)."""
    return torch.cat([value.flatten(1) for value in parameters.values()], dim=1)


def unflatten(network: Network, flat: Tensor) -> Parameters:
    """The inverse of ``flatten``: ``flat`` has shape (R, P)."""
    sizes = shapes(network)
    parts = flat.split([math.prod(shape) for shape in sizes.values()], dim=1)
    return {name: part.unflatten(1, shape) for (name, shape), part in zip(sizes.items(), parts, strict=True)}


def layer_names(network: Network) -> list[str]:
    """The layers that have trained weights (linear and convolutional), by the prefix of their parameters."""
    return [str(i) for i, layer in enumerate(network.layers) if isinstance(layer, Linear | Conv)]


def _in_order(layers: Sequence[Layer]) -> Iterator[tuple[int, Layer]]:
    """The layers with their numbers, a ReLU after the pooling that follows it.

    The maximum of ReLUs is the ReLU of the maximum, bit for bit, and so is the gradient; this way
    round there are a quarter as many numbers for a window of two.
    """
    numbered = list(enumerate(layers))
    for at in range(len(numbered) - 1):
        here, following = numbered[at][1], numbered[at + 1][1]
        if isinstance(here, Activation) and here.kind == "relu" and isinstance(following, MaxPool):
            numbered[at], numbered[at + 1] = numbered[at + 1], numbered[at]
    yield from numbered


def _to_images(x: Tensor) -> Tensor:
    """(R, B, C, H, W) → (B, R·C, H, W); one replicate keeps its memory format."""
    return x[0] if len(x) == 1 else x.transpose(0, 1).flatten(1, 2)


def _from_images(x: Tensor, replicates: int) -> Tensor:
    """(B, R·C, H, W) → (R, B, C, H, W); rows (R, B, features) stay as they are."""
    return x.unflatten(1, (replicates, -1)).transpose(0, 1) if x.dim() == 4 else x


def _to_rows(x: Tensor, replicates: int, training: bool) -> Tensor:
    """(B, R·C, H, W) → (R, B, C·H·W)"""
    if training and x.dim() == 4 and x.requires_grad:
        # the gradient comes back in the other order of memory, in which the layers before are slow
        x.register_hook(channels_last)
    return _from_images(x, replicates).flatten(2)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if len(weight) == 1:
        # a single matrix product is up to a tenth faster than a batch of one
        return F.linear(x[0], weight[0], bias[0]).unsqueeze(0)
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)


def _normalize(x: Tensor, i: int, parameters: Parameters, buffers: Parameters, momentum: float | None) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy 2015), for each replicate and channel by itself.

    Without ``momentum`` the running statistics are used and kept.
    """
    # rows become (B, R·features), which is what images are already
    rows = x.dim() == 3
    flat = x.transpose(0, 1).flatten(1) if rows else x
    mean, variance = (buffers[f"{i}.running_{name}"].view(-1) for name in ("mean", "var"))
    weight, bias = (parameters[f"{i}.{name}"].flatten() for name in ("weight", "bias"))
    flat = F.batch_norm(flat, mean, variance, weight, bias, momentum is not None, momentum or 0.0, _EPSILON)
    return flat.unflatten(1, (x.shape[0], -1)).transpose(0, 1) if rows else flat


def _drop(x: Tensor, p: float, generators: Sequence[Generator] | None) -> Tensor:
    """Inverted dropout; replicate r's mask is drawn as one of shape (B, ...), whatever R is."""
    if generators is None:
        raise ValueError("dropout needs a generator for each replicate")
    apart = _from_images(x, len(generators))
    drawn = [torch.rand(apart.shape[1:], generator=generator, device=x.device) for generator in generators]
    mask = (torch.stack(drawn) >= p) * (1 / (1 - p))
    return x * (_to_images(mask) if x.dim() == 4 else mask).to(x.dtype)


def _activate(x: Tensor, layer: Activation) -> Tensor:
    if layer.kind == "leaky_relu":
        return F.leaky_relu(x, layer.slope)
    if layer.kind == "softmax":
        return x.softmax(-1)
    if layer.kind == "log_softmax":
        return x.log_softmax(-1)
    return _ACTIVATIONS[layer.kind](x)
