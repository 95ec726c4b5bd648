"""Analyses against references that are not ours: scikit-learn, SciPy, autograd, closed forms."""

import json
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter1d
from scipy.optimize import brentq, least_squares
from scipy.spatial.distance import pdist, squareform
from scipy.special import softmax
from scipy.stats import entropy, spearmanr
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

from hwcore.analyses import (
    components,
    critical_points,
    curvature,
    epochs,
    evaluation,
    fitting,
    gradient_norm,
    interpolation,
    optimum,
    predictions,
    sensitivity,
    trajectory,
    tsne,
)
from hwcore.analyses.run import Run
from hwcore.analyses.spec import WeightsAnalysis
from hwcore.data.load import Data
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.nets.network import flatten, forward, initialize, unflatten
from hwcore.nets.spec import Network
from hwcore.seeds import seed
from hwcore.studies.kinds import ANALYSES
from hwcore.tensors import write_tensors
from hwcore.train.loss import losses
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

COS = {"function": "cos(x)", "domain": [-3, 3], "sampling": "uniform", "samples": 60, "test_samples": 20}
FIT = {"optimizer": "adam", "lr": 0.02, "loss": "mse", "epochs": 12, "batch_size": "full"}
CLASSIFY = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 2, "batch_size": 30}
CPU = torch.device("cpu")


def trained(folder: Path, prepared: Path | None = None, **changes: Any) -> Run:
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [1, 4, 3, 1], "activation": "tanh"}}
    job = RunSpec.model_validate({**said, "data": COS, "training": FIT, "replicates": 3, **changes})
    train(job, prepared, folder, device="cpu")
    return Run.open(folder, prepared, device=CPU)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("fitted")
    return trained(folder, record={"weights_every": 3, "steps": True})


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("classifiers")
    prepare("digits", {"source": "digits"}, folder / "digits.safetensors")
    data = {"dataset": "digits", "train_samples": 150, "test_samples": 40}
    same = {"network": {"mlp": [64, 5, 10]}, "data": data}
    prepared = folder / "digits.safetensors"
    return {
        name: trained(folder / name, prepared, model=name, training={**CLASSIFY, "lr": lr}, **same)
        for name, lr in (("slow", 0.001), ("fast", 0.05))
    }


OPTIONS: dict[str, dict[str, Any]] = {
    "critical_points": {"solver": "none"},
    "evaluation": {},
    "fitting": {},
    "gradient_norm": {"window": 3},
    "hessian_spectrum": {"count": 1, "steps": 3, "probes": 1},
    "interpolation": {"between": ["slow", "fast"], "alphas": {"start": 0, "stop": 1, "count": 2}},
    "landscape": {"across": "trajectory", "count": 2},
    "optimum": {"steps": 1},
    "predictions": {"points": 2},
    "sensitivity": {"samples": 2, "input_gradient": True},
    "sharpness": {"samples": 5, "rescale": 2.0, "probes": 1, "lanczos_steps": 2},
    "trajectory": {},
}


@pytest.mark.parametrize("kind", ANALYSES)
def test_a_table_has_the_columns_that_its_kind_states(kind: str, fitted: Run, classifiers: dict[str, Run]) -> None:
    runs = classifiers if kind in ("fitting", "evaluation", "interpolation", "sharpness") else {"m": fitted}
    options = ANALYSES[kind].model_validate(OPTIONS[kind])
    table = import_module(f"hwcore.analyses.{kind}").analyse(runs, **options.model_dump(exclude={"over"}))
    # neither has a stopping rule, and functions have no accuracies
    absent = {*options.absent(), "stopped"}
    stated = {
        each for each in options.columns if each not in absent and (runs is classifiers or "accuracy" not in each)
    }
    there = {next((each for each in options.columns if fnmatchcase(column, each)), column) for column in table}
    assert there == stated


def test_evaluation_is_the_mean_over_all_samples(classifiers: dict[str, Run]) -> None:
    table = evaluation.analyse(classifiers)
    assert table[["model", "replicate"]].values.tolist() == [[m, r] for m in ("slow", "fast") for r in range(3)]
    run = classifiers["fast"]
    out = forward(run.network, run.parameters, run.buffers, run.data.test_x)
    own = table[table.model == "fast"]
    for r in range(3):
        expected = torch.nn.functional.cross_entropy(out[r], run.data.test_y).item()
        assert own.test_loss.iloc[r] == pytest.approx(expected, rel=1e-5)
        assert own.test_accuracy.iloc[r] == (out[r].argmax(1) == run.data.test_y).double().mean().item()
    last = run.metrics.groupby("replicate").last()
    assert own.test_loss.tolist() == last.test_loss.tolist()
    np.testing.assert_allclose(own.loss_gap, own.test_loss - own.train_loss)
    assert set(table.parameters) == {64 * 5 + 5 + 5 * 10 + 10}


