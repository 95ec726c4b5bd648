"""Networks: exact parameter counts, and the same numbers as torch.nn."""

import hashlib
import math
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.resnet import BasicBlock, conv1x1

from conftest import ROOT
from hwcore.description import describe_network
from hwcore.fingerprint import Code, plain
from hwcore.nets.network import count, flatten, forward, initialize, shapes, unflatten, weight_matrices
from hwcore.nets.shorthand import with_blocks
from hwcore.nets.spec import LayerSpec, Network, layer_kinds
from hwcore.nets.specs.torchvision import Torchvision


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


# Every convolutional network of the five reports in a line: its parameters, and those that its report states where
# they are others.
CNNS: list[tuple[str, dict[str, Any], int, int | None]] = [
    (
        "paladugu CNN1",
        {"conv": [[10, 4], [20, 4]], "pool": 2, "dense": [50, 100], "dropout": [0, 0.25, 0]},
        25550,
        None,
    ),
    ("paladugu CNN2", {"conv": [[10, 4], [20, 4]], "pool": 2, "dense": [50, 50, 40, 30]}, 25570, None),
    ("paladugu CNN3", {"conv": [[10, 5], [15, 5]], "pool": 2, "dense": [86], "dropout": 0.25}, 25621, 25550),
    *(
        (
            f"konda Net_{i}",
            {"conv": [16 * i, 32 * i, 64 * i], "padding": 1, "pool": 2, "batch_norm": True, "dense": [120 * i]}
            | {"order": ["conv", "pool", "activation", "batch_norm"]},
            parameters,
            None,
        )
        for i, parameters in enumerate(
            (148018, 587866, 1319554, 2343082, 3658450, 5265658, 7164706, 9355594, 11838322, 14612890), start=1
        )
    ),
    ("konda CNN2", {"conv": [32, 64, 128], "padding": 1, "pool": 2, "batch_norm": True, "dense": [256]}, 620810, None),
    (
        "konda CNN3",
        {"conv": [64, 128, 256, 256], "padding": 1, "pool": [2, 2, 0, 2], "batch_norm": True, "dense": [512]}
        | {"global_average_pool": True, "dropout": [0.25, 0.5]},
        1099018,
        None,
    ),
    (
        "konda CNN3 as printed",
        {"conv": [64, 128, 256, 256], "padding": 1, "pool": [2, 2, 0, 2], "batch_norm": True, "dense": [512]},
        3065098,
        None,
    ),
    ("konda 3-3B", {"conv": [16], "padding": 1, "pool": 2, "batch_norm": True, "dense": [120]}, 493330, None),
    ("majumder Cifar1", {"conv": [16], "pool": 2, "output_activation": "softmax"}, 36458, None),
    ("majumder Cifar1 as printed", {"conv": [16], "padding": 1, "pool": 2}, 41418, 36458),
    ("majumder Cifar2", {"conv": [16, 32, 64, 32, 16], "padding": 1, "pool": 2}, 46842, None),
    (
        "majumder Cifar7",
        {"conv": [32, 64], "padding": 1, "pool": 2, "dense": [100], "dense_activation": "none"},
        430102,
        None,
    ),
    *(
        (f"majumder Cifar{number}", {"conv": list(conv), "padding": 1, "pool": 2}, parameters, reported)
        for number, conv, parameters, reported in (
            (21, (8, 10, 20, 25, 16), 11085, None),
            (22, (16, 10, 20, 25, 16), 12029, None),
            (23, (16, 10, 32, 20, 16), 13656, None),
            (24, (16, 25, 20, 25, 16), 16904, None),
            (25, (16, 64, 20, 24, 16), 29254, None),
            (26, (16, 128, 20, 30, 16), 52004, None),
            (27, (16, 128, 20, 64, 16), 63054, None),
            (28, (16, 128, 20, 100, 16), 74754, None),
            (29, (16, 128, 20, 128, 16), 83854, None),
            (30, (16, 128, 20, 128, 16), 83854, 130122),
            (31, (16, 256, 128, 64, 32), 425194, None),
        )
    ),
    ("majumder Cifar30 as run", {"conv": [16, 128, 32, 128, 32], "padding": 1, "pool": 2}, 130122, None),
    *(
        (
            f"beamreaching1 m{number}",
            {"conv": [[first, 3], [second, 5]], "pool": [2, 3], "dense": [width], "dropout": 0.5}
            | {"dropout2d": [0, 0.5], "order": ["conv", "dropout2d", "pool", "activation"]},
            parameters,
            None,
        )
        for number, first, second, width, parameters in (
            (1, 10, 20, 50, 14680),
            (2, 10, 30, 100, 35740),
            (3, 20, 50, 200, 117460),
            (4, 5, 10, 45, 5865),
            (5, 3, 5, 25, 1820),
            (6, 2, 3, 15, 753),
            (7, 40, 90, 600, 583100),
            (8, 80, 160, 800, 1481770),
            (9, 120, 220, 1400, 3448830),
            (10, 300, 440, 2000, 11245450),
        )
    ),
    ("beamreaching1 CNN2", {"conv": [10], "pool": 2, "dense": [50], "dropout": 0.5}, 85160, None),
]
CIFAR = ("konda", "majumder")


