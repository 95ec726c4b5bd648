"""Training: an ensemble is as many single networks, and says so in its files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from hwcore.data.load import load
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.nets.network import initialize
from hwcore.seeds import seed
from hwcore.train import split
from hwcore.train.job import TrainingJob
from hwcore.train.train import train

COS = {"function": "cos", "domain": [-3, 3], "sampling": "uniform", "samples": 64, "test_samples": 32}
FIT = {"optimizer": "adam", "lr": 0.01, "loss": "mse", "epochs": 4, "batch_size": "full"}


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def job(**changes: Any) -> TrainingJob:
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [1, 5, 4, 1], "activation": "tanh"}}
    return TrainingJob.model_validate({**said, "data": COS, "training": FIT, "replicates": 3, **changes})


def run(job: TrainingJob, folder: Path, prepared: Path | None = None) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    train(job, prepared, folder, device="cpu")
    return load_file(folder / "checkpoint.safetensors"), pd.read_parquet(folder / "metrics.parquet")


OPTIMIZERS = [
    ({"optimizer": "adam"}, lambda p: torch.optim.Adam(p, lr=0.01)),
    ({"optimizer": "adam", "weight_decay": 0.1}, lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1)),
    ({"optimizer": "sgd", "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    ({"optimizer": "rmsprop", "momentum": 0.5}, lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5)),
]


@pytest.mark.parametrize(("settings", "make"), OPTIMIZERS)
@pytest.mark.parametrize("scheduler", [None, {"kind": "step", "step_size": 2, "gamma": 0.5}])
def test_an_ensemble_is_single_networks_trained_by_torch(
    tmp_path: Path, digits: Path, settings: dict[str, Any], make: Any, scheduler: dict[str, Any] | None
) -> None:
    training = {**FIT, **settings, "scheduler": scheduler, "loss": "cross_entropy", "batch_size": 40, "epochs": 3}
    data = {"dataset": "digits", "train_samples": 100, "test_samples": 30, "random_labels": 0.5}
    asked = job(network={"mlp": [64, 6, 10]}, data=data, training=training, record={"steps": True})
    weights, metrics = run(asked, tmp_path, digits)
    steps = pd.read_parquet(tmp_path / "steps.parquet")
    known = load(asked.data, digits, study="s", experiment="e", model="m", replicates=3).shaped((64,))
    for r in range(3):
        start, _ = initialize(asked.network, [seed("s", "e", "m", r, "init")])
        net = nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), start.values(), strict=True):
                parameter.copy_(value[0])
        optimizer = make(net.parameters())
        decay = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5) if scheduler else None
        order = torch.Generator().manual_seed(seed("s", "e", "m", r, "order"))
        losses, norms, epochs = [], [], []
        for _ in range(3):
            permutation = torch.randperm(100, generator=order)
            for chosen in permutation.split(40):
                loss = nn.functional.cross_entropy(net(known.train_x[chosen]), known.train_y[r][chosen])
                optimizer.zero_grad()
                loss.backward()
                losses.append(loss.item())
                norms.append(torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item())
                optimizer.step()
            if decay:
                decay.step()
            with torch.no_grad():
                out = net(known.test_x)
            epochs.append(
                (
                    nn.functional.cross_entropy(out, known.test_y).item(),
                    (out.argmax(1) == known.test_y).float().mean().item(),
                )
            )
        for name, expected in zip(start, net.state_dict().values(), strict=True):
            torch.testing.assert_close(weights[name][r], expected, rtol=1e-4, atol=1e-5)
        own = steps[steps.replicate == r]
        np.testing.assert_allclose(own.loss, losses, rtol=1e-4)
        np.testing.assert_allclose(own.grad_norm, norms, rtol=1e-3)
        last = metrics[metrics.replicate == r]
        np.testing.assert_allclose(last.test_loss, [e[0] for e in epochs], rtol=1e-4)
        np.testing.assert_allclose(last.test_accuracy, [e[1] for e in epochs], atol=1e-6)
        # a short last batch counts by its samples
        sizes = np.array([40, 40, 20])
        np.testing.assert_allclose(last.train_loss, (np.reshape(losses, (3, 3)) * sizes).sum(1) / 100, rtol=1e-4)
    rates = metrics[metrics.replicate == 0].lr.tolist()
    assert rates == pytest.approx([0.01, 0.01, 0.005] if scheduler else [0.01] * 3)


@pytest.mark.parametrize("replicates", [1, 2, 5])
def test_a_replicate_does_not_depend_on_how_many_others_run(tmp_path: Path, replicates: int) -> None:
    training = {**FIT, "batch_size": 16}
    many, many_metrics = run(job(training=training, replicates=6), tmp_path / "many")
    few, few_metrics = run(job(training=training, replicates=replicates), tmp_path / "few")
    for name, value in few.items():
        torch.testing.assert_close(value, many[name][:replicates], rtol=1e-5, atol=1e-6)
    same = many_metrics[many_metrics.replicate < replicates].reset_index(drop=True)
    np.testing.assert_allclose(few_metrics.train_loss, same.train_loss, rtol=1e-5)


def test_ensembles_that_are_split_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = job(training={**FIT, "batch_size": 16}, record={"steps": True, "weights_every": 2}, replicates=5)
    whole, whole_metrics = run(asked, tmp_path / "whole")
    # two replicates of 16 samples and 5 units
    monkeypatch.setattr(split, "_CACHE", 160)
    parts, parts_metrics = run(asked, tmp_path / "parts")
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-5, atol=1e-6)
    columns = ["replicate", "epoch", "train_loss", "test_loss", "lr"]
    pd.testing.assert_frame_equal(parts_metrics[columns], whole_metrics[columns], rtol=1e-5)
    steps = [pd.read_parquet(tmp_path / name / "steps.parquet") for name in ("whole", "parts")]
    pd.testing.assert_frame_equal(*steps, rtol=1e-4)
    snapshots = [load_file(tmp_path / name / "snapshots.safetensors") for name in ("whole", "parts")]
    for name in snapshots[0]:
        torch.testing.assert_close(snapshots[0][name], snapshots[1][name], rtol=1e-5, atol=1e-6)


def test_the_same_job_gives_the_same_bytes(tmp_path: Path) -> None:
    asked = job(training={**FIT, "batch_size": 16}, record={"steps": True, "weights_every": 2})
    for name in ("first", "second"):
        run(asked, tmp_path / name)
    for file in ("checkpoint.safetensors", "snapshots.safetensors", "steps.parquet"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    first, second = (pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("first", "second"))
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"), check_exact=True)


def test_snapshots_are_of_epoch_0_and_of_every_so_many(tmp_path: Path) -> None:
    asked = job(training={**FIT, "epochs": 7}, record={"weights_every": 3})
    weights, _ = run(asked, tmp_path)
    snapshots = load_file(tmp_path / "snapshots.safetensors")
    start, _ = initialize(asked.network, [seed("s", "e", "m", r, "init") for r in range(3)])
    for name, value in snapshots.items():
        assert value.shape == (3, *weights[name].shape)
        torch.testing.assert_close(value[0], start[name], rtol=0, atol=0)
    shorter, _ = run(job(training={**FIT, "epochs": 6}), tmp_path / "shorter")
    assert all(torch.equal(snapshots[name][2], shorter[name]) for name in shorter)


def test_a_replicate_that_diverges_is_recorded(tmp_path: Path) -> None:
    _, metrics = run(job(training={**FIT, "optimizer": "sgd", "lr": 1e20, "epochs": 5}), tmp_path)
    said = json.loads((tmp_path / "run.json").read_text())
    first = metrics[~np.isfinite(metrics.train_loss)].groupby("replicate").epoch.min()
    assert said["diverged"] == [{"replicate": r, "epoch": int(e)} for r, e in first.items()]
    assert len(said["diverged"]) == 3


def test_data_and_network_that_do_not_fit(tmp_path: Path, digits: Path) -> None:
    training = {**FIT, "loss": "cross_entropy"}
    with pytest.raises(HwcoreError, match="64 numbers"):
        run(job(network={"mlp": [784, 10]}, data={"dataset": "digits"}, training=training), tmp_path, digits)
    with pytest.raises(HwcoreError, match="9 outputs, but there are 10 classes"):
        run(job(network={"mlp": [64, 9]}, data={"dataset": "digits"}, training=training), tmp_path, digits)
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_bfloat16_trains(tmp_path: Path) -> None:
    _, metrics = run(job(precision="bfloat16", training={**FIT, "epochs": 50}), tmp_path)
    losses = metrics.groupby("epoch").train_loss.mean()
    assert losses.iloc[-1] < losses.iloc[0]


def test_seeds_tell_their_parts_apart() -> None:
    parts = [("a", "b", 1), ("a", "b1"), ("ab", 1), ("a", "b", "1"), ("a", "b", 2), ("b", "a", 1)]
    assert len({seed(*part) for part in parts}) == len(parts)
    # what is written here is in published results: it must never change
    assert seed("alluri", "function-cos", "shallow", 0, "init") == 5669972953659581694