def test_evaluation_of_some_of_the_training_samples(classifiers: dict[str, Run]) -> None:
    table, whole = evaluation.analyse(classifiers, samples=20), evaluation.analyse(classifiers)
    run = classifiers["slow"]
    out = forward(run.network, run.parameters, run.buffers, run.data.train_x[:20])
    for r, row in enumerate(table[table.model == "slow"].itertuples()):
        expected = torch.nn.functional.cross_entropy(out[r], run.data.train_y[:20]).item()
        assert row.train_loss == pytest.approx(expected, rel=1e-5)
        assert row.loss_gap == pytest.approx(row.test_loss - expected, abs=1e-5)
    assert table.test_loss.tolist() == whole.test_loss.tolist()
    assert table.train_loss.tolist() != whole.train_loss.tolist()
    pd.testing.assert_frame_equal(evaluation.analyse(classifiers, samples=10**6), whole)


def test_evaluation_with_dropout_active_and_a_wrong_divisor(tmp_path: Path) -> None:
    """As in beamreaching1's scripts: measured in training mode, the test loss divided by another count."""
    network = {"input": [1], "layers": [{"linear": 8}, "tanh", {"dropout": 0.4}, {"linear": 1}]}
    run = trained(tmp_path, network=network)
    usual = evaluation.analyse({"m": run})
    table = evaluation.analyse({"m": run}, dropout=True, test_loss_factor=2.0)
    assert (table.train_loss != usual.train_loss).all()
    for r in range(run.replicates):
        masks = torch.Generator().manual_seed(seed("s", "e", "m", r, "evaluation dropout"))
        own = {name: value[r] for name, value in run.parameters.items()}
        for part, factor in (("train", 1.0), ("test", 2.0)):
            x, y = getattr(run.data, f"{part}_x"), getattr(run.data, f"{part}_y")
            hidden = torch.tanh(torch.nn.functional.linear(x, own["0.weight"], own["0.bias"]))
            hidden = hidden * (torch.rand(hidden.shape, generator=masks) >= 0.4) / 0.6
            out = torch.nn.functional.linear(hidden, own["3.weight"], own["3.bias"])
            expected = factor * torch.nn.functional.mse_loss(out, y).item()
            assert table[f"{part}_loss"][r] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(table.loss_gap, table.test_loss - table.train_loss)


def test_predictions_hold_the_function_itself(fitted: Run) -> None:
    table = predictions.analyse({"m": fitted}, points=50)
    np.testing.assert_allclose(table.target, np.cos(table.x))
    x = torch.tensor(table.x[:50].to_numpy()).float()[:, None]
    expected = forward(fitted.network, fitted.parameters, fitted.buffers, x)[2, :, 0]
    np.testing.assert_allclose(table[table.replicate == 2].prediction, expected.numpy(), rtol=1e-6)


@given(st.integers(2, 8), st.integers(2, 30), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_principal_components_are_those_of_scikit_learn(rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(rows, columns)) * 3 + 1
    found = components.principal_components(values, 2)
    scores, shares = found.project(values), found.explained(values)
    reference = PCA(2, svd_solver="full").fit(values)
    expected = reference.transform(values)
    for i in range(2):
        if reference.explained_variance_ratio_[i] > 1e-9:
            sign = np.sign(scores[:, i] @ expected[:, i])
            np.testing.assert_allclose(scores[:, i] * sign, expected[:, i], atol=1e-8)
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, atol=1e-10)


def test_trajectory_takes_the_weights_it_names(fitted: Run) -> None:
    whole = trajectory.analyse({"m": fitted}, layer=None, weights_only=True)
    layer = trajectory.analyse({"m": fitted}, layer=2, weights_only=True)
    biased = trajectory.analyse({"m": fitted}, layer=None, weights_only=False)
    assert (whole.dimension[0], layer.dimension[0], biased.dimension[0]) == (
        4 + 12 + 3,
        12,
        fitted.network.parameters(),
    )
    assert layer.epoch.tolist() == [0, 3, 6, 9, 12] * 3
    _epochs, snapshots = fitted.snapshots
    rows = snapshots["3.weight"].transpose(0, 1).flatten(2).flatten(0, 1).double().numpy()
    expected = PCA(2).fit_transform(rows)
    np.testing.assert_allclose(np.abs(layer.pc1), np.abs(expected[:, 0]), atol=1e-8)
    assert layer[layer.epoch == 0].train_loss.isna().all()