@pytest.mark.parametrize(("name", "line", "parameters", "reported"), CNNS, ids=[each[0] for each in CNNS])
def test_convolutional_networks_of_the_reports_in_a_line(
    name: str, line: dict[str, Any], parameters: int, reported: int | None
) -> None:
    size = [3, 32, 32] if name.startswith(CIFAR) else [1, 28, 28]
    network = Network.model_validate({"cnn": {"input": size, **line, "out": 10}})
    assert network.parameters() == parameters != reported
    assert count(network) == parameters
    assert network.output == (10,)


def test_the_line_and_the_list_are_one_network() -> None:
    line = {
        "conv": [16, [32, 5]],
        "padding": 2,
        "pool": [2, 0],
        "batch_norm": True,
        "dense": [20],
        "dropout": [0.1, 0.2],
    }
    line |= {"order": ["conv", "pool", "activation", "batch_norm"], "dropout2d": 0.0, "activation": {"leaky_relu": 0.2}}
    layers: list[Any] = [{"conv": {"channels": 16, "kernel": 3, "padding": 2}}, {"max_pool": 2}, {"leaky_relu": 0.2}]
    layers += ["batch_norm", {"conv": {"channels": 32, "kernel": 5, "padding": 2}}, {"leaky_relu": 0.2}, "batch_norm"]
    layers += ["flatten", {"dropout": 0.1}, {"linear": 20}, {"leaky_relu": 0.2}, {"dropout": 0.2}, {"linear": 3}]
    expected = Network.model_validate({"input": [1, 9, 9], "layers": layers})
    assert Network.model_validate({"cnn": {"input": [1, 9, 9], "out": 3, **line}}) == expected
    more = {"pooling": "average", "global_average_pool": True, "dense": [4], "dense_activation": "tanh", "stride": 2}
    more |= {"conv": [{"channels": 4, "kernel": 3, "groups": 2}], "pool": 2, "output_activation": "softmax"}
    found = Network.model_validate({"cnn": {"input": [2, 9, 9], "out": 3, **more}})
    conv = {"channels": 4, "kernel": 3, "groups": 2, "stride": 2}
    layers = [{"conv": conv}, "relu", {"avg_pool": 2}, "global_average_pool", {"linear": 4}, "tanh", {"linear": 3}]
    assert found == Network.model_validate({"input": [2, 9, 9], "layers": [*layers, "softmax"]})


