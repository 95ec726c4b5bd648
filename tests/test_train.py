"""Training: an ensemble is as many single networks, and says so in its files."""

import ast
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from conftest import ROOT
from hwcore.data.load import load
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.nets.network import initialize
from hwcore.seeds import seed
from hwcore.train import memory, precision, resume, split
from hwcore.train.batches import Batches
from hwcore.train.ensemble import Ensemble
from hwcore.train.files import files
from hwcore.train.resume import Resume
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

COS = {"function": "cos(x)", "domain": [-3, 3], "sampling": "uniform", "samples": 64, "test_samples": 32}
FIT = {"optimizer": "adam", "lr": 0.01, "loss": "mse", "epochs": 4, "batch_size": "full"}


# a small convolutional network, whose replicates train one by one
IMAGES: dict[str, Any] = {
    "network": {
        "input": [1, 8, 8],
        "layers": [{"conv": {"channels": 3, "kernel": 3}}, "relu", {"max_pool": 2}, "flatten", {"linear": 10}],
    },
    "data": {"dataset": "digits", "train_samples": 200, "test_samples": 50},
    "training": {**FIT, "loss": "cross_entropy", "epochs": 3, "batch_size": 20},
}


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def job(**changes: Any) -> RunSpec:
    said = {"study": "s", "experiment": "e", "model": "m", "network": {"mlp": [1, 5, 4, 1], "activation": "tanh"}}
    return RunSpec.model_validate({**said, "data": COS, "training": FIT, "replicates": 3, **changes})


def run(job: RunSpec, folder: Path, prepared: Path | None = None) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    train(job, prepared, folder, device="cpu")
    return load_file(folder / "checkpoint.safetensors"), pd.read_parquet(folder / "metrics.parquet")


def test_other_labels_of_the_test_set_leave_the_weights(tmp_path: Path, digits: Path) -> None:
    """As in the variants of random labels: seeds come from the base experiment, so the training is the same."""
    asked = {"data": {**IMAGES["data"], "random_labels": 1.0}, "network": IMAGES["network"]}
    training = {"training": IMAGES["training"], "replicates": 2}
    weights, metrics = run(job(**asked, **training), tmp_path / "true", digits)
    asked["data"]["random_test_labels"] = 1.0
    again, others = run(job(**asked, **training), tmp_path / "random", digits)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert metrics.train_loss.equals(others.train_loss)
    assert not metrics.test_loss.equals(others.test_loss)


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
    data = {"dataset": "digits", "train_samples": 100, "test_samples": 50, "random_labels": 0.5}
    record = {"steps": True, "last_batch": True}
    asked = job(network={"mlp": [64, 6, 10]}, data=data, training=training, record=record)
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
        losses, norms, epochs, accuracies, tensor_norms, last_tests = [], [], [], [], [], []
        for _ in range(3):
            permutation = torch.randperm(100, generator=order)
            for chosen in permutation.split(40):
                loss = nn.functional.cross_entropy(net(known.train_x[chosen]), known.train_y[r][chosen])
                optimizer.zero_grad()
                loss.backward()
                losses.append(loss.item())
                accuracies.append((net(known.train_x[chosen]).argmax(1) == known.train_y[r][chosen]).float().mean())
                tensor_norms.append(np.mean([p.grad.norm().item() for p in net.parameters()]))
                norms.append(torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item())
                optimizer.step()
            if decay:
                decay.step()
            with torch.no_grad():
                out = net(known.test_x)
            # the second mini-batch of the test set has ten samples
            last_tests.append(nn.functional.cross_entropy(out[40:], known.test_y[40:]).item())
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
        ends = slice(2, None, 3)
        np.testing.assert_allclose(last.last_batch_loss, losses[ends], rtol=1e-4)
        np.testing.assert_allclose(last.last_batch_test_loss, last_tests, rtol=1e-4)
        np.testing.assert_allclose(last.last_batch_accuracy, accuracies[ends], atol=1e-6)
        np.testing.assert_allclose(last.last_batch_gradient_norm, tensor_norms[ends], rtol=1e-3)
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