def test_a_record_knows_how_far_its_training_was(fitted: Run, tmp_path: Path) -> None:
    """Of 12 epochs; one replicate stopped after 7, and the last record is of epoch 8.5."""
    for name in ("run.json", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes((fitted.folder / name).read_bytes())
    metrics = fitted.metrics[~((fitted.metrics.replicate == 1) & (fitted.metrics.epoch > 7))]
    metrics.to_parquet(tmp_path / "metrics.parquet")
    _epochs, snapshots = fitted.snapshots
    some = {name: value[:4] for name, value in snapshots.items()}
    write_tensors(tmp_path / "snapshots.safetensors", some, {"epochs": "[0, 4.5, 8, 8.5]"})
    table = trajectory.analyse({"m": Run.open(tmp_path, None, device=CPU)}, layer=2, weights_only=True)
    np.testing.assert_allclose(table.progress, [0, 4.5 / 12, 8 / 12, 8.5 / 12] * 3)
    known = metrics.set_index(["replicate", "epoch"]).train_loss
    expected = [[np.nan, np.nan, known[r, 8], np.nan] for r in (0, 2)]
    expected.insert(1, [np.nan, np.nan, known[1, 7], known[1, 7]])
    np.testing.assert_array_equal(table.train_loss, np.ravel(expected))


def test_halves_of_the_weights_are_summed(fitted: Run) -> None:
    table = trajectory.analyse({"m": fitted}, layer=2, weights_only=False)
    _epochs, snapshots = fitted.snapshots
    rows = torch.cat([snapshots["3.weight"].flatten(2), snapshots["3.bias"]], dim=2).transpose(0, 1).flatten(0, 1)
    # 15 weights: eight and seven
    np.testing.assert_allclose(table.half_sum1, rows[:, :8].double().sum(1))
    np.testing.assert_allclose(table.half_sum2, rows[:, 8:].double().sum(1))


def test_distances_are_those_between_records(fitted: Run) -> None:
    table = trajectory.analyse({"m": fitted}, layer=2, weights_only=True)
    _epochs, snapshots = fitted.snapshots
    rows = snapshots["3.weight"].transpose(0, 1).flatten(2).double()
    for replicate, own in table.groupby("replicate"):
        expected = squareform(pdist(rows[replicate].numpy())).diagonal(1)
        np.testing.assert_allclose(own.distance, [np.nan, *expected])


def test_a_replicate_that_diverged_leaves_the_trajectories_of_the_others(fitted: Run, tmp_path: Path) -> None:
    for name in ("run.json", "metrics.parquet"):
        (tmp_path / name).write_bytes((fitted.folder / name).read_bytes())
    epochs, snapshots = fitted.snapshots
    broken = {name: value.clone() for name, value in snapshots.items()}
    broken["1.weight"][-1, 1] = torch.nan
    write_tensors(tmp_path / "snapshots.safetensors", broken, {"epochs": json.dumps(epochs)})
    run = Run.open(tmp_path, None, device=CPU)
    table = trajectory.analyse({"m": run}, layer=None, weights_only=True)
    assert table[table.replicate == 1][["pc1", "distance"]].isna().all(axis=None)
    kept = table[table.replicate != 1]
    weights = [value for name, value in snapshots.items() if name.endswith("weight")]
    rows = torch.cat([value.transpose(0, 1)[[0, 2]].flatten(2).flatten(0, 1) for value in weights], dim=1).double()
    expected = PCA(2).fit(rows.numpy())
    np.testing.assert_allclose(np.abs(kept.pc1), np.abs(expected.transform(rows.numpy())[:, 0]), atol=1e-8)
    assert kept.explained1.iloc[0] == pytest.approx(expected.explained_variance_ratio_[0])


def test_layers_that_are_not_recorded_are_told(fitted: Run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes((fitted.folder / "run.json").read_bytes())
    (tmp_path / "metrics.parquet").write_bytes((fitted.folder / "metrics.parquet").read_bytes())
    epochs, snapshots = fitted.snapshots
    only = {name: value for name, value in snapshots.items() if name.startswith("3.")}
    write_tensors(tmp_path / "snapshots.safetensors", only, {"epochs": json.dumps(epochs)})
    run = Run.open(tmp_path, None, device=CPU)
    assert len(trajectory.analyse({"m": run}, layer=2, weights_only=True)) == 3 * len(epochs)
    for layer, said in ((1, "layer 1"), (None, "all layers")):
        with pytest.raises(HwcoreError, match=f"no record of {said}"):
            trajectory.analyse({"m": run}, layer=layer, weights_only=True)


def test_later_runs_are_projected_on_the_components_of_others(fitted: Run, tmp_path: Path) -> None:
    later = trained(tmp_path, model="later", record={"weights_every": 4})
    runs = {"m": fitted, "later": later}
    table = trajectory.analyse(runs, layer=2, weights_only=True, basis="m")
    alone = trajectory.analyse({"m": fitted}, layer=2, weights_only=True)
    pd.testing.assert_frame_equal(table[table.model == "m"], alone)
    rows = {name: run.snapshots[1]["3.weight"].transpose(0, 1).flatten(2).flatten(0, 1) for name, run in runs.items()}
    reference = PCA(2, svd_solver="full").fit(rows["m"].double().numpy())
    expected = reference.transform(rows["later"].double().numpy())
    found = table[table.model == "later"]
    np.testing.assert_allclose(found.pc1.abs(), np.abs(expected[:, 0]), atol=1e-8)
    shares = expected.var(0) / rows["later"].double().numpy().var(0).sum()
    np.testing.assert_allclose(found[["explained1", "explained2"]].iloc[0], shares, atol=1e-8)
    other = trained(tmp_path / "other", model="other", network={"mlp": [1, 2, 5, 1]}, record={"weights_every": 4})
    with pytest.raises(HwcoreError, match="model other has 10 weights there and its basis m 12"):
        trajectory.analyse({"m": fitted, "other": other}, layer=2, weights_only=True, basis="m")


def divergence_of(squares: np.ndarray, places: np.ndarray, perplexity: float) -> float:
    """KL(P ‖ Q) of an embedding by the definitions of van der Maaten & Hinton 2008."""
    n = len(squares)
    shares = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i

        def excess(log_precision: float, distances: np.ndarray = squares[i, others]) -> float:
            p = softmax(-distances * np.exp(log_precision))
            return float(entropy(p) - np.log(perplexity))

        shares[i, others] = softmax(-squares[i, others] * np.exp(brentq(excess, -30, 30)))
    joint = (shares + shares.T) / (2 * n)
    kernel = 1 / (1 + pdist(places, "sqeuclidean"))
    upper = squareform(joint, checks=False)
    return float(2 * (upper * np.log(upper / (kernel / kernel.sum() / 2))).sum())


def test_tsne_is_that_of_scikit_learn(fitted: Run) -> None:
    """By how much is lost of the distances, which is what it makes small, and by the neighbours that are kept."""
    table = trajectory.analyse({"m": fitted}, layer=None, weights_only=True, method="tsne", perplexity=4.0)
    assert list(table.columns[:7]) == ["model", "replicate", "epoch", "progress", "tsne1", "tsne2", "perplexity"]
    rows = fitted.recorded(None, weights_only=True).reshape(len(table), -1)
    reference = TSNE(2, perplexity=4.0, init="pca", method="exact", random_state=0, learning_rate=10.0, max_iter=9000)
    reference.fit(rows)
    (divergence,) = table.divergence.unique()
    assert divergence == pytest.approx(reference.kl_divergence_, abs=0.01)
    found = table[["tsne1", "tsne2"]].to_numpy()
    # of joint probabilities with the perplexity 4, each row's own found by bisection as in the paper
    assert divergence == pytest.approx(divergence_of(squareform(pdist(rows)) ** 2, found, 4.0), rel=0.01)
    assert trustworthiness(rows, found, n_neighbors=4) > 0.95
    assert table.perplexity.unique() == [4.0]
    again = trajectory.analyse({"m": fitted}, layer=None, weights_only=True, method="tsne", perplexity=4.0)
    pd.testing.assert_frame_equal(table, again, check_exact=True)
    few = trajectory.analyse({"m": fitted}, layer=None, weights_only=True, method="tsne")
    assert few.perplexity.unique() == [14 / 3]


def test_tsne_needs_weights_that_differ() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 3))
    assert tsne.tsne(rows, 30.0)[0].shape == (5, 2)
    for few in (rows[:4], rows[[0] * 8]):
        with pytest.raises(HwcoreError, match=f"needs 5 recorded weights that differ, but there are {len(few)}"):
            tsne.tsne(few, 30.0)


