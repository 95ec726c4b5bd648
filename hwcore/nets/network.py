"""Networks with stacked parameters: R replicates of one network run as one tensor program.

Parameters are a dict of tensors with a leading replicate dimension: ``"1.weight"`` of a linear
layer, the second of its network, has shape (R, out, in).  All functions are pure, so they work
under ``torch.func`` and in float64.
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.spec import Activation, BatchNorm, Conv, Dropout, Flatten, GlobalAveragePool, Linear, MaxPool, Network

Parameters = dict[str, Tensor]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
}
# The weight of the newest batch in the running statistics, as torch.nn.BatchNorm2d has it.
_MOMENTUM = 0.1
_EPSILON = 1e-5


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
) -> Tensor:
    """The outputs of all replicates, of shape (R, B, *output).

    ``x`` has shape (R, B, *input), or (B, *input) if all replicates see the same batch.  While
    ``training``, batch normalisation uses the statistics of the batch and updates ``buffers`` in
    place, and dropout draws replicate r's mask from ``dropout[r]``.
    """
    replicates = next(iter(parameters.values())).shape[0]
    if x.dim() == len(network.input) + 1:
        x = x.expand(replicates, *x.shape)
    for i, layer in enumerate(network.layers):
        if isinstance(layer, Linear):
            x = torch.baddbmm(parameters[f"{i}.bias"].unsqueeze(1), x, parameters[f"{i}.weight"].mT)
        elif isinstance(layer, Conv):
            x = _convolve(x, parameters[f"{i}.weight"], parameters[f"{i}.bias"], layer)
        elif isinstance(layer, MaxPool):
            x = F.max_pool2d(x.flatten(0, 1), layer.size).unflatten(0, x.shape[:2])
        elif isinstance(layer, GlobalAveragePool):
            x = x.mean(dim=(-2, -1))
        elif isinstance(layer, Flatten):
            x = x.flatten(2)
        elif isinstance(layer, BatchNorm):
            x = _normalize(x, i, parameters, buffers, training)
        elif isinstance(layer, Dropout):
            if training:
                x = _drop(x, layer.p, dropout)
        else:
            x = _activate(x, layer)
    return x


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


def _convolve(x: Tensor, weight: Tensor, bias: Tensor, layer: Conv) -> Tensor:
    """All replicates as the groups of one convolution: (R, B, C, H, W) → (R, B, C', H', W')."""
    replicates = weight.shape[0]
    grouped = x.transpose(0, 1).flatten(1, 2)
    out = F.conv2d(grouped, weight.flatten(0, 1), bias.flatten(), layer.stride, layer.padding, groups=replicates)
    split: Tensor = out.unflatten(1, (replicates, layer.channels))
    return split.transpose(0, 1)


def _normalize(x: Tensor, i: int, parameters: Parameters, buffers: Parameters, training: bool) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy 2015), for each replicate and channel by itself."""
    over = (1, *range(3, x.dim()))

    def shaped(value: Tensor) -> Tensor:
        return value.reshape(value.shape[0], 1, value.shape[1], *[1] * (x.dim() - 3))

    if training:
        mean, variance = x.mean(over), x.var(over, unbiased=False)
        count = x[0].numel() / x.shape[2]
        with torch.no_grad():
            buffers[f"{i}.running_mean"].lerp_(mean, _MOMENTUM)
            # the running variance is the unbiased one
            buffers[f"{i}.running_var"].lerp_(variance * count / max(count - 1, 1), _MOMENTUM)
    else:
        mean, variance = buffers[f"{i}.running_mean"], buffers[f"{i}.running_var"]
    scale = parameters[f"{i}.weight"] * torch.rsqrt(variance + _EPSILON)
    return torch.addcmul(shaped(parameters[f"{i}.bias"] - mean * scale), x, shaped(scale))


def _drop(x: Tensor, p: float, generators: Sequence[Generator] | None) -> Tensor:
    if generators is None:
        raise ValueError("dropout needs a generator for each replicate")
    masks = [torch.rand(x.shape[1:], generator=generator, device=x.device) >= p for generator in generators]
    return x * torch.stack(masks) / (1 - p)


def _activate(x: Tensor, layer: Activation) -> Tensor:
    if layer.kind == "leaky_relu":
        return F.leaky_relu(x, layer.slope)
    if layer.kind == "softmax":
        return x.softmax(-1)
    if layer.kind == "log_softmax":
        return x.log_softmax(-1)
    return _ACTIVATIONS[layer.kind](x)