@pytest.mark.parametrize("replicates", [4, 5])
def test_the_number_of_processes_changes_no_bit(tmp_path: Path, digits: Path, replicates: int) -> None:
    asked = job(**IMAGES, record={"steps": True, "weights_every": 1}, replicates=replicates)
    for threads in (1, 2):
        train(asked, digits, tmp_path / str(threads), device="cpu", threads=threads)
    for file in ("checkpoint.safetensors", "snapshots.safetensors", "steps.parquet"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()
    first, second = (pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("1", "2"))
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"), check_exact=True)


STEPS = {**FIT, "batch_size": 16, "epochs": None, "steps": 18}
# some replicates stop, at different epochs
HELD_OUT = {**FIT, "lr": 0.2, "batch_size": 16, "epochs": 15, "validation": 0.3, "until": {"validation_patience": 3}}
DROPOUT = {"input": [1], "layers": [{"linear": 8}, "tanh", {"dropout": 0.4}, {"linear": 1}]}


class KilledError(Exception):
    pass


@given(at=st.integers(1, 20), seed=st.integers(0, 7))
@settings(max_examples=20, deadline=None)
@example(at=9, seed=0)
@example(at=4, seed=4)
@example(at=3, seed=5)
@example(at=6, seed=6)
@example(at=12, seed=6)
@example(at=2, seed=7)
def test_a_training_that_was_stopped_anywhere_goes_on_to_the_same_bits(at: int, seed: int) -> None:
    """``at`` is the number of the save after which the process dies."""
    asked = [
        job(training={**FIT, "batch_size": 16, "epochs": 8, "until": {"loss": 0.42}}, record={"weights_every": 3}),
        job(
            training={**FIT, "epochs": 8, "scheduler": {"kind": "cosine"}},
            record={"steps": True, "last_batch": True},
            replicates=5,
        ),
        job(training={**FIT, "optimizer": "sgd", "momentum": 0.9, "batch_size": 10, "epochs": 6}),
        job(training={**FIT, "optimizer": "rmsprop", "batch_size": 10}, record={"weights_every": {"steps": 5}}),
        # four steps an epoch, and two in the last
        job(training={**STEPS, "scheduler": {"kind": "one_cycle"}, "clip_grad_norm": 0.3}, record={"steps": True}),
        job(training={**STEPS, "scheduler": {"kind": "cosine"}, "warmup": 6, "optimizer": "adamw"}, replicates=5),
        job(training=HELD_OUT, record={"weights_every": {"steps": 5}}, replicates=5),
        job(network=DROPOUT, training={**STEPS, "modes": {"evaluation_from": 3, "dropout_in_evaluation": True}}),
    ][seed]
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr(split, "_CACHE", 160)  # some ensembles
        patch.setattr(resume, "_TIME_SHARE", 1e9)  # a save after each epoch
        train(asked, None, folder / "whole", device="cpu")
        saves, save = [], Resume.save

        def dying(self: Resume, state: dict[str, Any]) -> None:
            save(self, state)
            saves.append(1)
            if len(saves) == at:
                raise KilledError

        patch.setattr(Resume, "save", dying)
        with contextlib.suppress(KilledError):
            train(asked, None, folder / "killed", device="cpu", key="k", interval=0)
        patch.setattr(Resume, "save", save)
        train(asked, None, folder / "killed", device="cpu", key="k", interval=0)
        _assert_equal_runs(folder / "whole", folder / "killed")
        assert not (folder / "killed/unfinished").exists()


def _assert_equal_runs(first: Path, second: Path) -> None:
    names = {path.name for path in first.iterdir()}
    assert names == {path.name for path in second.iterdir()}
    for name in names - {"run.json", "metrics.parquet"}:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    tables = [pd.read_parquet(folder / "metrics.parquet").drop(columns="seconds") for folder in (first, second)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path: Path, digits: Path, threads: int) -> None:
    training = {**IMAGES["training"], "epochs": 12}
    asked = job(**{**IMAGES, "training": training}, record={"weights_every": 5, "steps": True}, replicates=2)
    plan = {"job": asked.model_dump(mode="json"), "prepared": str(digits), "folder": str(tmp_path / "killed")}
    (tmp_path / "job.json").write_text(json.dumps({**plan, "threads": threads}))
    code = (
        "import json, sys, pathlib; from hwcore.train.spec import RunSpec; from hwcore.train.train import train;"
        "said = json.loads(pathlib.Path(sys.argv[1]).read_text());"
        "train(RunSpec.model_validate(said['job']), pathlib.Path(said['prepared']), pathlib.Path(said['folder']),"
        "device='cpu', threads=said['threads'], key='k', interval=0)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "job.json")]
    random = np.random.default_rng(threads)
    for _ in range(3):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        # wherever it is after its first save
        deadline = time.monotonic() + 60
        while not list((tmp_path / "killed").glob("unfinished/*.safetensors")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.wait()
    subprocess.run(command, cwd=ROOT, check=True)
    train(asked, digits, tmp_path / "whole", device="cpu")
    _assert_equal_runs(tmp_path / "whole", tmp_path / "killed")


def test_a_state_of_another_job_or_a_damaged_one_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state, path = Resume(tmp_path / "0.safetensors", "one", 0), tmp_path / "0.safetensors"
    state.save({"epoch": 3, "weights": torch.arange(100.0)})
    assert (state.load() or {})["epoch"] == 3
    assert Resume(tmp_path / "0.safetensors", "another", 0).load() is None
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert state.load() is None, place
    for content in (whole[:100], b"", b"\xff" * 30):
        path.write_bytes(content)
        assert state.load() is None
    assert "cannot be read" in caplog.text
    assert Resume(tmp_path / "1.safetensors", "one", 0).load() is None


def test_a_state_comes_back_as_it_was_and_is_never_code(tmp_path: Path) -> None:
    shared = torch.zeros(3)
    state: dict[str, Any] = {
        "numbers": [1, 2.5, float("inf"), None, True, "text"],
        "keys": {0: {"step": torch.tensor(3.0)}, "b": (0.9, 0.999), "count": Counter({30: 1, 60: 2})},
        "tensors": [shared, shared[:2], torch.zeros(0, 2), torch.ones(2, dtype=torch.bool), torch.ones(1).bfloat16()],
    }
    saved = Resume(tmp_path / "0.safetensors", "k", 0)
    saved.save(state)
    found = saved.load()
    assert found is not None
    assert (found["numbers"], found["keys"]["b"], found["keys"]["count"]) == (
        *(state["numbers"], (0.9, 0.999), Counter({30: 1, 60: 2})),
    )
    assert type(found["keys"]["count"]) is Counter
    assert found["keys"][0]["step"].item() == 3
    for one, other in zip(found["tensors"], state["tensors"], strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    with pytest.raises(TypeError, match="function cannot be part of a saved state"):
        saved.save({"f": lambda: 0})
    # what torch.save writes could be code
    torch.save({"key": "k", "state": {}}, tmp_path / "0.safetensors")
    assert saved.load() is None


def test_a_replicate_stops_when_its_condition_holds(tmp_path: Path) -> None:
    training = {**FIT, "batch_size": 16, "epochs": 60}
    whole, metrics = run(job(training=training, replicates=4), tmp_path / "whole")
    limit = metrics[metrics.epoch == 30].train_loss.median()
    until = {"loss": float(limit), "patience": 2}
    asked = job(training={**training, "until": until}, record={"weights_every": 7, "steps": True}, replicates=4)
    weights, stopped = run(asked, tmp_path / "stopped")
    last = stopped.groupby("replicate").epoch.max()
    assert last.nunique() > 1
    for r in range(4):
        loss = metrics[metrics.replicate == r].train_loss.to_numpy()
        below = (loss <= limit).astype(int)
        expected = next((e for e in range(2, 61) if below[e - 2 : e].all()), 60)
        assert last[r] == expected
        own = stopped[stopped.replicate == r]
        # as it would have been, but for the rounding of an ensemble of another size
        np.testing.assert_allclose(own.train_loss, loss[:expected], rtol=1e-4)
    said = json.loads((tmp_path / "stopped/run.json").read_text())["stopped"]
    assert said == [{"replicate": r, "epoch": int(e)} for r, e in last.items()]
    ends = stopped.epoch == stopped.replicate.map(last)
    assert stopped.stopped.equals(ends & (stopped.epoch < 60))
    steps = pd.read_parquet(tmp_path / "stopped/steps.parquet")
    assert (steps.groupby("replicate").step.max() == 4 * last).all()
    snapshots = load_file(tmp_path / "stopped/snapshots.safetensors")
    for name, value in weights.items():
        first = int(last.idxmin())
        torch.testing.assert_close(snapshots[name][-1][first], value[first], rtol=0, atol=0)
        assert not torch.equal(value[first], whole[name][first])


class Work(TorchDispatchMode):
    """Counts the numbers that operations make."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.numbers += sum(part.numel() for part in torch.utils._pytree.tree_leaves(result) if torch.is_tensor(part))
        return result


def test_the_stopping_rule_costs_as_much_after_many_epochs_as_after_few() -> None:
    training = {**FIT, "epochs": 60, "until": {"loss": 0.0, "loss_change": 0.0, "over": 2}}
    asked = job(training=training)
    data = load(asked.data, None, study="s", experiment="e", model="m", replicates=3)
    ensemble = Ensemble(asked, data, Batches(data.train_x, torch.float32, 64), range(3), torch.float32)
    costs = []
    for _ in range(60):
        with Work() as work:
            ensemble.epoch(lambda: 0.0)
        costs.append(work.numbers)
    assert costs[5] == costs[-2]


@pytest.mark.parametrize(
    ("until", "holds"),
    [
        ({"loss_change": 1e-3, "over": 3}, lambda own, e: e > 3 and abs(own[e - 1] - own[e - 4]) <= 1e-3),
        ({"loss": 10.0, "first_epoch": 5}, lambda own, e: e >= 5),
        ({"grad_norm": 1e6}, lambda own, e: True),
        ({"grad_norm": 0.0}, lambda own, e: False),
    ],
)
def test_conditions_of_stopping(tmp_path: Path, until: dict[str, Any], holds: Any) -> None:
    training = {**FIT, "epochs": 40}
    _, metrics = run(job(training=training), tmp_path / "whole")
    _, stopped = run(job(training={**training, "until": until}), tmp_path / "stopped")
    for r, own in metrics.groupby("replicate"):
        losses = own.train_loss.to_numpy()
        expected = next((e for e in range(1, 41) if holds(losses, e)), 40)
        assert stopped[stopped.replicate == r].epoch.max() == expected


def test_learning_until_all_is_fitted(tmp_path: Path, digits: Path) -> None:
    training = {**IMAGES["training"], "epochs": 40, "until": {"accuracy": 0.99}}
    mlp = {"network": {"mlp": [64, 50, 10]}, "data": IMAGES["data"]}
    _, metrics = run(job(**mlp, training=training), tmp_path, digits)
    last = metrics.groupby("replicate").tail(1)
    assert (last.epoch < 40).all()
    assert (last.train_accuracy >= 0.99).all()


def test_a_rule_that_holds_at_the_last_epoch_is_met(tmp_path: Path) -> None:
    _, met = run(job(training={**FIT, "epochs": 3, "until": {"loss": 10.0, "first_epoch": 3}}), tmp_path / "met")
    assert met.stopped.tolist() == [False, False, True] * 3
    _, missed = run(job(training={**FIT, "epochs": 3, "until": {"loss": 0.0}}), tmp_path / "missed")
    assert missed.stopped.tolist() == [False] * 9


def test_the_last_batch_of_a_function_has_no_accuracy(tmp_path: Path) -> None:
    training = {**FIT, "batch_size": 16, "epochs": 6, "until": {"loss": 0.45}}
    asked = job(training=training, record={"last_batch": True, "steps": True}, replicates=4)
    _, metrics = run(asked, tmp_path)
    assert "last_batch_accuracy" not in metrics
    steps = pd.read_parquet(tmp_path / "steps.parquet")
    assert metrics.last_batch_loss.tolist() == steps[steps.step % 4 == 0].loss.tolist()
    assert metrics.groupby("replicate").epoch.max().nunique() > 1


def test_weights_are_recorded_every_so_many_steps_and_of_some_layers(tmp_path: Path) -> None:
    # four steps an epoch
    asked = job(training={**FIT, "batch_size": 16}, record={"weights_every": {"steps": 6}, "layers": [2]})
    run(asked, tmp_path)
    snapshots = load_file(tmp_path / "snapshots.safetensors")
    assert {name: tuple(value.shape) for name, value in snapshots.items()} == {
        "3.weight": (3, 3, 4, 5),
        "3.bias": (3, 3, 4),
    }
    with safe_open(tmp_path / "snapshots.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["epochs"]) == [0, 1.5, 3]


def test_bfloat16_is_chosen_where_it_is_fast_and_harmless(digits: Path) -> None:
    cpu = torch.device("cpu")
    fast = torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get("amx_bf16")
    large = job(network={"mlp": [784, 500, 10]}, data=IMAGES["data"], training=IMAGES["training"])
    small = job(network={"mlp": [64, 10]}, data=IMAGES["data"], training=IMAGES["training"])
    assert precision.number_format(large, cpu) == (torch.bfloat16 if fast else torch.float32)
    assert precision.number_format(small, cpu) == torch.float32
    assert precision.number_format(job(), cpu) == torch.float32
    asked = large.model_copy(update={"precision": "float32"})
    assert precision.number_format(asked, cpu) == torch.float32


@given(
    replicates=st.integers(1, 200), batch=st.integers(1, 5000), cores=st.integers(1, 64), gigabytes=st.floats(1.1, 80)
)
def test_replicates_are_split_without_loss(replicates: int, batch: int, cores: int, gigabytes: float) -> None:
    network = job().network
    memory = int(gigabytes * 2**30)
    for groups in (
        split.ensembles(network, replicates, batch),
        split.ensembles(network, replicates, batch, memory=memory),
    ):
        assert [r for group in groups for r in group] == list(range(replicates))
    count = len(split.ensembles(network, replicates, batch))
    threads = split.threads(network, replicates, batch, cores)
    assert threads <= cores
    assert count % threads == 0


@pytest.mark.parametrize(
    ("record", "batch"),
    [
        ({"weights_every": {"steps": 10}}, 20),
        ({"weights_every": {"steps": 3}, "layers": [2]}, 7),
        ({"weights_every": 2}, 100),
        ({"weights_every": 1, "layers": [1]}, "full"),
        ({"weights_every": {"steps": 5}}, 5000),
        ({"steps": True}, 20),
    ],
)
def test_recorded_weights_are_as_many_bytes_as_foreseen(
    tmp_path: Path, digits: Path, record: dict[str, Any], batch: int | str
) -> None:
    layers = [{"linear": 30}, "batch_norm", "relu", {"linear": 10}]
    asked = job(
        network={"input": [64], "layers": layers},
        data={"dataset": "digits", "train_samples": 210, "test_samples": 10},
        training={**FIT, "loss": "cross_entropy", "epochs": 5, "batch_size": batch},
        record=record,
    )
    run(asked, tmp_path, digits)
    file = tmp_path / "snapshots.safetensors"
    kept = sum(value.numel() * 4 for value in load_file(file).values()) if file.exists() else 0
    assert memory.snapshot_bytes(asked, 210) == kept


def test_the_memory_of_a_training_grows_with_what_it_records(digits: Path) -> None:
    """By the readme's own example: 11 kB of weights, 60,000 samples in batches of 100 and a record each 10 steps."""
    network = {"mlp": [64, 40, 10]}
    training = {**FIT, "loss": "cross_entropy", "epochs": 20, "batch_size": 100}
    data = {"dataset": "digits"}

    def megabytes(replicates: int = 10, samples: int | None = None, epochs: int = 20, **record: Any) -> int:
        fit = {**training, "epochs": epochs}
        asked = job(network=network, data=data, training=fit, record=record, replicates=replicates)
        return memory.memory(asked, samples)

    nothing = megabytes()
    once = 10 * 4 * (64 * 40 + 40 + 40 * 10 + 10) / 2**20
    each = 20 * 600 / 10 + 1
    # the ensembles' own, those of all together, and the bytes that go to the file
    assert megabytes(weights_every={"steps": 10}) - nothing == pytest.approx(3 * each * once, abs=1)
    assert megabytes(weights_every=5) - nothing == pytest.approx(3 * 5 * once, abs=1)
    assert megabytes(weights_every={"steps": 10}, layers=[2]) < megabytes(weights_every={"steps": 10})
    assert megabytes(samples=6000, weights_every={"steps": 10}) < megabytes(weights_every={"steps": 10})
    assert megabytes(replicates=20, weights_every={"steps": 10}) > megabytes(weights_every={"steps": 10}) * 1.05
    # 20 epochs of 600 steps of ten replicates
    assert megabytes(epochs=25_000, last_batch=True) - megabytes(epochs=25_000) == pytest.approx(
        250_000 * 4 * 350 / 8 / 2**20 + once, abs=2
    )
    assert megabytes(steps=True) - nothing == pytest.approx(120_000 * 220 / 2**20, abs=1)


def test_the_memory_of_a_training_grows_with_its_test_set() -> None:
    """Its images as they are read, which a small share of the training set leaves in the file, and as float32."""
    few, many = (
        memory.memory(job(**{**IMAGES, "data": {"dataset": "digits", "test_samples": samples}}), 100)
        for samples in (1_000, 1_001_000)
    )
    assert many - few == pytest.approx(5 * 1_000_000 * 64 / 2**20, abs=1)


def test_training_loads_no_pandas(tmp_path: Path) -> None:
    asked = job(record={"steps": True, "weights_every": 1}).model_dump(mode="json")
    code = (
        "import json, sys, pathlib, workflow_scripts.train; from hwcore.train.spec import RunSpec;"
        "from hwcore.train.train import train;"
        "train(RunSpec.model_validate(json.loads(sys.argv[1])), None, pathlib.Path(sys.argv[2]), device='cpu');"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(asked), str(tmp_path)], cwd=ROOT, check=True)
    table = pq.read_table(tmp_path / "metrics.parquet")
    assert table.schema.names == ["replicate", "epoch", "train_loss", "test_loss", "lr", "seconds"]
    assert [str(kind) for kind in table.schema.types] == ["int64", "int64", *["double"] * 4]
    table = pq.read_table(tmp_path / "steps.parquet")
    assert {name: str(table.schema.field(name).type) for name in table.schema.names} == {
        **dict.fromkeys(["replicate", "step"], "int64"),
        **dict.fromkeys(["loss", "grad_norm"], "double"),
    }


@pytest.mark.parametrize(
    ("record", "more"),
    [
        ({}, set()),
        ({"steps": True}, {"steps.parquet"}),
        ({"weights_every": 2}, {"snapshots.safetensors"}),
        ({"steps": True, "weights_every": {"steps": 2}}, {"steps.parquet", "snapshots.safetensors"}),
    ],
)
def test_a_run_leaves_the_files_that_its_record_names(tmp_path: Path, record: dict[str, Any], more: set[str]) -> None:
    asked = job(record=record)
    run(asked, tmp_path)
    expected = {"checkpoint.safetensors", "metrics.parquet", "run.json"} | more
    assert {path.name for path in tmp_path.iterdir()} == set(files(asked.record).values()) == expected


@pytest.mark.parametrize("module", ["parallel", "resume", "progress"])
def test_what_numbers_do_not_depend_on_knows_nothing_that_they_do(module: str) -> None:
    """These are left out of the fingerprint of a training."""
    tree = ast.parse((ROOT / f"hwcore/train/{module}.py").read_text())
    loaded = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    loaded |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name for name in loaded if name and name.startswith("hwcore")} <= {
        "hwcore.errors",
        "hwcore.files",
        "hwcore.tensors",
    }


def test_a_last_batch_of_one_sample_and_batch_norm(tmp_path: Path, digits: Path) -> None:
    network = {"input": [64], "layers": [{"linear": 5}, "batch_norm", {"linear": 10}]}
    data = {"dataset": "digits", "train_samples": 41, "test_samples": 10}
    with pytest.raises(HwcoreError, match="batch_size: 20 leaves one of 41 samples"):
        run(job(network=network, data=data, training={**IMAGES["training"], "batch_size": 20}), tmp_path, digits)
    # a batch that is never reached, or never normalised by its own statistics
    for more in ({"epochs": None, "steps": 2}, {"modes": {"evaluation_from": 1}}):
        training = {**IMAGES["training"], "batch_size": 20, **more}
        run(job(network=network, data=data, training=training), tmp_path / str(len(more)), digits)


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
    first = metrics[~np.isfinite(metrics[["train_loss", "test_loss"]]).all(axis=1)].groupby("replicate").epoch.min()
    assert said["diverged"] == [{"replicate": r, "epoch": int(e)} for r, e in first.items()]
    assert len(said["diverged"]) == 3


def test_a_replicate_whose_last_step_loses_it_has_diverged(tmp_path: Path) -> None:
    """The training loss of a full batch is that before the step."""
    _, metrics = run(job(training={**FIT, "optimizer": "sgd", "lr": 1e30, "epochs": 1}), tmp_path)
    assert np.isfinite(metrics.train_loss).all()
    said = json.loads((tmp_path / "run.json").read_text())
    assert said["diverged"] == [{"replicate": r, "epoch": 1} for r in range(3)]


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
