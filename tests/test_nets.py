"""Networks: exact parameter counts, and the same numbers as torch.nn."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from hwcore.nets.network import flatten, forward, initialize, shapes, unflatten
from hwcore.nets.spec import Network


def mlp(*widths: int, activation: object = "relu") -> Network:
    return Network.model_validate({"mlp": list(widths), "activation": activation})


# Counts that the reports state, or that follow from the layers that they state.
REPORTED = [
    ((1, 250, 1), 751),
    ((1, 32, 16, 9, 1), 755),
    ((1, 24, 16, 10, 8, 4, 1), 747),
    ((1, 3, 5, 1), 32),
    ((1, 5, 10, 5, 1), 131),
    ((784, 10, 15, 10), 8175),
    ((784, 30, 10), 23860),
    ((784, 25, 60, 38, 10), 23893),
    ((784, 20, 40, 60, 50, 30, 10), 23890),
    ((784, 20, 30, 10), 16640),
    ((784, 2, 5, 10), 1645),
    ((784, 4, 8, 10), 3270),
    ((784, 10, 20, 10), 8280),
    ((784, 50, 25, 10), 40785),
    ((784, 100, 50, 10), 84060),
    ((784, 200, 100, 10), 178110),
    ((784, 400, 200, 10), 396210),
    ((784, 600, 300, 10), 654310),
    ((784, 800, 400, 10), 952410),
    ((784, 256, 256, 256, 10), 335114),
    ((1, 5, 10, 10, 10, 10, 10, 5, 1), 571),
    ((1, 10, 18, 15, 4, 1), 572),
    ((1, 190, 1), 571),
    ((784, 500, 50, 10), 418060),
    ((784, 128, 64, 10), 109386),
    ((1, 50, 60, 30, 20, 10, 1), 5831),
]


@pytest.mark.parametrize(("widths", "count"), REPORTED)
def test_counts_of_the_reports(widths: tuple[int, ...], count: int) -> None:
    network = mlp(*widths)
    assert network.parameters() == count
    assert sum(math.prod(shape) for shape in shapes(network).values()) == count


def test_counts_of_convolutional_networks_of_the_reports() -> None:
    head = [{"conv": {"channels": 10, "kernel": 4}}, "relu", {"max_pool": 2}]
    middle = [{"conv": {"channels": 20, "kernel": 4}}, "relu", {"max_pool": 2}, "flatten"]
    tail = [{"linear": 50}, "relu", {"dropout": 0.25}, {"linear": 100}, "relu", {"linear": 10}]
    network = Network.model_validate({"input": [1, 28, 28], "layers": [*head, *middle, *tail]})
    assert network.shapes()[-len(tail) - 1] == (320,)
    assert network.parameters() == 25550
    one = [{"conv": {"channels": 16, "kernel": 3}}, "relu", {"max_pool": 2}, "flatten", {"linear": 10}]
    assert Network.model_validate({"input": [3, 32, 32], "layers": one}).parameters() == 36458


LAYERS = {
    "conv": {"kind": "conv", "channels": 6, "kernel": 3, "padding": 1, "stride": 1},
    "batch_norm": {"kind": "batch_norm"},
    "relu": {"kind": "relu"},
    "max_pool": {"kind": "max_pool", "size": 2},
}


def as_torch(network: Network, parameters: dict[str, torch.Tensor], replicate: int) -> nn.Sequential:
    """The same network in torch.nn, with the weights of one replicate."""
    modules: list[nn.Module] = []
    for i, (layer, shape) in enumerate(zip(network.layers, network.shapes(), strict=False)):
        made: nn.Module = {
            "linear": lambda layer=layer, shape=shape: nn.Linear(shape[0], layer.out),
            "conv": lambda layer=layer, shape=shape: nn.Conv2d(
                shape[0], layer.channels, layer.kernel, layer.stride, layer.padding
            ),
            "max_pool": lambda layer=layer: nn.MaxPool2d(layer.size),
            "flatten": nn.Flatten,
            "global_average_pool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "batch_norm": lambda shape=shape: nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0]),
            "dropout": lambda layer=layer: nn.Dropout(layer.p),
            "relu": nn.ReLU,
            "leaky_relu": lambda layer=layer: nn.LeakyReLU(layer.slope),
            "tanh": nn.Tanh,
            "sigmoid": nn.Sigmoid,
            "softplus": nn.Softplus,
            "softmax": lambda: nn.Softmax(-1),
            "log_softmax": lambda: nn.LogSoftmax(-1),
        }[layer.kind]()
        with torch.no_grad():
            for role in ("weight", "bias"):
                if f"{i}.{role}" in parameters:
                    getattr(made, role).copy_(parameters[f"{i}.{role}"][replicate])
        modules.append(made)
    return nn.Sequential(*modules)


CONVOLUTIONAL = Network.model_validate(
    {
        "input": [3, 8, 8],
        "layers": [
            LAYERS["conv"],
            "batch_norm",
            {"leaky_relu": 0.2},
            {"max_pool": 2},
            {"conv": {"channels": 4, "kernel": 2, "stride": 2}},
            "relu",
            "flatten",
            {"linear": 7},
            "batch_norm",
            "tanh",
            {"linear": 5},
            "log_softmax",
        ],
    }
)
POOLED = Network.model_validate({"input": [3, 8, 8], "layers": [LAYERS["conv"], "softplus", "global_average_pool"]})


@pytest.mark.parametrize("network", [mlp(4, 6, 3), mlp(4, 6, 3, activation="sigmoid"), CONVOLUTIONAL, POOLED])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("replicates", [1, 3])
def test_forward_and_gradient_are_those_of_torch_nn(network: Network, training: bool, replicates: int) -> None:
    parameters, buffers = initialize(network, range(replicates))
    parameters = {name: value.double().requires_grad_() for name, value in parameters.items()}
    buffers = {name: value.double() for name, value in buffers.items()}
    x = torch.randn(replicates, 5, *network.input, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    outputs = forward(network, parameters, buffers, x, training=training)
    outputs.square().sum().backward()
    for r in range(replicates):
        reference = as_torch(network, parameters, r).double().train(training)
        expected = reference(x[r])
        expected.square().sum().backward()
        torch.testing.assert_close(outputs[r], expected, rtol=1e-10, atol=1e-12)
        for name, parameter in reference.named_parameters():
            torch.testing.assert_close(parameters[name].grad[r], parameter.grad, rtol=1e-8, atol=1e-10)
        for name, buffer in reference.named_buffers():
            if name in buffers:
                torch.testing.assert_close(buffers[name][r], buffer, rtol=1e-10, atol=1e-12)


def test_initialisation_is_that_of_torch_in_distribution_and_independent_of_the_others() -> None:
    network = mlp(50, 400, 10)
    alone, _ = initialize(network, [7])
    among, _ = initialize(network, [3, 7, 5])
    for name, value in alone.items():
        assert torch.equal(value[0], among[name][1])
    reference = nn.Linear(50, 400)
    weight = alone["1.weight"][0]
    assert weight.abs().max() <= 1 / math.sqrt(50)
    assert abs(weight.std().item() / reference.weight.std().item() - 1) < 0.05
    assert abs(weight.mean().item()) < 0.01


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_flatten_and_unflatten_are_inverse(widths: list[int], replicates: int) -> None:
    network = mlp(*widths)
    parameters, _ = initialize(network, range(replicates))
    flat = flatten(parameters)
    assert flat.shape == (replicates, network.parameters())
    back = unflatten(network, flat)
    assert list(back) == list(parameters)
    assert all(torch.equal(back[name], parameters[name]) for name in parameters)


def test_dropout_keeps_the_mean_and_has_a_mask_per_replicate() -> None:
    network = Network.model_validate({"input": [2000], "layers": [{"dropout": 0.25}]})
    x = torch.ones(2, 1, 2000)
    generators = [torch.Generator().manual_seed(s) for s in (1, 2)]
    dummy = {"none": torch.zeros(2)}
    out = forward(network, dummy, {}, x, training=True, dropout=generators)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert abs(out.mean().item() - 1) < 0.05
    assert not torch.equal(out[0], out[1])
    assert torch.equal(forward(network, dummy, {}, x), x)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"mlp": [3]}, "at least two widths"),
        ({"mlp": [3, 0, 1]}, "greater than 0"),
        ({"mlp": [3, 1], "input": [3]}, "already says"),
        ({"input": [1, 4, 4], "layers": [{"linear": 3}]}, "flatten"),
        ({"input": [1, 4, 4], "layers": [{"conv": {"channels": 1, "kernel": 5}}]}, "does not fit"),
        ({"input": [4], "layers": [{"max_pool": 2}]}, "needs an image"),
        ({"input": [4], "layers": ["rleu"]}, "relu"),
        ({"input": [4], "layers": [{"linear": 2}], "activation": "relu"}, "goes with"),
    ],
)
def test_a_network_that_cannot_be_built(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Network.model_validate(said)
