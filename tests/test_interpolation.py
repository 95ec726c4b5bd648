"""The line between networks: barriers, batch normalisation, chains, and networks that do not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from hwcore.analyses import interpolation, points
from hwcore.analyses.run import Run
from hwcore.analyses.specs.interpolation import Grid, Options
from hwcore.data.prepare import prepare
from hwcore.tensors import write_tensors
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

CPU = torch.device("cpu")
ALPHAS = {"start": -0.5, "stop": 1.5, "count": 9}
NORMED = {"input": [64], "layers": [{"linear": 8}, "batch_norm", "relu", {"linear": 10}]}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def run(folder: Path, model: str, prepared: Path | None, network: dict[str, Any], **training: Any) -> Run:
    data: dict[str, Any] = {"dataset": "digits", "train_samples": 120, "test_samples": 40}
    fit = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 4, "batch_size": 20, **training}
    if prepared is None:
        data = {"function": "cos(x)", "domain": [-3, 3], "samples": 40, "test_samples": 20}
        fit |= {"loss": "mse"}
    said = {"study": "s", "experiment": "e", "model": model, "replicates": 3}
    job = RunSpec.model_validate({**said, "network": network, "data": data, "training": fit})
    train(job, prepared, folder / model, device="cpu")
    return Run.open(folder / model, prepared, device=CPU)


def test_a_convex_loss_has_no_barrier(tmp_path: Path) -> None:
    runs = {name: run(tmp_path, name, None, {"mlp": [1, 1]}, lr=lr) for name, lr in (("a", 0.1), ("b", 0.001))}
    table = interpolation.analyse(runs, between=["a", "b"], alphas=ALPHAS)
    assert (table.train_barrier < 1e-7).all()
    assert table.pair.unique() == ["a → b"]


def test_the_barrier_is_the_highest_excess_over_the_line_between_the_ends(tmp_path: Path, digits: Path) -> None:
    runs = {name: run(tmp_path, name, digits, {"mlp": [64, 12, 10]}, lr=0.03, epochs=15) for name in ("a", "b")}
    table = interpolation.analyse(runs, between=["a", "b"], alphas=ALPHAS)
    for _, own in table.groupby("replicate"):
        for part in ("train", "test"):
            at = own.set_index("alpha")[f"{part}_loss"]
            inside = at[(at.index >= 0) & (at.index <= 1)]
            line = np.interp(inside.index, [0, 1], [at[0.0], at[1.0]])
            expected = max(0.0, (inside - line).max())
            assert own[f"{part}_barrier"].unique() == pytest.approx([expected])
    assert table.train_barrier.max() > 0.01
    # the ends are taken even where no step hits them
    missed = interpolation.analyse(runs, between=["a", "b"], alphas={"start": 0.25, "stop": 0.75, "count": 3})
    pd.testing.assert_series_equal(
        missed.groupby("replicate").train_barrier.first(), table.groupby("replicate").train_barrier.first()
    )


def test_models_are_joined_each_to_the_next(tmp_path: Path) -> None:
    runs = {name: run(tmp_path, name, None, {"mlp": [1, 4, 1]}) for name in ("a", "b", "c")}
    table = interpolation.analyse(runs, between=["a", "b", "c"], alphas=ALPHAS)
    assert list(table.pair.unique()) == ["a → b", "b → c"]
    first, second = (own.reset_index(drop=True) for _, own in table.groupby("pair"))
    ends = first[first.alpha == 1].train_loss.to_numpy(), second[second.alpha == 0].train_loss.to_numpy()
    assert (ends[0] == ends[1]).all()


def test_training_metrics_may_be_of_the_first_samples_alone(tmp_path: Path, digits: Path) -> None:
    runs = {name: run(tmp_path, name, digits, {"mlp": [64, 12, 10]}) for name in ("a", "b")}
    every, some = (
        interpolation.analyse(runs, between=["a", "b"], alphas=ALPHAS, samples=samples) for samples in (None, 50)
    )
    pd.testing.assert_series_equal(some.test_loss, every.test_loss)
    ends = [points.own_metrics(runs[name], 50)["train_loss"].numpy() for name in ("a", "b")]
    assert [some[some.alpha == alpha].train_loss.to_list() for alpha in (0, 1)] == [end.tolist() for end in ends]
    assert (some.train_loss != every.train_loss).all()


@pytest.mark.parametrize(
    ("samples", "batches"),
    # a last batch that is shorter than others does not count; fewer samples than a batch are one
    [(None, 6), (30, 1), (12, 1)],
)
def test_batch_norm_statistics_are_those_of_the_training_data(
    tmp_path: Path, digits: Path, samples: int | None, batches: int
) -> None:
    runs = {name: run(tmp_path, name, digits, NORMED, lr=0.03) for name in ("a", "b")}
    half = {"start": 0.5, "stop": 0.75, "count": 2}
    plain = interpolation.analyse(runs, between=["a", "b"], alphas=half)
    table = interpolation.analyse(runs, between=["a", "b"], alphas=half, samples=samples, batch_norm="recompute")
    assert not np.allclose(plain.test_loss, table.test_loss)
    data = runs["a"].data
    for r in range(3):
        net = nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))
        weights = [(runs["a"].parameters[name][r] + runs["b"].parameters[name][r]) / 2 for name in runs["a"].parameters]
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), weights, strict=True):
                parameter.copy_(value)
            torch.optim.swa_utils.update_bn(data.train_x[:samples].split(20)[:batches], net)
            expected = nn.functional.cross_entropy(net.eval()(data.test_x), data.test_y).item()
        found = table[(table.alpha == 0.5) & (table.replicate == r)].test_loss.item()
        assert found == pytest.approx(expected, rel=1e-4)
    # the weights and statistics of the runs are as they were
    again = interpolation.analyse(runs, between=["a", "b"], alphas=half)
    pd.testing.assert_frame_equal(plain, again, check_exact=True)


@pytest.mark.parametrize(("batch_norm", "count"), [("interpolate", False), ("recompute", True)])
def test_recomputed_statistics_make_test_metrics_those_of_few_training_samples(batch_norm: Any, count: bool) -> None:
    options = Options(between=("a", "b"), alphas=Grid(**ALPHAS), batch_norm=batch_norm)
    assert options.counts_samples(["alpha", "test_loss"]) == count
    assert options.counts_samples(["test_loss", "train_loss"])


def test_a_network_that_diverged_spoils_neither_the_other_end_nor_other_replicates(tmp_path: Path) -> None:
    runs = {name: run(tmp_path, name, None, {"mlp": [1, 4, 1]}) for name in ("a", "b")}
    clean = interpolation.analyse(runs, between=["a", "b"], alphas=ALPHAS)
    weights = load_file(tmp_path / "b/checkpoint.safetensors")
    weights["1.weight"][0] = torch.inf
    write_tensors(tmp_path / "b/checkpoint.safetensors", weights)
    runs["b"] = Run.open(tmp_path / "b", None, device=CPU)
    table = interpolation.analyse(runs, between=["a", "b"], alphas=ALPHAS)
    pd.testing.assert_frame_equal(table[table.replicate > 0], clean[clean.replicate > 0], check_exact=True)
    own = table[table.replicate == 0].set_index("alpha")
    assert own.train_loss[0.0] == clean[clean.replicate == 0].set_index("alpha").train_loss[0.0]
    assert own.train_barrier.isna().all()


def test_how_many_points_go_together_changes_nothing(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {name: run(tmp_path, name, digits, NORMED, lr=lr) for name, lr in (("a", 0.01), ("b", 0.003))}
    options = {"between": ["a", "b"], "alphas": ALPHAS, "batch_norm": "recompute"}
    together = interpolation.analyse(runs, **options)
    monkeypatch.setattr(points, "_NUMBERS", {"cpu": 1})
    alone = interpolation.analyse(runs, **options)
    assert together[["pair", "replicate", "alpha"]].equals(alone[["pair", "replicate", "alpha"]])
    for column in together.columns[3:]:
        np.testing.assert_allclose(together[column], alone[column], rtol=1e-4, atol=1e-6)


def test_a_line_of_its_two_ends_alone(tmp_path: Path, digits: Path) -> None:
    runs = {name: run(tmp_path, name, digits, NORMED, lr=lr) for name, lr in (("a", 0.01), ("b", 0.003))}
    table = interpolation.analyse(runs, between=["a", "b"], alphas={"start": 0.0, "stop": 1.0, "count": 2})
    assert table.alpha.tolist() == [0.0, 1.0] * 3
    assert (table.train_barrier == 0).all()
