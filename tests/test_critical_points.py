"""Critical points against references that are not ours: finite differences, SciPy, autograd, known saddles."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from hwcore.analyses import critical_points, curvature, stationary
from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import flatten, initialize
from hwcore.nets.spec import Network
from hwcore.tensors import write_tensors
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

COS = {"function": "cos(x)", "domain": [-3, 3], "sampling": "uniform", "samples": 40, "test_samples": 5}
FIT = {"optimizer": "adam", "lr": 0.02, "loss": "mse", "epochs": 30, "batch_size": "full"}
CPU = torch.device("cpu")
SOLVE: dict[str, Any] = {"solver": "levenberg-marquardt", "tolerance": 1e-8}


def trained(folder: Path, replicates: int = 4, **changes: Any) -> Run:
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [1, 3, 1]}, "data": COS, "training": FIT}
    job = RunSpec.model_validate({**said, "replicates": replicates, **changes})
    train(job, None, folder, device="cpu")
    return Run.open(folder, None, device=CPU)


@pytest.fixture(scope="module")
def relu(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("relu"))


def problem(network: Network, replicates: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights (R, P), x (N, inputs) and y (N, outputs)."""
    generator = torch.Generator().manual_seed(seed)
    (fan_in,), (out,) = network.input, network.output
    x = torch.randn(15, fan_in, generator=generator, dtype=torch.float64)
    y = torch.randn(15, out, generator=generator, dtype=torch.float64)
    return flatten(initialize(network, range(seed, seed + replicates))[0]).double(), x, y


