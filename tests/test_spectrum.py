"""The Hessian's spectrum against matrices that are small enough to be written down."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from curvlinops import HessianLinearOperator, hutchpp_trace
from safetensors.torch import load_file
from scipy.sparse.linalg import eigsh
from torch import Generator, nn

from hwcore.analyses import hessian_spectrum, krylov, products
from hwcore.analyses.run import Run
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.nets.spec import Network
from hwcore.tensors import write_tensors
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

OPTIONS: dict[str, Any] = {"count": 5, "tolerance": 1e-4, "steps": 80, "probes": 10, "samples": None}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    prepare("digits", {"source": "digits"}, folder / "digits.safetensors")
    said = {"study": "s", "experiment": "e", "model": "m", "replicates": 2, "network": {"mlp": [64, 4, 10]}}
    fit = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 4, "batch_size": 20}
    data = {"dataset": "digits", "train_samples": 201, "test_samples": 40, "random_labels": 0.2}
    job = RunSpec.model_validate({**said, "data": data, "training": fit})
    train(job, folder / "digits.safetensors", folder, device="cpu")
    return Run.open(folder, folder / "digits.safetensors", device=torch.device("cpu"))


def matrix(run: Run, r: int) -> torch.Tensor:
    """The Hessian by torch.autograd.functional, in float64."""
    sizes = [value[r].shape for value in run.parameters.values()]
    flat = torch.cat([value[r].flatten() for value in run.parameters.values()]).double()

    def loss(weights: torch.Tensor) -> torch.Tensor:
        parts = [p.view(s) for p, s in zip(weights.split([s.numel() for s in sizes]), sizes, strict=True)]
        hidden = torch.relu(nn.functional.linear(run.data.train_x.double(), *parts[:2]))
        return nn.functional.cross_entropy(nn.functional.linear(hidden, *parts[2:]), run.data.train_y[r])

    found: torch.Tensor = torch.autograd.functional.hessian(loss, flat)
    return found


@pytest.fixture(scope="module")
def exact(run: Run) -> list[torch.Tensor]:
    return [matrix(run, r) for r in range(2)]


@pytest.mark.parametrize("chunk", [2**20, 64 * 7])
@pytest.mark.parametrize("kept", [0, 2**25])
def test_a_short_last_part_weighs_by_its_samples(
    run: Run, exact: list[torch.Tensor], chunk: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_CHUNK", chunk)
    monkeypatch.setattr(products, "_MEMORY", kept)
    for r in range(2):
        product = products.curvature_product(run, r, dtype=torch.float64)
        vector = torch.randn(len(exact[r]), generator=Generator().manual_seed(r), dtype=torch.float64)
        for _ in range(3):
            # nothing adds up in the weights
            torch.testing.assert_close(product(vector), exact[r] @ vector, rtol=1e-6, atol=1e-9)


def test_eigenvalues_trace_and_density_are_those_of_the_matrix(run: Run, exact: list[torch.Tensor]) -> None:
    table = hessian_spectrum.analyse({"m": run}, **OPTIONS)
    for r in range(2):
        own = table[table.replicate == r]
        values = torch.linalg.eigvalsh(exact[r])
        largest = values[values.abs().argsort(descending=True)][:5]
        found = own[own.measure == "eigenvalue"]
        np.testing.assert_allclose(found["value"], largest, rtol=1e-3)
        assert found.converged.all()
        trace, error = (own[own.measure == name]["value"].item() for name in ("trace", "trace error"))
        assert trace == pytest.approx(exact[r].trace().item(), abs=max(4 * error, 0.01 * trace))
        density = own[own.measure == "density"]
        assert np.trapezoid(density["value"], density["at"]) == pytest.approx(1, abs=1e-3)
        mean = np.trapezoid(density["value"] * density["at"], density["at"])
        # the standard deviation of vᵀ H v over random signs v
        spread = (2 * (exact[r].square().sum() - exact[r].diagonal().square().sum())).sqrt().item()
        allowed = 4 * spread / np.sqrt(OPTIONS["probes"]) + 0.01 * trace
        assert mean * len(exact[r]) == pytest.approx(exact[r].trace().item(), abs=allowed)
    again = hessian_spectrum.analyse({"m": run}, **OPTIONS)
    pd.testing.assert_frame_equal(table, again, check_exact=True)


def test_eigenvalues_and_trace_are_those_of_curvlinops(run: Run) -> None:
    table = hessian_spectrum.analyse({"m": run}, **{**OPTIONS, "probes": 40})
    for r in range(2):
        net = nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10)).eval()
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), run.parameters.values(), strict=True):
                parameter.copy_(value[r])
        data = [(run.data.train_x, run.data.train_y[r])]
        theirs = HessianLinearOperator(net, nn.CrossEntropyLoss(), [*net.parameters()], data)
        values = eigsh(theirs.to_scipy(), k=5, which="LM", return_eigenvectors=False)
        own = table[table.replicate == r]
        ordered = sorted(values, key=abs, reverse=True)
        np.testing.assert_allclose(own[own.measure == "eigenvalue"]["value"], ordered, rtol=1e-3)
        found, error = (own[own.measure == name]["value"].item() for name in ("trace", "trace error"))
        torch.manual_seed(0)
        estimate = hutchpp_trace(theirs, 150).item()
        assert found == pytest.approx(estimate, abs=0.03 * found + 3 * error)


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e6])
def test_a_spectrum_of_any_size_is_found(scale: float) -> None:
    generator = Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(60, 60, generator=generator, dtype=torch.float64)).Q
    values = scale * torch.tensor([5.0, -4, 3, 2.5, 2, *np.linspace(-0.5, 0.5, 55)], dtype=torch.float64)
    dense = basis @ torch.diag(values) @ basis.T
    start = torch.randn(60, generator=generator, dtype=torch.float64)
    found, converged = krylov.largest(lambda v: dense @ v, start, 5, 1e-8, 60)
    assert converged.all()
    torch.testing.assert_close(found, values[:5], rtol=1e-7, atol=0)
    estimate, error = krylov.trace(lambda v: dense @ v, 60, 15, generator)
    assert abs(estimate - values.sum().item()) < 5 * error


def test_there_are_as_many_steps_as_eigenvalues_to_find() -> None:
    dense = torch.diag(torch.arange(1.0, 9, dtype=torch.float64))
    found, converged = krylov.largest(lambda v: dense @ v, torch.ones(8), 6, 1e-8, 2)
    assert len(found) == len(converged) == 6


def test_a_space_that_is_exhausted_ends_it() -> None:
    dense = torch.diag(torch.tensor([2.0, 1, 0, 0, 0, 0], dtype=torch.float64))
    found = krylov.lanczos(lambda v: dense @ v, torch.ones(6), 6)
    assert len(found.diagonal) == 3
    torch.testing.assert_close(found.eigen()[0], torch.tensor([0.0, 1, 2], dtype=torch.float64), atol=1e-12, rtol=0)


def test_weights_that_are_not_finite_are_told_and_others_go_on(run: Run, tmp_path: Path) -> None:
    weights = load_file(run.folder / "checkpoint.safetensors")
    weights["1.weight"][0, 0, 0] = torch.nan
    (tmp_path / "run.json").write_bytes((run.folder / "run.json").read_bytes())
    write_tensors(tmp_path / "checkpoint.safetensors", weights)
    broken = Run.open(tmp_path, run.prepared, device=torch.device("cpu"))
    table = hessian_spectrum.analyse({"m": broken}, **OPTIONS)
    assert table[table.replicate == 0]["value"].isna().all()
    assert table[table.replicate == 1]["value"].notna().all()
    # a claim on the largest takes its row for each replicate
    assert table[table.measure == "eigenvalue"].groupby("replicate")["at"].agg(list).tolist() == [[1, 2, 3, 4, 5]] * 2
    assert {*table[table.replicate == 0].measure} == {"eigenvalue", "trace", "trace error", "density"}
    assert not table[table.replicate == 0].converged.any()
    with pytest.raises(HwcoreError, match="count: 5000, but model m has 310 parameters"):
        hessian_spectrum.analyse({"m": run}, **{**OPTIONS, "count": 5000})


@pytest.mark.parametrize("matrix", ["hessian", "ggn", "empirical_fisher"])
def test_weights_too_large_for_float32_are_told_and_others_go_on(run: Run, tmp_path: Path, matrix: str) -> None:
    weights = load_file(run.folder / "checkpoint.safetensors")
    for value in weights.values():
        value[1] *= 1e25
    (tmp_path / "run.json").write_bytes((run.folder / "run.json").read_bytes())
    write_tensors(tmp_path / "checkpoint.safetensors", weights)
    broken = Run.open(tmp_path, run.prepared, device=torch.device("cpu"))
    table = hessian_spectrum.analyse({"m": broken}, **OPTIONS, matrix=matrix)
    assert table[table.replicate == 0]["value"].notna().all()
    lost = table[(table.replicate == 1) & (table.measure == "eigenvalue")]
    assert lost["at"].tolist() == [1, 2, 3, 4, 5]
    assert lost["value"].isna().all()
    assert not table[table.replicate == 1].converged.any()


def test_the_density_is_that_of_the_exact_spectrum(run: Run, exact: list[torch.Tensor]) -> None:
    values = torch.linalg.eigvalsh(exact[0])
    product = products.curvature_product(run, 0, dtype=torch.float64)
    at, height = krylov.density(product, len(values), 30, 100, Generator().manual_seed(0))
    # the same kernel on the eigenvalues themselves
    width = 0.01 * (values[-1] - values[0])
    kernel = torch.exp(-0.5 * ((at[:, None] - values) / width).square()) / (width * np.sqrt(2 * np.pi))
    reference = kernel.mean(1)
    assert torch.trapezoid((height - reference).abs(), at) < 0.06
    for share in (0.3, 0.6):
        edge = values[0] + share * (values[-1] - values[0])
        above = torch.trapezoid(torch.where(at > edge, height, 0.0), at)
        assert above == pytest.approx((values > edge).double().mean().item(), abs=0.01)


CONVOLUTIONS = [{"conv": {"channels": 2, "kernel": 3}}, "tanh", {"max_pool": 2}, "flatten", {"linear": 3}]
NETWORKS: dict[str, tuple[dict[str, Any], nn.Module]] = {
    "mse": ({"mlp": [4, 5, 2], "activation": "tanh"}, nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))),
    "cross_entropy": (
        {"input": [1, 6, 6], "layers": CONVOLUTIONS},
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
    ),
    "nll": (
        {"input": [4], "layers": [{"linear": 5}, "batch_norm", "softplus", {"linear": 3}, "log_softmax"]},
        nn.Sequential(
            *(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Softplus(), nn.Linear(5, 3), nn.LogSoftmax(dim=-1))
        ).eval(),
    ),
}


def dense(net: nn.Module, loss: str, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """The matrices by their definitions, sample by sample, from Jacobians by torch.func in float64."""
    theta = {name: value.detach() for name, value in net.named_parameters()}
    sizes = [value.shape for value in theta.values()]
    flat = torch.cat([value.flatten() for value in theta.values()])

    def outputs(weights: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
        parts = weights.split([size.numel() for size in sizes])
        named = {name: part.view(size) for name, part, size in zip(theta, parts, sizes, strict=True)}
        return torch.func.functional_call(net, named, (point[None],))[0]

    def likelihood(out: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        if loss == "mse":
            return (out - label).square().mean()
        return -(out if loss == "nll" else out.log_softmax(0))[label]

    found = dict.fromkeys(("hessian", "ggn", "fisher", "empirical_fisher"), torch.zeros(len(flat), len(flat)).double())
    for point, label in zip(x, y, strict=True):
        jacobian = torch.func.jacrev(outputs)(flat, point)
        out = outputs(flat, point)
        # of log-probabilities the log-softmax is the identity, so they may stand in for the logits
        inner = torch.func.hessian(lambda f, label=label: likelihood(f if loss != "nll" else f.log_softmax(0), label))
        gradient = torch.func.grad(lambda w, p=point, label=label: likelihood(outputs(w, p), label))
        total = {
            "hessian": torch.func.hessian(lambda w, p=point, label=label: likelihood(outputs(w, p), label))(flat),
            "ggn": jacobian.T @ inner(out) @ jacobian,
            "empirical_fisher": torch.outer(gradient(flat), gradient(flat)),
        }
        if loss == "mse":
            # the loss is minus the log-likelihood of a Gaussian of variance M / 2 about the outputs
            total["fisher"] = jacobian.T @ jacobian * (2 / len(out))
        else:
            chances = (out if loss == "nll" else out.log_softmax(0)).exp()
            slopes = [
                torch.func.grad(lambda w, p=point, c=c: likelihood(outputs(w, p), torch.tensor(c)))(flat)
                for c in range(len(out))
            ]
            total["fisher"] = sum(p * torch.outer(s, s) for p, s in zip(chances, slopes, strict=True))
        found = {name: value + total[name] / len(x) for name, value in found.items()}
    return found


@pytest.fixture(scope="module", params=NETWORKS)
def small(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What a product of a small network is made from, in float64, and the matrices."""
    loss = request.param
    said, net = NETWORKS[loss]
    network, net = Network.model_validate(said), net.double()
    generator = Generator().manual_seed(1)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(torch.randn(value.shape, generator=generator))
        for name, value in net.named_buffers():
            if name.endswith(("mean", "var")):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    x = torch.randn(17, *network.input, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (17,), generator=generator)
    if loss == "mse":
        y = torch.randn(17, 2, generator=generator, dtype=torch.float64)
    weights = torch.cat([value.detach().flatten() for value in net.parameters()])[None]
    buffers = {name: value[None] for name, value in net.named_buffers() if name.endswith(("mean", "var"))}
    known = {"network": network, "loss": loss, "weights": weights, "buffers": buffers, "x": x, "y": y}
    return known, dense(net, loss, x, y)