class Sum(nn.Module):
    """As He et al. 2016 have it."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + self.shortcut(x)


def as_module(layer: Any, shape: tuple[int, ...]) -> nn.Module:
    """A layer in torch.nn."""
    images = len(shape) == 3
    window = (
        {"kernel_size": layer.size, "stride": layer.stride, "padding": layer.padding}
        if "pool" in layer.kind and ("global" not in layer.kind)
        else {}
    )
    made: Any = {
        "linear": lambda: nn.Linear(shape[0], layer.out, bias=layer.bias),
        "conv": lambda: nn.Conv2d(
            shape[0],
            layer.channels,
            layer.kernel,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            bias=layer.bias,
        ),
        "max_pool": lambda: nn.MaxPool2d(**window),
        "avg_pool": lambda: nn.AvgPool2d(**window),
        "flatten": nn.Flatten,
        "global_average_pool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "batch_norm": lambda: nn.BatchNorm2d(shape[0]) if images else nn.BatchNorm1d(shape[0]),
        "layer_norm": lambda: nn.LayerNorm(shape),
        "dropout": lambda: nn.Dropout(layer.p),
        "dropout2d": lambda: nn.Dropout2d(layer.p),
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(layer.slope),
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "softplus": nn.Softplus,
        "softmax": lambda: nn.Softmax(-1),
        "log_softmax": lambda: nn.LogSoftmax(-1),
        "residual": lambda: Sum(as_sequence(layer.layers, shape), as_sequence(layer.shortcut, shape)),
    }
    module: nn.Module = made[layer.kind]()
    return module


def as_sequence(layers: tuple[LayerSpec, ...], shape: tuple[int, ...]) -> nn.Sequential:
    modules = []
    for layer in layers:
        modules.append(as_module(layer, shape))
        shape = layer.output(shape)
    return nn.Sequential(*modules)


def own_name(theirs: str) -> str:
    return theirs.replace(".layers.", ".")


def as_torch(network: Network, parameters: dict[str, Tensor], replicate: int) -> nn.Sequential:
    """The same network in torch.nn, with the weights of one replicate."""
    reference = as_sequence(network.layers, network.input)
    with torch.no_grad():
        for name, value in reference.named_parameters():
            value.copy_(parameters[own_name(name)][replicate])
    assert {own_name(name) for name, _ in reference.named_parameters()} == parameters.keys()
    return reference


def conv(channels: int, kernel: int = 3, **more: Any) -> dict[str, Any]:
    return {"conv": {"channels": channels, "kernel": kernel, **more}}


def images(*layers: Any, input: tuple[int, ...] = (3, 8, 8)) -> Network:
    return Network.model_validate({"input": list(input), "layers": list(layers)})


PROJECTED = {"layers": [conv(6, padding=1, stride=2), "batch_norm", "relu", conv(6, padding=1)]}
NETWORKS = {
    "perceptron": mlp(4, 6, 3),
    "sigmoid": mlp(4, 6, 3, activation="sigmoid"),
    "convolutional": images(
        *(conv(6, padding=1), "batch_norm", {"leaky_relu": 0.2}, {"max_pool": 2}, conv(4, 2, stride=2), "relu"),
        *("flatten", {"linear": 7}, "batch_norm", "tanh", {"linear": 5}, "log_softmax"),
    ),
    "pooled": images(conv(6, padding=1), "softplus", "global_average_pool", "softmax"),
    "strides and groups": images(
        *(conv(6, groups=3, bias=False), "gelu", conv(8, 2, groups=2, dilation=2, stride=2), "silu", "flatten"),
        *({"linear": {"out": 4, "bias": False}}, "elu", {"linear": 2}),
        input=(3, 9, 9),
    ),
    "pools": images(
        *(conv(4), {"avg_pool": {"size": 3, "stride": 2, "padding": 1}}, {"max_pool": {"size": 3, "stride": 1}}),
        *({"avg_pool": 1}, {"max_pool": {"size": 1, "stride": 1, "padding": 0}}, "flatten", {"linear": 3}),
    ),
    "layer norm": images(conv(5), "layer_norm", "relu", "flatten", {"linear": 6}, "layer_norm", {"linear": 2}),
    "residual": images(
        *(conv(4, padding=1), {"residual": [conv(4, padding=1), "batch_norm", "relu", {"max_pool": 1}]}, "relu"),
        {"residual": {**PROJECTED, "shortcut": [conv(6, 1, stride=2, bias=False), "batch_norm"]}},
        *(
            "flatten",
            {"linear": 7},
            {"residual": [{"linear": 5}, "relu", {"residual": ["gelu", {"linear": 5}]}, "tanh", {"linear": 7}]},
            {"linear": 2},
        ),
    ),
    "no dropout": images({"dropout2d": 0.0}, conv(4), {"dropout": 0.0}, "flatten", {"linear": 2}),
}


def test_each_kind_of_layer_is_compared_with_torch() -> None:
    found, queue = set(), [layer for network in NETWORKS.values() for layer in network.layers]
    while queue:
        layer = queue.pop()
        found.add(layer.kind)
        queue += layer.inner()
    assert found == {*layer_kinds()} - {"torchvision", "module"}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("replicates", [1, 3])
def test_forward_and_gradient_are_those_of_torch_nn(network: Network, training: bool, replicates: int) -> None:
    parameters, buffers = initialize(network, range(replicates))
    parameters = {name: value.double().requires_grad_() for name, value in parameters.items()}
    buffers = {name: value.double() for name, value in buffers.items()}
    draw = torch.Generator().manual_seed(1)
    if not training:
        # running statistics that change something
        buffers = {name: torch.rand(value.shape, generator=draw).double() + 0.5 for name, value in buffers.items()}
    x = torch.randn(replicates, 5, *network.input, generator=draw, dtype=torch.float64)
    masks = [torch.Generator() for _ in range(replicates)]
    references = [as_torch(network, parameters, r).double().train(training) for r in range(replicates)]
    for r, reference in enumerate(references):
        for name, buffer in reference.named_buffers():
            if own_name(name) in buffers:
                buffer.copy_(buffers[own_name(name)][r])
    outputs = forward(network, parameters, buffers, x, training=training, dropout=masks)
    assert outputs.shape == (replicates, 5, *network.output)
    outputs.square().sum().backward()
    for r, reference in enumerate(references):
        expected = reference(x[r])
        expected.square().sum().backward()
        torch.testing.assert_close(outputs[r], expected, rtol=1e-10, atol=1e-12)
        assert network.parameters() == sum(value.numel() for value in reference.parameters())
        for name, parameter in reference.named_parameters():
            torch.testing.assert_close(parameters[own_name(name)].grad[r], parameter.grad, rtol=1e-8, atol=1e-10)
        theirs = {own_name(name): value for name, value in reference.named_buffers() if "num_batches" not in name}
        assert theirs.keys() == buffers.keys()
        for name, buffer in theirs.items():
            torch.testing.assert_close(buffers[name][r], buffer, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_is_said_of_a_network_is_true_of_the_built_one(network: Network) -> None:
    parameters, buffers = initialize(network, range(2))
    assert {name: tuple(value.shape[1:]) for name, value in parameters.items()} == shapes(network)
    assert network.statistics() == sum(value[0].numel() for value in buffers.values())
    names = [name.rpartition(".")[0] for name in shapes(network) if name.endswith("weight")]
    assert sorted(network.weighted()) == sorted(name for name in names if kind_at(network, name) in ("linear", "conv"))
    assert weight_matrices(network) == {f"{name}.weight" for name in network.weighted()}


def kind_at(network: Network, name: str) -> str:
    layer: Any = None
    layers: Any = network.layers
    for part in name.split("."):
        if part == "shortcut":
            layers = layer.shortcut
            continue
        layer = layers[int(part)]
        layers = layer.inner() and layer.layers
    return str(layer.kind)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_a_fingerprint_holds_of_a_network_is_the_network(network: Network) -> None:
    assert Network.model_validate(plain(network, defaults=False)) == network
    assert Network.model_validate(plain(network)) == network


def test_a_block_of_resnet_is_that_of_torchvision() -> None:
    """BasicBlock with a projection, as ResNet-18 has it between its stages."""
    reference = BasicBlock(4, 6, 2, nn.Sequential(conv1x1(4, 6, 2), nn.BatchNorm2d(6)))
    block = {
        "layers": [
            conv(6, padding=1, stride=2, bias=False),
            "batch_norm",
            "relu",
            conv(6, padding=1, bias=False),
            "batch_norm",
        ],
        "shortcut": [conv(6, 1, stride=2, bias=False), "batch_norm"],
    }
    network = images({"residual": block}, "relu", input=(4, 8, 8))
    names = {
        "conv1": "0",
        "bn1": "1",
        "conv2": "3",
        "bn2": "4",
        "downsample.0": "shortcut.0",
        "downsample.1": "shortcut.1",
    }
    parameters = {
        f"0.{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value.detach()[None]
        for name, value in reference.named_parameters()
    }
    assert {name: value.shape[1:] for name, value in parameters.items()} == shapes(network)
    x = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    _, buffers = initialize(network, [0])
    torch.testing.assert_close(forward(network, parameters, buffers, x, training=True)[0], reference(x))
    torch.testing.assert_close(forward(network, parameters, buffers, x)[0], reference.eval()(x))


# The hashes of initial weights and of masks, as they were before each kind of layer had a file of its own.
DRAWN = {
    "perceptron": "4d4555e1a7c0b85d",
    "convolutional": "93c5b2c66f2fbbe4",
    "pooled": "fb31b9c7a03ca5a3",
    "dropout": "57fedc3880d59889",
}


def digest(tensors: dict[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def without_last(network: Network) -> Network:
    """Layers that train nothing by themselves, which a study file cannot ask for."""
    return network.model_copy(update={"layers": network.layers[:-1]})


def test_what_is_drawn_stays_what_it_was() -> None:
    networks = {
        "perceptron": mlp(4, 6, 3, activation="tanh"),
        "convolutional": NETWORKS["convolutional"],
        "pooled": images(conv(6), "softplus", "global_average_pool"),
    }
    found = {}
    for name, network in networks.items():
        parameters, buffers = initialize(network, [3, 1, 4])
        found[name] = digest({**parameters, **buffers})
    masked = without_last(images({"dropout": 0.25}, "flatten", {"dropout": 0.5}, {"linear": 1}, input=(2, 4, 4)))
    masks = [torch.Generator().manual_seed(s) for s in (5, 6)]
    dummy = {"none": torch.zeros(2)}
    out = forward(masked, dummy, {}, torch.ones(2, 3, 2, 4, 4), training=True, dropout=masks)
    assert {**found, "dropout": digest({"out": out})} == DRAWN


@st.composite
def stacks(draw: st.DrawFn) -> Network:
    """Any layers one after the other that fit."""
    layers: list[Any] = []
    kinds = ["conv", "max_pool", "avg_pool", "batch_norm", "layer_norm", "gelu", "residual", "dropout2d"]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=5)):
        options: dict[str, Any] = {}
        if kind == "conv":
            options = {
                "channels": 2 * draw(st.integers(1, 3)),
                "kernel": draw(st.integers(1, 3)),
                "bias": draw(st.booleans()),
            }
            options |= {
                "padding": draw(st.integers(0, 2)),
                "stride": draw(st.integers(1, 2)),
                "groups": draw(st.integers(1, 2)),
            }
        elif "pool" in kind:
            options = {"size": draw(st.integers(1, 2)), "stride": draw(st.none() | st.integers(1, 2))}
        elif kind == "residual":
            options = {"layers": ["batch_norm", "relu", "layer_norm"]}
        elif kind == "dropout2d":
            options = {"p": 0.3}
        layers.append({kind: options})
    layers += draw(st.sampled_from([[], ["global_average_pool"], ["flatten", {"linear": 3}, "silu", {"linear": 2}]]))
    return images(*layers, input=(2, 7, 6))


@given(st.data(), st.integers(2, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_replicates_together_are_replicates_one_by_one(data: st.DataObject, replicates: int, training: bool) -> None:
    try:
        network = data.draw(stacks())
    except ValidationError:
        return
    parameters, buffers = initialize(network, range(replicates))
    assert sum(math.prod(shape) for shape in shapes(network).values()) == network.parameters()
    if not parameters:
        parameters = {"none": torch.zeros(replicates)}
    x = torch.randn(4, 2, 7, 6, generator=torch.Generator().manual_seed(0))

    def outputs(chosen: range) -> tuple[Tensor, dict[str, Tensor]]:
        own, kept = (
            {k: v[chosen.start : chosen.stop].clone().double() for k, v in part.items()}
            for part in (parameters, buffers)
        )
        masks = [torch.Generator().manual_seed(r) for r in chosen]
        return forward(network, own, kept, x.double(), training=training, dropout=masks), kept

    together, statistics = outputs(range(replicates))
    assert together.shape == (replicates, 4, *network.output)
    for r in range(replicates):
        alone, own = outputs(range(r, r + 1))
        torch.testing.assert_close(together[r], alone[0], rtol=1e-9, atol=1e-9)
        for name, value in own.items():
            torch.testing.assert_close(statistics[name][r], value[0], rtol=1e-9, atol=1e-9)


def test_dropout_of_channels_drops_whole_channels_of_each_replicate() -> None:
    network = without_last(images({"dropout2d": 0.25}, "batch_norm", input=(400, 3, 2)))
    masks = [torch.Generator().manual_seed(s) for s in (1, 2)]
    dummy = {"none": torch.zeros(2)}
    x = torch.ones(2, 5, 400, 3, 2)
    out = forward(network, dummy, {}, x, training=True, dropout=masks)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert abs(out.mean().item() - 1) < 0.05
    channels = out.flatten(3)
    assert torch.equal(channels, channels[..., :1].expand_as(channels))
    assert not torch.equal(out[0], out[1])
    assert torch.equal(forward(network, dummy, {}, x), x)


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
    network = without_last(Network.model_validate({"input": [2000], "layers": [{"dropout": 0.25}, {"linear": 1}]}))
    x = torch.ones(2, 1, 2000)
    generators = [torch.Generator().manual_seed(s) for s in (1, 2)]
    dummy = {"none": torch.zeros(2)}
    out = forward(network, dummy, {}, x, training=True, dropout=generators)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert abs(out.mean().item() - 1) < 0.05
    assert not torch.equal(out[0], out[1])
    assert torch.equal(forward(network, dummy, {}, x), x)
    again = [torch.Generator().manual_seed(s) for s in (1, 2)]
    assert torch.equal(forward(network, dummy, {}, x, dropout=again), out)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"mlp": [3]}, "at least two widths"),
        ({"mlp": [3, 0, 1]}, "mlp: 0 is not a width; give whole numbers above 0"),
        ({"mlp": [3, 2.5, 1]}, "mlp: 2.5 is not a width"),
        ({"mlp": [3, True, 1]}, "mlp: True is not a width"),
        ({"mlp": [3, 1], "input": [3]}, "already says"),
        ({"input": [1, 4, 4], "layers": [{"linear": 3}]}, "flatten"),
        ({"input": [1, 4, 4], "layers": [{"conv": {"channels": 1, "kernel": 5}}]}, "does not fit"),
        ({"input": [4], "layers": [{"max_pool": 2}]}, "needs an image"),
        ({"input": [4], "layers": ["rleu"]}, "relu"),
        ({"input": [4], "layers": [{"linear": 2}], "activation": "relu"}, "goes with"),
        ({"input": [4], "layers": [{"linaer": 2}]}, "did you mean `linear`"),
        ({"input": [4], "layers": [{"linear": {"outs": 2}}]}, "unknown key 'outs'; did you mean `out`"),
        ({"input": [4], "layers": [{"linear": 2, "relu": {}}]}, "more than one layer"),
        ({"input": [4], "layers": [{"batch_norm": 2}]}, "not a mapping of its settings"),
        ({"input": [4], "layers": [7]}, "not a layer"),
        ({"input": [4], "layers": [{"kind": "tanh", "slope": 0.5}]}, "has no slope"),
        ({"input": [4, 4], "layers": []}, "neither"),
        ({"input": [4], "layers": [{"dropout2d": 0.5}]}, "needs an image"),
        ({"input": [2, 4, 4], "layers": ["softmax"]}, "flatten"),
        ({"input": [3, 4, 4], "layers": [conv(4, groups=2)]}, "does not divide the 3 channels of the input"),
        ({"input": [2, 4, 4], "layers": [conv(3, groups=2)]}, "does not divide the 3 channels of the output"),
        ({"input": [2, 4, 4], "layers": [conv(3, dilation=2)]}, "does not fit"),
        ({"input": [2, 4, 4], "layers": [{"max_pool": {"size": 2, "padding": 2}}]}, "more than half"),
        ({"input": [4], "layers": [{"residual": []}]}, "at least 1"),
        ({"input": [4], "layers": [{"residual": [{"linear": 3}]}]}, r"shortcut: \[\{linear: 3\}\]"),
        ({"input": [2, 8, 8], "layers": [{"residual": [conv(3, 2, stride=2)]}]}, "channels: 3, kernel: 1, stride: 2"),
        ({"input": [4], "layers": [{"residual": ["relu", {"linear": "x"}]}]}, "valid integer"),
        ({"cnn": {"input": [1, 8, 8], "conv": [4, 4], "pool": [2], "out": 3}}, "1 entries for 2 convolutions"),
        ({"cnn": {"input": [1, 8, 8], "conv": [4], "dropout": [0.1], "dense": [5], "out": 3}}, "2 dense layers"),
        ({"cnn": {"input": [1, 8, 8], "conv": [4], "order": ["conv"], "out": 3}}, "must name activation once"),
        ({"cnn": {"input": [1, 8, 8], "conv": [], "out": 3}}, "at least 1"),
        ({"cnn": {"input": [1, 8, 8], "conv": [[4, 9]], "out": 3}}, "does not fit"),
        (
            {"cnn": {"input": [1, 8, 8], "conv": [[4, 0]], "out": 3}},
            r"\[4, 0\] is not a convolution; give its channels,",
        ),
        ({"cnn": {"input": [1, 8, 8], "conv": [{"channels": 4, "kernel": 0}], "out": 3}}, "greater than 0"),
        (
            {"cnn": {"input": [1, 8, 8], "conv": [4], "dropout": 0.5, "out": 3}},
            r"dropout: there is no hidden dense layer; write dropout: \[0.5\] for one before the last layer, or leave",
        ),
        (
            {"cnn": {"input": [1, 8, 8], "conv": [4], "dense_activation": "tanh", "out": 3}},
            "dense_activation: there is no hidden dense layer; give `dense`, or leave it out",
        ),
        (
            {"cnn": {"input": [1, 8, 8], "conv": [4], "pooling": "average", "out": 3}},
            "pooling: there is no pooling; give the size as `pool`, or leave it out",
        ),
        ({"cnn": {"input": [1, 8, 8], "conv": [4], "out": 3}, "layers": []}, "already says"),
        ({"torchvision": "resnet19", "input": [3, 8, 8], "out": 3}, "did you mean `resnet18`"),
        ({"torchvision": "resnet18", "input": [1, 8, 8], "out": 3}, "three channels"),
        ({"torchvision": "resnet18", "input": [3, 8, 8]}, "needs `out`"),
        ({"torchvision": "resnet18", "out": 3}, "needs `input`"),
        (
            {"torchvision": "resnet18", "input": [3, 8, 8], "out": 3, "options": {"weights": "DEFAULT"}},
            "cannot be given",
        ),
        ({"mlp": [3, 1], "out": 1}, "does not go with `mlp`"),
        ({"input": [1], "layers": ["tanh"]}, "layers: nothing in them is trained"),
        ({"input": [1], "layers": []}, "layers: nothing in them is trained"),
    ],
)
def test_a_network_that_cannot_be_built(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Network.model_validate(said)


def test_blocks_stand_in_for_their_layers() -> None:
    blocks = {"trunk": [{"linear": 3}, {"block": "bend"}], "bend": ["relu"], "nothing": []}
    layers = [{"block": "trunk"}, {"residual": [{"block": "bend"}, {"linear": 3}]}, {"block": "nothing"}, "tanh"]
    assert with_blocks(layers, blocks) == [{"linear": 3}, "relu", {"residual": ["relu", {"linear": 3}]}, "tanh"]
    for wrong, blocks, complaint in (
        ([{"block": "trnk"}], {"trunk": []}, "unknown block 'trnk'; did you mean `trunk`"),
        ([{"block": "trunk"}], {}, "there are no `blocks`"),
        (
            [{"block": "a"}],
            {"a": ["relu", {"block": "b"}], "b": [{"block": "a"}]},
            "block 'a' contains itself: a → b → a",
        ),
    ):
        with pytest.raises(ValueError, match=complaint):
            with_blocks(wrong, blocks)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mlp": [784, 30, 10]}, "784-30-10, relu"),
        ({"mlp": [1, 3, 1], "activation": {"leaky_relu": 0.2}}, "1-3-1, leaky relu, slope 0.2"),
        (
            {"cnn": {"input": [1, 8, 8], "conv": [4], "padding": 1, "pool": 2, "dropout": [0.5], "out": 3}},
            "conv 4 of 3×3, padding 1 · relu · max pool 2×2 · flatten · dropout 0.5 · linear 3",
        ),
        (
            {"input": [4], "layers": [{"residual": ["relu", {"linear": {"out": 4, "bias": False}}]}, {"linear": 2}]},
            "residual (relu · linear 4, no bias) · linear 2",
        ),
        ({"torchvision": "resnet18", "input": [3, 8, 8], "out": 3}, "torchvision's resnet18 with 3 outputs"),
        (
            {"torchvision": "resnet50", "input": [3, 8, 8], "out": 3, "options": {"width_per_group": 128}},
            "torchvision's resnet50 with 3 outputs, width per group 128",
        ),
        (
            {
                "input": [2, 4, 4],
                "layers": [{"residual": {"layers": [conv(3, 1)], "shortcut": [conv(3, 1, bias=False)]}}],
            },
            "residual (conv 3 of 1×1), shortcut (conv 3 of 1×1, no bias)",
        ),
    ],
)
def test_a_network_in_words(said: dict[str, Any], words: str) -> None:
    assert describe_network(Network.model_validate(said)) == words


def test_the_networks_of_torchvision_are_all_known() -> None:
    assert list(Torchvision.MODELS) == torchvision.models.list_models(module=torchvision.models)


def test_the_multiplications_of_torchvision_are_those_that_it_states() -> None:
    def stated(name: str) -> float:
        weights = torchvision.models.get_model_weights(name)
        size, billions = min((each.transforms.keywords["crop_size"], each.meta["_ops"]) for each in weights)
        return billions * 1e9 / (3 * size**2)

    known = {name: multiplications for name, (multiplications, _) in Torchvision.MODELS.items()}
    assert {name: round(stated(name)) for name in known} == known
    network = Network.model_validate({"torchvision": "resnet18", "input": [3, 64, 64], "out": 1000})
    with FlopCounterMode(display=False) as counter:
        torchvision.models.resnet18().eval()(torch.rand(1, 3, 64, 64))
    assert counter.get_total_flops() == pytest.approx(2 * network.multiplications(), rel=0.05)


def test_the_parameters_of_torchvision_are_those_that_it_states() -> None:
    def stated(name: str) -> int:
        weights = torchvision.models.get_model_weights(name)
        _, count = min((each.transforms.keywords["crop_size"], each.meta["num_params"]) for each in weights)
        return round(count / 1000)

    known = {name: thousands for name, (_, thousands) in Torchvision.MODELS.items()}
    assert {name: stated(name) for name in known} == known
    network = Network.model_validate({"torchvision": "vgg11", "input": [3, 32, 32], "out": 1000})
    counted = sum(each.numel() for each in torchvision.models.vgg11().parameters())
    assert network.estimated_parameters() == pytest.approx(counted, abs=500)
    own = [{"residual": [{"linear": 4}]}, {"linear": 2}]
    small = Network.model_validate({"input": [4], "layers": own})
    assert small.estimated_parameters() == small.parameters() == 30
    foreign = Network.model_validate(
        {"input": [4], "layers": [*own[:1], {"module": {"name": "Mine", "out": 2, "study": "s", "source": "0"}}]}
    )
    assert foreign.parameters() is None
    assert foreign.estimated_parameters() == 20 + 25_000_000


def test_a_layer_is_code_of_the_networks_that_have_it() -> None:
    code = Code(ROOT)
    modules = NETWORKS["perceptron"].modules()
    assert modules == [
        f"hwcore.nets.{package}.{kind}"
        for package in ("specs", "layers")
        for kind in ("activation", "flatten", "linear")
    ]
    loaded = code.modules("workflow_scripts/train.py", tuple(modules))
    kinds = {
        name.rpartition(".")[2] for name in loaded if name.startswith(("hwcore.nets.specs.", "hwcore.nets.layers."))
    }
    assert kinds == {"activation", "flatten", "linear"}
    assert {"hwcore.nets.layers.residual", "hwcore.nets.layers.conv"} <= {*NETWORKS["residual"].modules()}


def test_a_training_step_takes_six_operations_for_each_multiplication() -> None:
    """But those for the gradient of the input, which nobody asks for: it is what a cap on arithmetic counts."""
    convolutional = {"input": [3, 32, 32], "conv": [[8, 3], [16, 3]], "padding": 1, "pool": 2, "dense": [20], "out": 10}
    network = Network.model_validate({"cnn": convolutional})
    parameters, buffers = initialize(network, [0])
    with FlopCounterMode(display=False) as counter:
        outputs = forward(
            network, {k: v.requires_grad_() for k, v in parameters.items()}, buffers, torch.rand(1, 2, 3, 32, 32)
        )
        outputs.sum().backward()
    first = 3 * 9 * 8 * 32 * 32
    assert counter.get_total_flops() == 2 * (6 * network.multiplications() - 2 * first)


def test_blocks_that_stand_for_too_much_are_refused_at_once() -> None:
    doubling = {f"b{i}": [{"block": f"b{i + 1}"}] * 2 for i in range(60)}
    assert with_blocks([{"block": "b0"}], doubling | {"b60": []}) == []
    with pytest.raises(ValueError, match="more than 10,000 layers"):
        with_blocks([{"block": "b0"}], doubling | {"b60": ["relu"]})
    nested = {f"b{i}": [{"residual": [{"block": f"b{i + 1}"}] * 2}] for i in range(60)}
    with pytest.raises(ValueError, match="more than 10,000 layers and settings of layers"):
        with_blocks([{"block": "b0"}], nested | {"b60": ["relu"]})
