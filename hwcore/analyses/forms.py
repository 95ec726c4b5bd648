"""Forms of networks that some analyses need."""

from hwcore.nets.spec import Network
from hwcore.nets.specs.linear import Linear

_ACTIVATIONS = {"relu", "leaky_relu", "tanh", "sigmoid", "softplus"}


def is_perceptron(network: Network) -> bool:
    """Whether linear layers with biases and activations take turns, the former first."""
    layers = [layer for layer in network.layers if layer.kind != "flatten"]
    return all(
        (isinstance(layer, Linear) and layer.bias) if i % 2 == 0 else layer.kind in _ACTIVATIONS
        for i, layer in enumerate(layers)
    )


def rescalable(network: Network) -> tuple[int, int] | None:
    """The first two layers with weights, by their places from 0, with nothing but ReLUs, pooling and the like between.

    For these σ(α z) = α σ(z), so that a factor moves from one layer to the other.  None if there are no such layers.
    """
    first: int | None = None
    for i, layer in enumerate(network.layers):
        if layer.weighted() == [""]:
            if first is not None:
                return first, i
            first = i
        elif not layer.homogeneous():
            first = None
    return None