def in_chunks(samples: int, network: Network, x: torch.Tensor, y: torch.Tensor, decay: float) -> curvature.Perceptron:
    """A surface that takes so many samples at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curvature, "_NUMBERS", 1)
        patch.setattr(curvature, "_FEWEST", samples)
        return curvature.Perceptron(network, x, y, decay)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.sampled_from(["relu", "leaky_relu", "tanh", "sigmoid", "softplus"]),
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 1000),
    st.sampled_from([4, 15, 128]),
)
@settings(max_examples=30, deadline=None)
def test_closed_form_is_that_of_automatic_differentiation(
    widths: list[int], activation: str, decay: float, seed: int, samples: int
) -> None:
    network = Network.model_validate({"mlp": widths, "activation": activation})
    weights, x, y = problem(network, 2, seed)
    surface = in_chunks(samples, network, x, y, decay)
    loss, slope, full = surface.hessian(weights, torch.arange(2))

    def reference(flat: torch.Tensor) -> torch.Tensor:
        a, start = x, 0
        for i, (fan_in, out) in enumerate(pairwise(widths)):
            end = start + fan_in * out
            a = torch.nn.functional.linear(a, flat[start:end].view(out, fan_in), flat[end : end + out])
            start = end + out
            if i < len(widths) - 2:
                a = {**vars(torch), **vars(torch.nn.functional)}[activation](a)
        return (a - y).square().mean() + decay / 2 * flat.square().sum()

    for r in range(2):
        expected = torch.autograd.functional.hessian(reference, weights[r])
        torch.testing.assert_close(full[r], expected, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(loss[r], reference(weights[r]))
        (own,) = torch.autograd.functional.jacobian(reference, (weights[r],))
        torch.testing.assert_close(slope[r], own, rtol=1e-9, atol=1e-12)


def test_hessian_is_that_of_finite_differences() -> None:
    network = Network.model_validate({"mlp": [1, 4, 3, 1], "activation": "tanh"})
    weights, x, y = problem(network, 3)
    surface, everyone, step = curvature.Perceptron(network, x, y, 1e-3), torch.arange(3), 1e-5
    full = surface.hessian(weights, everyone)[2]
    for i in range(weights.shape[1]):
        delta = torch.zeros_like(weights)
        delta[:, i] = step
        up, down = (surface.hessian(weights + sign * delta, everyone)[1] for sign in (1, -1))
        torch.testing.assert_close(full[:, :, i], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("samples", [1, 2])
def test_kinks_are_as_far_as_they_are(samples: int) -> None:
    network = Network.model_validate({"mlp": [1, 1, 1]})
    # the nearer one last, so that no piece of the samples is left out
    x = torch.tensor([[3.0], [1.0]], dtype=torch.float64)
    weights = torch.tensor([[2.0, -1.0, 1.0, 0.0]], dtype=torch.float64)  # z = 2x − 1 is 5 and 1; ∂z = (x, 1)
    found = in_chunks(samples, network, x, x, 0.0).kink_distance(weights)
    assert found.item() == pytest.approx(min(1 / np.hypot(1, 1), 5 / np.hypot(3, 1)))


def test_levenberg_marquardt_ends_where_that_of_scipy_does() -> None:
    network = Network.model_validate({"mlp": [1, 2, 1], "activation": "tanh"})
    weights, x, y = problem(network, 3)
    decay = 1e-2
    surface, everyone = curvature.Perceptron(network, x, y, decay), torch.arange(3)
    found = stationary.levenberg_marquardt(surface, weights, everyone, steps=500, tolerance=1e-7)
    assert (found.outcome == stationary.Outcome.CONVERGED).all()

    def residuals(flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        w1, b1, w2, b2 = flat[:2], flat[2:4], flat[4:6], flat[6]
        out = np.tanh(x.numpy() * w1 + b1) @ w2 + b2 - y.numpy()[:, 0]
        return np.concatenate([out / np.sqrt(len(out)), np.sqrt(decay / 2) * flat])

    for r in range(3):
        # from nearby, so that both are drawn to the same minimum
        ours = found.weights[r].numpy()
        reference = least_squares(residuals, ours + 1e-3, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
        assert 2 * reference.cost == pytest.approx(surface.loss(found.weights, everyone)[r].item(), rel=1e-9)
    assert (surface.loss(found.weights, everyone) <= surface.loss(weights, everyone)).all()


def test_a_root_of_the_gradient_may_be_a_saddle() -> None:
    network = Network.model_validate({"mlp": [1, 1, 1], "activation": "tanh"})
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    surface, everyone = curvature.Perceptron(network, x, 2 * x + 1), torch.arange(1)
    near = torch.tensor([[0.01, 0.0, 0.02, 0.99]], dtype=torch.float64)
    found = stationary.root(surface, near, everyone, steps=50, tolerance=1e-10)
    assert (found.outcome == stationary.Outcome.CONVERGED).all()
    assert torch.linalg.eigvalsh(surface.hessian(found.weights, everyone)[2]).amin() < -0.1
    down = stationary.newton(surface, near, everyone, steps=100, tolerance=1e-6)
    assert surface.loss(down.weights, everyone) < surface.loss(found.weights, everyone)


def test_smooth_networks_with_weight_decay_are_certified(relu: Run) -> None:
    table = critical_points.analyse({"m": relu}, activation="tanh", weight_decay=1e-3, **SOLVE)
    assert table.converged.all()
    assert table.certified.all()
    assert (table.grad_norm <= 1e-8).all()
    assert set(table.variant) == {"tanh"}
    assert np.isinf(table.kink_distance).all()
    assert (table.objective > table.loss).all()
    again = critical_points.analyse({"m": relu}, activation="tanh", weight_decay=1e-3, **SOLVE)
    assert table.equals(again)


def test_padded_saddles_have_the_index_that_theory_gives(relu: Run) -> None:
    decay = 1e-3
    table = critical_points.analyse({"m": relu}, activation="tanh", weight_decay=decay, saddles=True, **SOLVE)
    assert table.groupby(["kind", "padded_units"]).size().to_dict() == {
        ("found", 0): 4,
        ("padded", 1): 4,
        ("padded", 2): 4,
    }
    network = critical_points.with_activation(relu.network, "tanh")
    data, seen = relu.data, []
    for units, search in critical_points.padded_saddles(relu, network, decay, critical_points.Effort(1e-8)):
        own = table[table.padded_units == units].reset_index()
        assert own.converged.all()
        for r in range(4):
            w1, b1 = search.weights[r, :3], search.weights[r, 3:6]
            w2, b2 = search.weights[r, 6:9], search.weights[r, 9]
            x, y = data.train_x[:, 0].double(), data.train_y[:, 0].double()
            error = torch.tanh(x[:, None] * w1 + b1) @ w2 + b2 - y
            # the only second derivatives of a unit of zeros: by its weight out and those in
            c = torch.stack([(2 * error * x).mean(), (2 * error).mean()]).norm().item()
            keep = 3 - units
            rows = torch.tensor([i for i in range(10) if i == 9 or i % 3 < keep])
            surface = curvature.Perceptron(network, x[:, None], y[:, None], decay)
            h = surface.hessian(search.weights, torch.arange(4))[2][r]
            small = (torch.linalg.eigvalsh(h[rows][:, rows]) < -own.tau[r]).sum().item()
            downward = units if c - decay > own.tau[r] else 0
            seen.append(downward)
            assert own.negative[r] == small + downward
            assert own.minimal_ratio[r] == pytest.approx((10 - small - downward) / 10)
    assert {1, 2} <= set(seen)


def test_unconverged_replicates_are_counted(relu: Run) -> None:
    before = critical_points.analyse({"m": relu}, solver="none", tolerance=1e-6)
    assert len(before) == 4
    assert not before.converged.any()
    assert not before.certified.any()
    assert set(before.variant) == {"as-trained"}
    # far from any critical point only rounding makes an eigenvalue zero; near one, what the gradient may still change
    assert (before.tau <= 10 * 2.3e-16 * before[["largest", "smallest"]].abs().max(axis=1)).all()
    near = critical_points.analyse({"m": relu}, solver="levenberg-marquardt", tolerance=1e-3)
    allowance = np.sqrt(near.lipschitz * near.grad_norm)
    assert (near.tau >= allowance).all()
    assert (near.tau[near.grad_norm > 1e-9] == allowance[near.grad_norm > 1e-9]).all()
    # a tolerance that rounding does not allow
    after = critical_points.analyse({"m": relu}, solver="levenberg-marquardt", tolerance=1e-30)
    assert len(after) == 4
    assert (after.converged == (after.grad_norm <= 1e-30)).all()
    assert (after.restarts[~after.converged] == 8).all()
    assert (after.positive + after.zero + after.negative == 10).all()


def test_relu_networks_are_brought_to_rest(relu: Run) -> None:
    table = critical_points.analyse({"m": relu}, solver="levenberg-marquardt", tolerance=1e-6)
    assert table.converged.sum() >= 3
    assert (table.grad_norm[table.converged] <= 1e-6).all()
    assert not table.certified.any()
    ratios = table.filter(like="ratio_at_").to_numpy()
    assert (np.diff(ratios, axis=1) <= 0).all()


def test_a_diverged_replicate_does_not_stop_the_others(tmp_path: Path) -> None:
    run = trained(tmp_path, replicates=3)
    weights = {name: value.clone() for name, value in run.parameters.items()}
    weights["1.weight"][1] = float("nan")
    write_tensors(tmp_path / "checkpoint.safetensors", weights)
    run = Run.open(tmp_path, None, device=CPU)
    for options in ({"solver": "none", "tolerance": 1e-6}, {**SOLVE, "activation": "tanh", "weight_decay": 1e-3}):
        table = critical_points.analyse({"m": run}, **options)
        assert table.loss.isna().tolist() == [False, True, False]
        assert not table.converged[1]
        assert not table.certified[1]
    assert table.converged.tolist() == [True, False, True]


def test_networks_without_a_closed_form_that_all_diverged(tmp_path: Path) -> None:
    run = trained(tmp_path, replicates=2, network={"mlp": [1, 2, 1], "activation": "gelu"})
    write_tensors(tmp_path / "checkpoint.safetensors", {k: v * math.nan for k, v in run.parameters.items()})
    table = critical_points.analyse({"m": Run.open(tmp_path, None, device=CPU)}, **SOLVE)
    assert table.outcome.tolist() == ["not finite"] * 2


def test_a_network_too_large_for_an_exact_hessian(relu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critical_points, "EXACT_HESSIAN", 9)
    with pytest.raises(HwcoreError, match="model m has 10 parameters; an exact Hessian takes at most 9"):
        critical_points.analyse({"m": relu}, solver="none", tolerance=1e-6)


class Valley:
    """Rosenbrock's function, (1 − a)² + 100 (b − a²)², as a surface of two weights."""

    def loss(self, weights: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        a, b = weights.unbind(1)
        return (1 - a) ** 2 + 100 * (b - a**2) ** 2

    def gauss_newton(self, weights: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.hessian(weights, chosen)

    def hessian(self, weights: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b = weights.unbind(1)
        slope = torch.stack([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)], dim=1)
        cross = -400 * a
        rows = [torch.stack([2 - 400 * (b - 3 * a**2), cross], 1), torch.stack([cross, torch.full_like(a, 200.0)], 1)]
        return self.loss(weights, chosen), slope, torch.stack(rows, dim=1)

    def kink_distance(self, weights: torch.Tensor) -> torch.Tensor:
        return weights.new_full((len(weights),), math.inf)


def test_polishing_follows_a_curved_valley() -> None:
    along = torch.tensor([0.5, 0.9, 1.3, 1.0, math.nan], dtype=torch.float64)
    begin = torch.stack([along, along**2], dim=1)
    found = stationary.polish(Valley(), begin, torch.arange(5), steps=20, tolerance=1e-12)  # type: ignore[arg-type]
    assert (found.outcome == stationary.Outcome.CONVERGED).tolist() == [True, True, True, True, False]
    torch.testing.assert_close(found.weights[:4], torch.ones(4, 2, dtype=torch.float64), rtol=1e-9, atol=0)
    assert found.steps[3] == 0
    assert (found.steps[:3] <= 15).all()
    # too few steps: it ends no farther from a critical point than it began
    early = stationary.polish(Valley(), begin, torch.arange(5), steps=1, tolerance=1e-12)  # type: ignore[arg-type]
    before, after = (Valley().hessian(w[:3], along)[1].norm(dim=1) for w in (begin, early.weights))
    assert (after <= before).all()
    # one good Newton step from here is to a longer gradient
    over = torch.tensor([[0.15, 0.0]], dtype=torch.float64)
    for steps, there in ((1, over), (20, torch.ones(1, 2, dtype=torch.float64))):
        end = stationary.polish(Valley(), over, torch.arange(1), steps=steps, tolerance=1e-12)  # type: ignore[arg-type]
        torch.testing.assert_close(end.weights, there, rtol=1e-9, atol=0)


class Wall(Valley):
    """A loss that does not follow its gradient: no step leads on."""

    def loss(self, weights: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(weights[:, 0])

    def hessian(self, weights: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.loss(weights, chosen), torch.ones_like(weights), torch.eye(2).double().expand(len(weights), 2, 2)


SOLVERS = [stationary.levenberg_marquardt, stationary.newton, stationary.root, stationary.polish]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("surface", "begin", "steps", "outcome"),
    [
        (Valley(), [0.99, 0.98], 300, stationary.Outcome.CONVERGED),
        (Valley(), [1.0, 1.0], 0, stationary.Outcome.CONVERGED),
        (Valley(), [1.2, 1.5], 1, stationary.Outcome.STEP_LIMIT),
        (Valley(), [math.nan, 1.0], 10, stationary.Outcome.NOT_FINITE),
        (Valley(), [1e200, 1.0], 10, stationary.Outcome.NOT_FINITE),
        (Wall(), [1.0, 1.0], 300, stationary.Outcome.STUCK),
    ],
)
def test_a_solver_says_why_it_ended(solver: Any, surface: Any, begin: list[float], steps: int, outcome: int) -> None:
    # a second replicate that is at its goal from the start changes nothing for the first
    weights = torch.tensor([begin, [1.0, 1.0]], dtype=torch.float64)
    solution = solver(surface, weights, torch.arange(2), steps=steps, tolerance=1e-9)
    assert solution.outcome[0] == outcome
    assert isinstance(surface, Wall) or solution.outcome[1] == stationary.Outcome.CONVERGED


def test_the_table_says_why_a_search_ended(relu: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcomes(run: Run, **options: Any) -> list[str]:
        table = critical_points.analyse({"m": run}, **options)
        assert ((table.outcome == "converged") == table.converged).all()
        return sorted(set(table.outcome))

    smooth = {**SOLVE, "activation": "tanh", "weight_decay": 1e-3}
    assert outcomes(relu, **smooth) == ["converged"]
    assert outcomes(relu, solver="none", tolerance=1e-6) == ["unsolved"]
    assert outcomes(relu, solver="none", tolerance=1e6) == ["converged"]
    assert outcomes(relu, **smooth, steps=1, restarts=0) == ["step limit"]
    weights = {name: value.clone() for name, value in relu.parameters.items()}
    weights["1.weight"][1] = float("nan")
    (tmp_path / "run.json").write_bytes((relu.folder / "run.json").read_bytes())
    write_tensors(tmp_path / "checkpoint.safetensors", weights)
    lost = Run.open(tmp_path, None, device=CPU)
    assert outcomes(lost, **smooth) == ["converged", "not finite"]
    assert outcomes(lost, solver="none", tolerance=1e-6) == ["not finite", "unsolved"]
    # the gradient of the exact Hessian is another sum than that of the solver
    exact = curvature.Perceptron.hessian

    def rounded(self: Any, weights: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, ...]:
        loss, slope, full = exact(self, weights, chosen)
        return loss, slope + 1e-6, full

    monkeypatch.setattr(curvature.Perceptron, "hessian", rounded)
    assert outcomes(relu, **smooth) == ["rounding"]
    # and of a wall the search says so
    monkeypatch.setattr(critical_points, "_KINKED_TURNS", ((Still(), 300),))
    monkeypatch.setattr(critical_points, "_KINKED_RESTARTS", ((Still(), 300),))
    assert outcomes(relu, solver="levenberg-marquardt", tolerance=1e-30, restarts=2) == ["stuck"]


class Still(stationary.LevenbergMarquardt):
    """Foresees what never happens."""

    def step(self, slope: torch.Tensor, matrix: torch.Tensor, mu: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(slope), torch.ones_like(mu)


def test_steps_and_restarts_are_no_more_than_asked_for(relu: Run) -> None:
    hopeless = {"solver": "levenberg-marquardt", "tolerance": 1e-30}
    table = critical_points.analyse({"m": relu}, **hopeless, restarts=3, steps=30)
    left = table[~table.converged]
    assert (left.restarts == 3).all()
    # 10, 2 and 1 steps of the three solvers, 10 before them, and 8, 1 and 1 of each restart
    assert (left.steps <= 10 + 13 + 3 * 10).all()
    assert (left.steps > 10).all()
    assert critical_points.Effort(1.0).turns(critical_points._SMOOTH_TURNS) == critical_points._SMOOTH_TURNS


def test_a_step_where_cholesky_fails_is_damped_by_eigenvalues() -> None:
    """A Gauss-Newton matrix whose smallest eigenvalue is negative by rounding."""
    matrix = torch.diag(torch.tensor([4.0, -1e-3], dtype=torch.float64)).unsqueeze(0)
    slope, mu = torch.tensor([[2.0, 3.0]], dtype=torch.float64), torch.tensor([1e-4], dtype=torch.float64)
    delta, predicted = stationary.levenberg_marquardt.step(slope, matrix, mu)
    expected = torch.tensor([[-2 / 4.0001, -3 / 1e-4]], dtype=torch.float64)
    torch.testing.assert_close(delta, expected)
    assert predicted > 0


def test_nearly_all_smooth_networks_are_certified(tmp_path: Path) -> None:
    """Arcsinh leaves directions that only the weight decay curves."""
    data = {**COS, "function": "arcsinh(x)", "domain": [-10, 10], "samples": 200}
    run = trained(tmp_path, 12, data=data, network={"mlp": [1, 3, 4, 1]})
    table = critical_points.analyse({"m": run}, **SOLVE, activation="tanh", weight_decay=1e-5)
    assert table.certified.sum() >= 11
    assert table.grad_norm.median() < 1e-13