@pytest.mark.parametrize("chunk", [2**20, 60])
@pytest.mark.parametrize("kept", [0, 2**25])
def test_products_are_those_of_the_matrices_by_definition(
    small: tuple[dict[str, Any], dict[str, torch.Tensor]], chunk: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, matrices = small
    monkeypatch.setattr(products, "_CHUNK", chunk)
    monkeypatch.setattr(products, "_MEMORY", kept)
    for matrix in ("hessian", "ggn", "empirical_fisher"):
        product = products.product_of(**known, matrix=matrix)
        basis = torch.eye(known["weights"].shape[1], dtype=torch.float64)
        found = torch.stack([product(column) for column in basis], dim=1)
        torch.testing.assert_close(found, matrices[matrix], rtol=1e-9, atol=1e-11)
    # the Gauss-Newton matrix is the Fisher information, and neither of the others is
    torch.testing.assert_close(matrices["ggn"], matrices["fisher"], rtol=1e-9, atol=1e-11)
    for other in ("hessian", "empirical_fisher"):
        assert (matrices["ggn"] - matrices[other]).norm() > 0.1 * matrices["ggn"].norm()


def test_the_blocks_of_layers_are_those_of_the_matrix(run: Run, exact: list[torch.Tensor]) -> None:
    table = hessian_spectrum.analyse({"m": run}, **OPTIONS, by="layer")
    for r in range(2):
        for layer, place in ((1, slice(0, 260)), (2, slice(260, 310))):
            own = table[(table.replicate == r) & (table.layer == layer)]
            values = torch.linalg.eigvalsh(exact[r][place, place])
            largest = values[values.abs().argsort(descending=True)][:5]
            found = own[own.measure == "eigenvalue"]
            np.testing.assert_allclose(found["value"], largest, rtol=1e-3)
            trace, error = (own[own.measure == name]["value"].item() for name in ("trace", "trace error"))
            assert trace == pytest.approx(values.sum().item(), abs=max(4 * error, 0.01 * trace))
    with pytest.raises(HwcoreError, match="count: 60, but layer 2 of model m has 50 parameters"):
        hessian_spectrum.analyse({"m": run}, **{**OPTIONS, "count": 60}, by="layer")


@pytest.mark.parametrize("matrix", ["ggn", "empirical_fisher"])
def test_the_spectrum_is_that_of_the_matrix_asked_for(run: Run, matrix: str) -> None:
    table = hessian_spectrum.analyse({"m": run}, **{**OPTIONS, "samples": 12}, matrix=matrix)
    net = nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10)).double()
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), run.parameters.values(), strict=True):
            parameter.copy_(value[1])
    whole = dense(net, "cross_entropy", run.data.train_x[:12].double(), run.data.train_y[1, :12])[matrix]
    own = table[(table.replicate == 1) & (table.measure == "eigenvalue")]
    np.testing.assert_allclose(own["value"], torch.linalg.eigvalsh(whole).flip(0)[:5], rtol=1e-3)


def test_lanczos_vectors_stay_orthonormal() -> None:
    """Of a spectrum over many decades, where a single pass of Gram-Schmidt loses it."""
    values = torch.logspace(-12, 6, 60, dtype=torch.float64)
    found = krylov.lanczos(lambda v: values * v, torch.ones(60, dtype=torch.float64), 60)
    gram = found.vectors @ found.vectors.T
    torch.testing.assert_close(gram, torch.eye(len(gram), dtype=torch.float64), rtol=0, atol=1e-12)