def test_the_first_weights_alone(fitted: Run) -> None:
    table = trajectory.analyse({"m": fitted}, layer=2, weights_only=True, first=5)
    rows = fitted.snapshots[1]["3.weight"].transpose(0, 1).flatten(2)[..., :5].flatten(0, 1).double().numpy()
    expected = PCA(2, svd_solver="full").fit_transform(rows)
    np.testing.assert_allclose(table.pc1.abs(), np.abs(expected[:, 0]), atol=1e-8)
    assert table.dimension.unique() == [5]
    with pytest.raises(HwcoreError, match="first: 13, but model m has 12 weights there"):
        trajectory.analyse({"m": fitted}, layer=2, weights_only=True, first=13)


def test_principal_components_refuse_weights_that_are_not_finite() -> None:
    with pytest.raises(HwcoreError, match="not finite"):
        components.principal_components(np.array([[1.0, np.nan], [0, 1]]), 2)


def test_gradient_norm_follows_slope_and_finds_spikes(tmp_path: Path) -> None:
    steps = np.arange(1, 401)
    norm = np.exp(-steps / 100)
    loss = np.cumsum(norm[::-1])[::-1]
    norm[[100, 250]] += 3
    table = pd.DataFrame({"replicate": 0, "step": steps, "loss": loss, "grad_norm": norm})
    table.to_parquet(tmp_path / "steps.parquet")
    run = Run(tmp_path, None, None, CPU)  # type: ignore[arg-type]
    found = gradient_norm.analyse({"m": run}, window=20)
    assert found.step[found.spike].tolist() == [101, 251]
    # a spike is forgotten where the window has left it
    table.assign(grad_norm=np.where(steps == 301, 1e17, norm)).to_parquet(tmp_path / "steps.parquet")
    high = gradient_norm.analyse({"m": Run(tmp_path, None, None, CPU)}, window=20)  # type: ignore[arg-type]
    np.testing.assert_allclose(high.grad_norm_smoothed[311:], found.grad_norm_smoothed[311:], rtol=1e-12)
    reference = uniform_filter1d(norm, 20, mode="nearest")
    np.testing.assert_allclose(found.grad_norm_smoothed, reference, rtol=1e-9)
    # a run that diverged is not calm
    table.loc[200:, "grad_norm"] = np.nan
    table.to_parquet(tmp_path / "steps.parquet")
    lost = gradient_norm.analyse({"m": Run(tmp_path, None, None, CPU)}, window=20)  # type: ignore[arg-type]
    assert lost.step[lost.spike.fillna(value=False)].tolist() == [101]
    assert lost.step[lost.spike.isna()].tolist() == list(range(201, 401))
    middle = found[(found.step > 20) & (found.step < 80)]
    np.testing.assert_allclose(middle.decrease, np.exp(-middle.step / 100), rtol=0.02)
    assert spearmanr(middle.grad_norm_smoothed, middle.decrease).statistic > 0.99
    np.testing.assert_allclose(found.grad_norm_deviation[150], np.std(norm[140:160]), rtol=1e-6)
    ends = [np.std(norm[:10]), np.std(norm[-11:])]
    np.testing.assert_allclose(found.grad_norm_deviation.iloc[[0, -1]], ends, rtol=1e-6)
    everywhere = spearmanr(found.grad_norm_smoothed, found.decrease).statistic
    assert found.relation.unique() == pytest.approx([everywhere])


