"""Sharpness against closed forms, and what rescaling a network may change and what not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcore.analyses import evaluation, sharpness
from hwcore.analyses.forms import rescalable
from hwcore.analyses.run import Run
from hwcore.data.prepare import prepare
from hwcore.nets.network import flatten, forward
from hwcore.nets.spec import Network
from hwcore.tensors import write_tensors
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

CPU = torch.device("cpu")
CONV = {
    "input": [1, 8, 8],
    "layers": [
        {"conv": {"channels": 4, "kernel": 3}},
        "relu",
        {"max_pool": 2},
        "flatten",
        {"linear": 10},
    ],
}


def classifier(folder: Path, network: dict[str, object], model: str = "m") -> Run:
    prepared = folder / "digits.safetensors"
    if not prepared.exists():
        prepare("digits", {"source": "digits"}, prepared)
    said = {"study": "s", "experiment": "e", "model": model, "network": network, "replicates": 2}
    training = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 3, "batch_size": 30}
    data = {"dataset": "digits", "train_samples": 150, "test_samples": 40}
    job = RunSpec.model_validate({**said, "data": data, "training": training})
    train(job, prepared, folder / model, device="cpu")
    return Run.open(folder / model, prepared, device=CPU)


@pytest.fixture(scope="module")
def perceptron(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return classifier(tmp_path_factory.mktemp("perceptron"), {"mlp": [64, 6, 5, 10]})


@given(st.integers(1, 6), st.integers(0, 2**20), st.sampled_from([1e-3, 1e-2]), st.sampled_from([0.0, 1e-3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_sharpness_of_a_convex_quadratic_has_a_closed_form(size: int, seed: int, epsilon: float, off: float) -> None:
    random = np.random.default_rng(seed)
    curvature = random.uniform(0.5, 3, size)
    x = random.normal(size=size)
    # the minimum is at x, near it, or outside of the box
    middle = x + off * random.normal(size=size)
    height = random.uniform(0, 2)
    value = sharpness.box_sharpness(
        lambda w: (height + float(curvature @ (w - middle) ** 2), 2 * curvature * (w - middle)), x, epsilon
    )
    bound = epsilon * (np.abs(x) + 1)
    here = height + float(curvature @ (x - middle) ** 2)
    # the largest value is at the corner that is farthest from the minimum
    there = height + float(curvature @ (np.abs(x - middle) + bound) ** 2)
    assert value == pytest.approx(100 * (there - here) / (1 + here), rel=1e-6)


@given(st.integers(1, 6), st.integers(0, 2**20))
@settings(max_examples=30, deadline=None)
def test_the_highest_point_may_be_inside_the_box(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    curvature, x = random.uniform(0.5, 3, size), random.normal(size=size)
    bound = 0.1 * np.abs(x)
    top = x + random.uniform(-2, 2, size) * bound
    value = sharpness.adaptive_sharpness(
        lambda w: (-float(curvature @ (w - top) ** 2), -2 * curvature * (w - top)), x, 0.1
    )
    nearest = np.clip(top, x - bound, x + bound)
    expected = float(curvature @ (x - top) ** 2 - curvature @ (nearest - top) ** 2)
    assert value == pytest.approx(expected, rel=1e-3, abs=1e-12)


def test_nothing_accumulates_in_the_weights(perceptron: Run) -> None:
    before = {name: value.clone() for name, value in perceptron.parameters.items()}
    first, again = (
        sharpness.analyse({"m": perceptron}, epsilon=1e-3, rho=5e-3, samples=50, rescale=2.0) for _ in range(2)
    )
    assert first.equals(again)
    assert (first[list(sharpness.MEASURES)] > 0).all(axis=None)
    assert all(torch.equal(before[name], value) for name, value in perceptron.parameters.items())


def test_rescaling_changes_neither_the_function_nor_adaptive_sharpness(perceptron: Run) -> None:
    other = sharpness.rescaled(perceptron.network, perceptron.parameters, 5.0)
    x = perceptron.data.test_x
    outputs = [forward(perceptron.network, weights, {}, x) for weights in (perceptron.parameters, other)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    table = sharpness.analyse({"m": perceptron}, epsilon=1e-3, rho=5e-3, samples=100, rescale=50.0)
    np.testing.assert_allclose(table.rescaled_adaptive_sharpness, table.adaptive_sharpness, rtol=1e-3)
    # the measures that Dinh et al. speak of change by far more
    assert (table.rescaled_top_eigenvalue / table.top_eigenvalue > 2).all()
    assert (np.abs(table.rescaled_sharpness / table.sharpness - 1) > 0.5).all()


def test_convolutions_are_rescaled(tmp_path: Path) -> None:
    run = classifier(tmp_path, CONV)
    other = sharpness.rescaled(run.network, run.parameters, 3.0)
    outputs = [forward(run.network, weights, {}, run.data.test_x) for weights in (run.parameters, other)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    smooth = Network.model_validate({"mlp": [64, 6, 10], "activation": "tanh"})
    assert rescalable(smooth) is None


def test_eigenvalue_and_trace_are_those_of_the_matrix(perceptron: Run) -> None:
    table = sharpness.analyse({"m": perceptron}, epsilon=1e-3, rho=5e-3, samples=80)
    data = perceptron.data.training(80)
    for r in range(2):
        weights = flatten({name: value[r : r + 1] for name, value in perceptron.parameters.items()})[0].double()

        def loss(flat: torch.Tensor) -> torch.Tensor:
            parts = flat.split([64 * 6, 6, 30, 5, 50, 10])
            z = torch.relu(data.train_x.double() @ parts[0].view(6, 64).T + parts[1])
            z = torch.relu(z @ parts[2].view(5, 6).T + parts[3])
            return torch.nn.functional.cross_entropy(z @ parts[4].view(10, 5).T + parts[5], data.train_y)

        exact = torch.autograd.functional.hessian(loss, weights)
        values = torch.linalg.eigvalsh(exact)
        assert table.top_eigenvalue[r] == pytest.approx(values.abs().max().item(), rel=1e-2)
        assert table["trace"][r] == pytest.approx(exact.trace().item(), abs=4 * table.trace_error[r])
        assert table.trace_error[r] < 0.05 * table["trace"][r]


def test_probes_and_lanczos_steps_are_those_asked_for(perceptron: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    build = sharpness.product_of

    def counting(*arguments: Any) -> Any:
        product = build(*arguments)

        def counted(vector: torch.Tensor) -> torch.Tensor:
            nonlocal count
            count += 1
            return product(vector)

        return counted

    monkeypatch.setattr(sharpness, "product_of", counting)
    sharpness.analyse({"m": perceptron}, epsilon=1e-3, rho=5e-3, samples=50, probes=2, lanczos_steps=3)
    # of each of two replicates three, twice two for the range of the Hessian, and twice to twenty for the rest
    assert 2 * (3 + 4 + 2) <= count <= 2 * (3 + 4 + 20)


def test_the_gap_stands_beside_and_a_diverged_replicate_is_nan(perceptron: Run, tmp_path: Path) -> None:
    table = sharpness.analyse({"m": perceptron}, epsilon=1e-3, rho=5e-3, samples=50)
    alone = evaluation.analyse({"m": perceptron})
    assert table.loss_gap.tolist() == alone.loss_gap.tolist()
    (tmp_path / "run.json").write_bytes((perceptron.folder / "run.json").read_bytes())
    weights = {name: value.clone() for name, value in perceptron.parameters.items()}
    weights["1.weight"][1, 0, 0] = torch.inf
    write_tensors(tmp_path / "checkpoint.safetensors", weights, {})
    broken = Run.open(tmp_path, perceptron.prepared, device=CPU)
    found = sharpness.analyse({"m": broken}, epsilon=1e-3, rho=5e-3, samples=50, rescale=2.0)
    assert found.sharpness[0] == table.sharpness[0]
    assert found.loc[1, [*sharpness.MEASURES, "rescaled_trace"]].isna().all()
    # finite, but float32 cannot hold their products
    huge = {
        name: value * torch.tensor([1, 1e25])[:, *[None] * (value.dim() - 1)]
        for name, value in perceptron.parameters.items()
    }
    write_tensors(tmp_path / "checkpoint.safetensors", huge, {})
    found = sharpness.analyse(
        {"m": Run.open(tmp_path, perceptron.prepared, device=CPU)}, epsilon=1e-3, rho=5e-3, samples=50
    )
    assert found.top_eigenvalue[0] == table.top_eigenvalue[0]
    assert np.isnan(found.top_eigenvalue[1])