def test_the_relation_of_norm_and_slope_needs_both_to_vary(tmp_path: Path) -> None:
    steps = np.arange(1, 51)
    flat = pd.DataFrame({"replicate": 0, "step": steps, "loss": 1.0, "grad_norm": 0.0})
    lost = pd.DataFrame({"replicate": 1, "step": steps, "loss": np.where(steps < 20, 1 / steps, np.nan)})
    lost["grad_norm"] = lost.loss
    fine = pd.DataFrame({"replicate": 2, "step": steps, "loss": 1 / steps, "grad_norm": 1 / steps**2})
    pd.concat([flat, lost, fine]).to_parquet(tmp_path / "steps.parquet")
    run = Run(tmp_path, None, None, CPU)  # type: ignore[arg-type]
    found = gradient_norm.analyse({"m": run}, window=3).groupby("replicate").relation.first()
    assert found.isna().tolist() == [True, True, False]
    assert found[2] > 0.9


def test_interpolation_at_0_and_1_is_the_networks_themselves(classifiers: dict[str, Run]) -> None:
    alphas = {"start": -1.0, "stop": 2.0, "count": 31}
    table = interpolation.analyse(classifiers, between=["slow", "fast"], alphas=alphas)
    alone = evaluation.analyse(classifiers)
    columns = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    for alpha, model in ((0.0, "slow"), (1.0, "fast")):
        there = table[table.alpha == alpha][columns].to_numpy()
        assert (there == alone[alone.model == model][columns].to_numpy()).all()
    half = {
        name: (classifiers["slow"].parameters[name] + classifiers["fast"].parameters[name]) / 2
        for name in classifiers["slow"].parameters
    }
    run = classifiers["slow"]
    out = forward(run.network, half, {}, run.data.test_x)[1]
    expected = torch.nn.functional.cross_entropy(out, run.data.test_y).item()
    found = table[(table.alpha == 0.5) & (table.replicate == 1)].test_loss.item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_sensitivity_is_the_jacobian_of_autograd(classifiers: dict[str, Run]) -> None:
    run = classifiers["fast"]
    x = run.data.test_x[:4]
    logits, probabilities = sensitivity.jacobian_norms(run, x)
    for r in range(3):
        own = {name: value[r : r + 1] for name, value in run.parameters.items()}
        for i in range(4):

            def output(point: torch.Tensor, own: dict[str, torch.Tensor] = own) -> torch.Tensor:
                return forward(run.network, own, {}, point[None])[0, 0]

            expected = torch.autograd.functional.jacobian(output, x[i])
            assert logits[r, i].item() == pytest.approx(expected.norm().item(), rel=1e-5)
            soft = torch.autograd.functional.jacobian(lambda point, f=output: f(point).softmax(-1), x[i])
            assert probabilities[r, i].item() == pytest.approx(soft.norm().item(), rel=1e-4)
    table = sensitivity.analyse({"fast": run}, samples=4)
    np.testing.assert_allclose(table.jacobian_norm_logits, logits.mean(1))
    weights = [value[0].clone().requires_grad_() for value in run.parameters.values()]
    out = torch.relu(run.data.train_x[:30] @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    torch.nn.functional.cross_entropy(out, run.data.train_y[:30]).backward()
    assert table.loss_gradient_norm[0] == pytest.approx(np.mean([w.grad.norm().item() for w in weights]), rel=1e-4)


def test_a_softmax_at_the_end_is_not_applied_twice(classifiers: dict[str, Run], tmp_path: Path) -> None:
    plain = classifiers["fast"]
    for kind in ("softmax", "log_softmax"):
        job = plain.spec.model_dump()
        layers = [*job["network"]["layers"], {"kind": kind}]
        ended = RunSpec.model_validate({**job, "network": {**job["network"], "layers": layers}})
        run = Run(plain.folder, ended, plain.prepared, CPU)
        x = plain.data.test_x[:7]
        for found, expected in zip(
            sensitivity.jacobian_norms(run, x), sensitivity.jacobian_norms(plain, x), strict=True
        ):
            assert torch.equal(found, expected)


def test_a_regression_has_no_probabilities(fitted: Run) -> None:
    table = sensitivity.analyse({"m": fitted}, samples=10)
    assert table.jacobian_norm_probabilities.isna().all()
    # f is a function of one variable: the norm is its slope
    x = fitted.data.test_x[:10].double()
    weights = {name: value[1:2].double() for name, value in fitted.parameters.items()}
    step = 1e-6
    up, down = (forward(fitted.network, weights, {}, x + s * step)[0, :, 0] for s in (1, -1))
    expected = ((up - down) / (2 * step)).abs().mean().item()
    assert table.jacobian_norm_logits[1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("random", [0.0, 1.0])
def test_the_input_gradient_is_that_of_autograd(tmp_path: Path, random: float) -> None:
    prepare("digits", {"source": "digits"}, tmp_path / "digits.safetensors")
    data = {"dataset": "digits", "train_samples": 60, "test_samples": 30, "random_test_labels": random}
    network = {"input": [64], "layers": [{"linear": 5}, "batch_norm", "relu", {"linear": 10}]}
    run = trained(tmp_path, tmp_path / "digits.safetensors", network=network, data=data, training=CLASSIFY)
    table = sensitivity.analyse({"m": run}, samples=7, input_gradient=True)
    for r in range(3):
        net = torch.nn.Sequential(
            torch.nn.Linear(64, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 10)
        ).eval()
        values = {**run.parameters, **run.buffers}
        net.load_state_dict({name: value[r] for name, value in values.items()})
        labels = run.data.test_y[r] if random else run.data.test_y
        norms: dict[str, list[float]] = {"true": [], "predicted": []}
        for i in range(7):
            for kind, found in norms.items():
                x = run.data.test_x[i : i + 1].clone().requires_grad_()
                out = net(x)
                label = labels[i : i + 1] if kind == "true" else out.argmax(1)
                torch.nn.functional.cross_entropy(out, label).backward()
                assert x.grad is not None
                found.append(x.grad.norm().item())
        assert table.input_gradient_norm[r] == pytest.approx(np.mean(norms["true"]), rel=1e-5)
        assert table.predicted_input_gradient_norm[r] == pytest.approx(np.mean(norms["predicted"]), rel=1e-5)
    assert not np.isclose(table.input_gradient_norm, table.predicted_input_gradient_norm).any()


def test_the_input_gradient_of_a_regression(fitted: Run) -> None:
    table = sensitivity.analyse({"m": fitted}, samples=10, input_gradient=True)
    assert table.predicted_input_gradient_norm.isna().all()
    x = fitted.data.test_x[:10].clone().requires_grad_()
    out = forward(fitted.network, {name: value[1:2] for name, value in fitted.parameters.items()}, {}, x)[0]
    (out - fitted.data.test_y[:10]).square().sum().backward()
    assert x.grad is not None
    assert table.input_gradient_norm[1] == pytest.approx(x.grad.abs().mean().item(), rel=1e-5)


def test_the_last_batch_is_the_one_that_training_saw(tmp_path: Path) -> None:
    """By a training of one step an epoch, whose last batch is the whole data at the weights of the epoch before."""
    run = trained(tmp_path, record={"weights_every": 3, "last_batch": True}, training={**FIT, "epochs": 9})
    table = epochs.over_epochs(sensitivity.analyse, {"m": run}, {"samples": 5, "batch": "last"})
    assert table.loss_gradient_norm[table.epoch == 0].isna().all()
    before = trained(tmp_path / "before", training={**FIT, "epochs": 8})
    at_8 = sensitivity.loss_gradient_norm(before).numpy()
    final = sensitivity.analyse({"m": run}, samples=5, batch="last")
    np.testing.assert_allclose(final.loss_gradient_norm, at_8, rtol=1e-5)
    assert table.loss_gradient_norm[table.epoch == 9].tolist() == final.loss_gradient_norm.tolist()
    assert not np.isclose(table.loss_gradient_norm[table.epoch == 6], at_8).any()


def test_an_analysis_over_epochs_is_that_of_each_record(tmp_path: Path) -> None:
    """By the test metrics of each epoch, to which the buffers of batch normalisation belong."""
    prepare("digits", {"source": "digits"}, tmp_path / "digits.safetensors")
    network = {"input": [64], "layers": [{"linear": 5}, "batch_norm", "relu", {"linear": 10}]}
    data = {"dataset": "digits", "train_samples": 60, "test_samples": 30}
    training = {**CLASSIFY, "epochs": 6, "until": {"accuracy": 0.5}}
    same = {"network": network, "data": data, "training": training, "record": {"weights_every": 1}}
    run = trained(tmp_path, tmp_path / "digits.safetensors", **same)
    table = epochs.over_epochs(evaluation.analyse, {"m": run}, {})
    assert list(table.columns[:3]) == ["model", "epoch", "replicate"]
    assert table.groupby("epoch").size().tolist() == [3] * (1 + run.metrics.epoch.max())
    joined = run.metrics.merge(table, on=["replicate", "epoch"], suffixes=("", "_again"))
    assert len(joined) == len(run.metrics)
    np.testing.assert_allclose(joined.test_loss_again, joined.test_loss, rtol=1e-5)
    ends = run.metrics.groupby("replicate").epoch.max()
    assert ends.nunique() > 1, "some stop early"
    last = table[table.epoch == table.epoch.max()].set_index("replicate")
    final = evaluation.analyse({"m": run}).set_index("replicate")
    np.testing.assert_allclose(last.train_loss, final.train_loss, rtol=1e-6)
    assert "stopped" not in table
    reached = run.metrics.groupby("replicate").stopped.max()
    assert final.stopped.tolist() == reached.tolist()
    assert not reached.all() or (ends < 6).all()


@pytest.mark.parametrize("kind", [name for name, kind in ANALYSES.items() if issubclass(kind, WeightsAnalysis)])
def test_the_last_record_is_what_training_ended_with(fitted: Run, kind: str) -> None:
    """Recorded every third of twelve epochs: any analysis of weights says of the last what it says of the run."""
    options = ANALYSES[kind].model_validate({"solver": "none"} if kind == "critical_points" else {}).model_dump()
    del options["over"]
    options |= {name: 5 for name in ("samples", "lanczos_steps", "probes", "steps", "count") if name in options}
    analyse = import_module(f"hwcore.analyses.{kind}").analyse
    table = epochs.over_epochs(analyse, {"m": fitted}, options)
    assert table.epoch.unique().tolist() == [0, 3, 6, 9, 12]
    last = table[table.epoch == 12].drop(columns="epoch").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, analyse({"m": fitted}, **options), check_exact=True)
    first = table[table.epoch == 0].drop(columns="epoch").reset_index(drop=True)
    assert not first.equals(last)


def test_parts_of_the_points_do_not_change_the_jacobian(
    classifiers: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = classifiers["slow"].data.test_x
    whole = sensitivity.jacobian_norms(classifiers["slow"], x)
    monkeypatch.setattr(sensitivity, "_CHUNK", {"cpu": 3 * 64 * 7})
    for found, expected in zip(sensitivity.jacobian_norms(classifiers["slow"], x), whole, strict=True):
        torch.testing.assert_close(found, expected)


def test_the_gradient_of_a_batch_is_computed_in_parts(
    fitted: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch of all replicates would not fit into the memory that the job asks for."""
    prepare("digits", {"source": "digits"}, tmp_path / "digits.safetensors")
    data = {"dataset": "digits", "train_samples": 50, "test_samples": 20, "random_labels": 0.5}
    layers = [{"conv": {"channels": 2, "kernel": 3}}, "batch_norm", "relu", "flatten", {"linear": 10}]
    changed = {"network": {"input": [1, 8, 8], "layers": layers}, "data": data, "training": CLASSIFY}
    sizes: list[int] = []

    def noted(network: Network, parameters: Any, buffers: Any, x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return forward(network, parameters, buffers, x)

    for run in (fitted, trained(tmp_path, tmp_path / "digits.safetensors", **changed)):
        parameters = {name: value.clone().requires_grad_() for name, value in run.parameters.items()}
        batch = run.data.training(run.batch_size)
        loss = losses(
            run.spec.training.loss, forward(run.network, parameters, run.buffers, batch.train_x), batch.train_y
        )
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
        expected = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).mean(0)
        with monkeypatch.context() as patch:
            patch.setattr(sensitivity, "_CHUNK", {"cpu": 7 * run.network.widest * 10})
            patch.setattr(sensitivity, "forward", noted)
            found = sensitivity.loss_gradient_norm(run)
        torch.testing.assert_close(found.float(), expected, rtol=1e-5, atol=0)
        assert max(sizes) < run.batch_size


def test_the_optimum_is_that_of_scipy(tmp_path: Path) -> None:
    # one linear layer has one optimum: least squares
    run = trained(tmp_path / "line", network={"mlp": [1, 1]})
    x, y = (run.data.train_x.double().numpy(), run.data.train_y.double().numpy())
    residual = y - np.column_stack((x, np.ones(len(x)))) @ np.linalg.lstsq(np.column_stack((x, np.ones(len(x)))), y)[0]
    table = optimum.analyse({"m": run}, steps=50, replicates=2)
    assert len(table) == 2
    np.testing.assert_allclose(table.train_loss, (residual**2).mean(), rtol=1e-10)
    # v tanh(w x + b) + c beside arcsinh x: one optimum, but for the sign of v and w
    bent = trained(
        tmp_path / "bent", network={"mlp": [1, 1, 1], "activation": "tanh"}, data=COS | {"function": "arcsinh(x)"}
    )
    found = optimum.analyse({"m": bent}, steps=300, replicates=3)
    assert (found.grad_norm < 1e-8).all()

    def residuals(flat: np.ndarray) -> np.ndarray:
        out = forward(bent.network, unflatten(bent.network, torch.from_numpy(flat)[None]), {}, inputs)[0]
        return (out - bent.data.train_y.double()).flatten().numpy()

    inputs = bent.data.train_x.double()
    starts = flatten({name: value.double() for name, value in bent.parameters.items()}).numpy()
    theirs = [2 * least_squares(residuals, begin, method="lm").cost / 60 for begin in starts]
    np.testing.assert_allclose(found.train_loss, theirs, rtol=1e-6)
    with pytest.raises(HwcoreError, match="model m has 4,651 parameters"):
        optimum.analyse({"m": trained(tmp_path / "large", network={"mlp": [1, 1550, 1]})}, steps=1, replicates=1)


def test_the_first_epoch_that_fits_is_found(classifiers: dict[str, Run]) -> None:
    # the second to be reached exactly
    for accuracy in (0.3, float(next(iter(classifiers.values())).metrics.train_accuracy.max())):
        check_fitting(classifiers, accuracy)
    table = fitting.analyse(classifiers, accuracy=0.3)
    assert set(table.fitted) == {True, False}


def check_fitting(classifiers: dict[str, Run], accuracy: float) -> None:
    table = fitting.analyse(classifiers, accuracy=accuracy)
    assert table.fitted.any()
    for name, run in classifiers.items():
        for r in range(3):
            row = table[(table.model == name) & (table.replicate == r)].iloc[0]
            own = run.metrics[run.metrics.replicate == r]
            there = own[own.train_accuracy >= accuracy].epoch
            assert row.fitted == (len(there) > 0)
            assert row.epochs_to_fit == there.min() or not row.fitted
            assert np.isnan(row.epochs_to_fit) != row.fitted
            assert row.test_accuracy == own.test_accuracy.iloc[-1]
            assert row.steps_to_fit == 5 * row.epochs_to_fit or not row.fitted


def test_hessian_is_that_of_finite_differences(fitted: Run) -> None:
    loss, residuals = curvature.objectives(fitted)
    assert residuals is not None
    everyone = torch.arange(3)
    weights = flatten({name: value.double() for name, value in fitted.parameters.items()})
    full = curvature.hessian(loss, weights, everyone)
    step = 1e-5
    for i in range(weights.shape[1]):
        delta = torch.zeros_like(weights)
        delta[:, i] = step
        up, down = (curvature.gradient(loss, weights + sign * delta, everyone) for sign in (1, -1))
        torch.testing.assert_close(full[:, :, i], (up - down) / (2 * step), rtol=1e-6, atol=1e-7)
    jac = curvature.jacobian(residuals, weights, everyone)
    slope = 2 * (jac.mT @ residuals(weights, everyone)[:, :, None])[:, :, 0]
    torch.testing.assert_close(slope, curvature.gradient(loss, weights, everyone), rtol=1e-9, atol=1e-12)


def test_levenberg_marquardt_brings_smooth_networks_to_rest(fitted: Run) -> None:
    before = critical_points.analyse({"m": fitted}, solver="none", tolerance=1e-6)
    after = critical_points.analyse({"m": fitted}, solver="levenberg-marquardt", tolerance=1e-6)
    assert not before.converged.any()
    assert after.converged.any()
    assert (after[after.converged].grad_norm <= 1e-6).all()
    # what did not get there is still in the table, with its own numbers
    assert len(after) == 3
    assert (after.loss <= before.loss).all()
    assert (after.positive + after.zero + after.negative == fitted.network.parameters()).all()


class Line(Run):
    """A network that is to learn y = 2 x."""

    @property
    def buffers(self) -> dict[str, torch.Tensor]:
        return {}

    @cached_property
    def data(self) -> Data:
        x = torch.linspace(-1, 1, 20)[:, None]
        return Data(x, 2 * x, x, 2 * x, classes=0)


def test_signs_of_curvature_at_a_point_that_is_known(tmp_path: Path) -> None:
    said = {"study": "s", "experiment": "e", "model": "m", "data": COS, "training": FIT, "replicates": 1}
    job = RunSpec.model_validate({**said, "network": {"mlp": [1, 1, 1], "activation": "sigmoid"}})
    run = Line(tmp_path, job, None, CPU)
    loss, _ = curvature.objectives(run)
    # f = v·σ(w x + b) + c with w = v = 0: the best constant; c curves by 2, the pair (v, w) has eigenvalues ±
    weights, _ = initialize(job.network, [0])
    flat = torch.zeros_like(flatten(weights)).double()
    values = torch.linalg.eigvalsh(curvature.hessian(loss, flat, torch.tensor([0])))[0]
    assert curvature.gradient(loss, flat, torch.tensor([0])).norm() < 1e-7
    assert (values > 1e-6).sum() == 2
    assert (values < -1e-6).sum() == 1
    assert (values.abs() < 1e-6).sum() == 1


def test_a_network_too_large_for_an_exact_hessian(classifiers: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critical_points, "EXACT_HESSIAN", 100)
    with pytest.raises(HwcoreError, match="385 parameters"):
        critical_points.analyse({"fast": classifiers["fast"]}, solver="none", tolerance=1e-6)


def test_a_damaged_checkpoint_is_named(tmp_path: Path, fitted: Run) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"spec": fitted.spec.model_dump(mode="json")}))
    (tmp_path / "checkpoint.safetensors").write_bytes(b"")
    with pytest.raises(HwcoreError, match=r"checkpoint\.safetensors: cannot be read"):
        _ = Run.open(tmp_path, None, device=CPU).parameters
