"""Each setting of a training against single networks that torch trains."""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from test_train import COS, FIT, job, run
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from conftest import ROOT, Project
from hwcore.analyses.run import Run
from hwcore.config import parse
from hwcore.data.load import Data, load
from hwcore.data.prepare import prepare
from hwcore.description import _describe_record, _describe_training
from hwcore.errors import HwcoreError
from hwcore.nets.network import initialize
from hwcore.seeds import seed
from hwcore.studies import study as studies
from hwcore.studies.kinds import LABELS
from hwcore.train import memory
from hwcore.train.held_out import hold_out
from hwcore.train.recorder import VALIDATION_METRICS
from hwcore.train.spec import OPTIMIZERS, Record, RunSpec, Training
from hwcore.train.train import _best
from hwcore.validation import validate

REPLICATES = 3
SAMPLES = 100
# three batches an epoch, the last of 20 samples
CLASSES = {**FIT, "loss": "cross_entropy", "batch_size": 40, "epochs": 3}
DIGITS = {"dataset": "digits", "train_samples": SAMPLES, "test_samples": 30, "random_labels": 0.5}
MLP = [{"linear": 6}, "relu", {"linear": 10}]
NORMED = [{"linear": 6}, "batch_norm", "relu", {"linear": 10}]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def classify(training: dict[str, Any], layers: list[Any] | None = None, **changes: Any) -> RunSpec:
    network = {"input": [64], "layers": layers or MLP}
    return job(network=network, data=DIGITS, training={**CLASSES, **training}, **changes)


def known(spec: RunSpec, prepared: Path | None) -> Data:
    names = {"study": "s", "experiment": "e", "model": "m"}
    return load(spec.data, prepared, **names, replicates=spec.replicates).shaped(spec.network.input)


@dataclass
class Alone:
    """One network that plain torch trains as ``spec`` says, by the parts that a test gives; what it went through."""

    spec: RunSpec
    data: Data
    replicate: int
    optimizer: Callable[[Any], torch.optim.Optimizer] = lambda p: torch.optim.Adam(p, lr=0.01)
    every_step: Callable[[Any], Any] | None = None  # a scheduler
    every_epoch: Callable[[Any], Any] | None = None
    criterion: Callable[..., Tensor] = F.cross_entropy
    pseudo: float = 0.0
    clip: float | None = None
    shuffle: bool = True
    evaluation_from: int = 10**9
    steps: int = 9
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    tests: list[float] = field(default_factory=list)

    def train(self) -> "Alone":
        r, data = self.replicate, self.data
        makers = {
            "linear": lambda layer, shape: nn.Linear(shape[0], layer.out),
            "batch_norm": lambda layer, shape: nn.BatchNorm1d(shape[0]),
            "dropout": lambda layer, shape: nn.Dropout(layer.p),
            "relu": lambda layer, shape: nn.ReLU(),
        }
        shapes = self.spec.network.shapes()[:-1]
        pairs = zip(self.spec.network.layers, shapes, strict=True)
        self.net = net = nn.Sequential(*(makers[layer.kind](layer, shape) for layer, shape in pairs))
        start, _ = initialize(self.spec.network, [seed("s", "e", "m", r, "init")])
        with torch.no_grad():
            for name, value in net.named_parameters():
                value.copy_(start[name][0])
        optimizer = self.optimizer(net.parameters())
        every_step = self.every_step and self.every_step(optimizer)
        every_epoch = self.every_epoch and self.every_epoch(optimizer)
        epoch = 0
        order = Generator().manual_seed(seed("s", "e", "m", r, "order"))
        labels = data.train_y[r] if data.own_train_labels else data.train_y
        while len(self.losses) < self.steps:
            epoch += 1
            net.train(epoch < self.evaluation_from)
            count = len(data.train_x)
            places = torch.randperm(count, generator=order) if self.shuffle else torch.arange(count)
            self.rates.append(optimizer.param_groups[0]["lr"])
            for chosen in places.split(40)[: self.steps - len(self.losses)]:
                optimizer.zero_grad()
                outputs = net(data.train_x[chosen])
                loss = self.criterion(outputs, labels[chosen])
                loss.backward(retain_graph=True)
                # a second backward pass adds to the same gradients
                (self.pseudo * self.criterion(outputs, outputs.argmax(1))).backward()
                self.losses.append(loss.item())
                longest = self.clip or math.inf
                self.norms.append(nn.utils.clip_grad_norm_(net.parameters(), longest).item())
                optimizer.step()
                if every_step:
                    every_step.step()
            if every_epoch:
                every_epoch.step()
            net.eval()
            with torch.no_grad():
                self.tests.append(F.cross_entropy(net(data.test_x), data.test_y).item())
        return self


def each_alone(spec: RunSpec, prepared: Path, folder: Path, **parts: Any) -> Iterator[tuple[Alone, pd.DataFrame]]:
    """Each replicate as torch trains it alone, after a check of weights, losses, norms and rates; and its metrics."""
    spec = spec.model_copy(update={"record": Record(steps=True)})
    weights, metrics = run(spec, folder, prepared)
    steps = pd.read_parquet(folder / "steps.parquet")
    data = hold_out(spec, known(spec, prepared))[0]
    for r in range(REPLICATES):
        alone = Alone(spec, data, r, **parts).train()
        for name, value in alone.net.state_dict().items():
            if "num_batches" not in name:
                torch.testing.assert_close(weights[name][r], value, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(steps[steps.replicate == r].loss, alone.losses, rtol=1e-4)
        np.testing.assert_allclose(steps[steps.replicate == r].grad_norm, alone.norms, rtol=1e-3)
        own = metrics[metrics.replicate == r]
        np.testing.assert_allclose(own.lr, alone.rates, rtol=1e-12)
        np.testing.assert_allclose(own.test_loss, alone.tests, rtol=1e-4)
        yield alone, own


def agrees(spec: RunSpec, prepared: Path, folder: Path, **parts: Any) -> None:
    assert len(list(each_alone(spec, prepared, folder, **parts))) == REPLICATES


OPTIMIZER_CASES: list[tuple[dict[str, Any], Callable[[Any], torch.optim.Optimizer]]] = [
    ({"optimizer": "adamw", "weight_decay": 0.5}, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.5)),
    (
        {"optimizer": "adam", "betas": [0.5, 0.8], "eps": 1e-2},
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.8), eps=1e-2),
    ),
    ({"optimizer": "rmsprop", "eps": 1e-2}, lambda p: torch.optim.RMSprop(p, lr=0.01, eps=1e-2)),
    (
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    ),
    # gradient ascent
    ({"optimizer": "adam", "maximize": True}, lambda p: torch.optim.Adam(p, lr=0.01, maximize=True)),
    (
        {"optimizer": "adamw", "maximize": True, "weight_decay": 0.1},
        lambda p: torch.optim.AdamW(p, lr=0.01, maximize=True, weight_decay=0.1),
    ),
    ({"optimizer": "sgd", "maximize": True}, lambda p: torch.optim.SGD(p, lr=0.01, maximize=True)),
    ({"optimizer": "rmsprop", "maximize": True}, lambda p: torch.optim.RMSprop(p, lr=0.01, maximize=True)),
]


@pytest.mark.parametrize(("training", "optimizer"), OPTIMIZER_CASES)
def test_optimizers(tmp_path: Path, digits: Path, training: dict[str, Any], optimizer: Any) -> None:
    agrees(classify(training), digits, tmp_path, optimizer=optimizer)


def test_ascent_climbs(tmp_path: Path) -> None:
    """As paladugu's search for points of small gradient does."""
    _, metrics = run(job(training={**FIT, "maximize": True, "epochs": 30}), tmp_path)
    by = metrics.groupby("replicate").train_loss
    assert (by.last() > 2 * by.first()).all()


def warm_step(optimizer: Any) -> Any:
    """In step t, counted from 0, of epochs of three steps."""
    return lr_scheduler.LambdaLR(optimizer, lambda t: min(1, (t + 1) / 5) * 0.5 ** (t // 3 // 2))


SCHEDULES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"scheduler": {"kind": "one_cycle"}},
        {"every_step": lambda o: lr_scheduler.OneCycleLR(o, 0.01, total_steps=9, cycle_momentum=False)},
    ),
    (
        {
            "scheduler": {"kind": "one_cycle", "pct_start": 0.6, "div_factor": 5, "final_div_factor": 10},
            "epochs": None,
            "steps": 14,
        },
        {
            "every_step": lambda o: lr_scheduler.OneCycleLR(
                o, 0.01, total_steps=14, pct_start=0.6, div_factor=5, final_div_factor=10, cycle_momentum=False
            ),
            "steps": 14,
        },
    ),
    ({"warmup": 5}, {"every_step": lambda o: lr_scheduler.LambdaLR(o, lambda t: min(1, (t + 1) / 5))}),
    ({"warmup": 1}, {}),
    (
        {"warmup": 5, "scheduler": {"kind": "step", "step_size": 2, "gamma": 0.5}, "epochs": 5},
        {"every_step": warm_step, "steps": 15},
    ),
    # ten steps are four epochs, the last of one step
    (
        {"scheduler": {"kind": "cosine"}, "epochs": None, "steps": 10},
        {"every_epoch": lambda o: lr_scheduler.CosineAnnealingLR(o, 4), "steps": 10},
    ),
    (
        {"scheduler": {"kind": "cosine"}, "warmup": 4},
        {
            "every_step": lambda o: lr_scheduler.LambdaLR(
                o, lambda t: min(1, (t + 1) / 4) * (1 + math.cos(math.pi * (t // 3) / 3)) / 2
            )
        },
    ),
]


@pytest.mark.parametrize(("training", "parts"), SCHEDULES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_schedules(
    tmp_path: Path, digits: Path, training: dict[str, Any], parts: dict[str, Any], optimizer: str
) -> None:
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    spec = classify({"optimizer": optimizer, **training})
    agrees(spec, digits, tmp_path, optimizer=lambda p: kind(p, lr=0.01), **parts)


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_one_cycle_where_the_rise_has_one_step_at_most(tmp_path: Path, steps: int) -> None:
    """In torch's own class 10 steps of which a tenth rise are a division by zero."""
    training = {**FIT, "epochs": steps, "scheduler": {"kind": "one_cycle", "pct_start": 0.1}}
    _, metrics = run(job(training=training), tmp_path)
    rates = metrics[metrics.replicate == 0].lr.to_numpy()
    assert (np.diff(rates) < 0).all()
    assert rates[-1] == pytest.approx(0.01 / 25 / 1e4)
    if steps == 10:
        assert rates[0] == 0.01


@pytest.mark.parametrize("longest", [0.05, 0.7, 1e3])
def test_gradients_are_clipped_for_each_replicate(tmp_path: Path, digits: Path, longest: float) -> None:
    training = {"clip_grad_norm": longest, "optimizer": "sgd", "lr": 0.1}
    found = each_alone(
        classify(training), digits, tmp_path, clip=longest, optimizer=lambda p: torch.optim.SGD(p, lr=0.1)
    )
    norms = np.array([alone.norms for alone, _ in found])
    # at 0.7 some replicates and steps are clipped and others are not
    shares = {0.05: (1, 1), 0.7: (0.01, 0.99), 1e3: (0, 0)}[longest]
    assert shares[0] <= (norms > longest).mean() <= shares[1]


def test_label_smoothing_is_of_the_training_loss_alone(tmp_path: Path, digits: Path) -> None:
    smooth = nn.CrossEntropyLoss(label_smoothing=0.2)
    for alone, own in each_alone(classify({"label_smoothing": 0.2}), digits, tmp_path, criterion=smooth):
        sizes = np.array([40, 40, 20])
        expected = (np.reshape(alone.losses, (3, 3)) * sizes).sum(1) / SAMPLES
        np.testing.assert_allclose(own.train_loss, expected, rtol=1e-4)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_loss_at_predicted_labels_is_added_to_the_gradient_alone(
    tmp_path: Path, digits: Path, weight: float
) -> None:
    """With weight 1 as konda's notebook, where the backward pass of the sensitivity leaks into the update."""
    agrees(classify({"pseudo_label_weight": weight}), digits, tmp_path, pseudo=weight)


def test_without_shuffling_batches_come_in_the_order_of_the_data(tmp_path: Path, digits: Path) -> None:
    agrees(classify({"shuffle": False}), digits, tmp_path, shuffle=False)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_training_in_evaluation_mode_from_an_epoch_on(tmp_path: Path, digits: Path, first: int) -> None:
    """As konda's notebooks, whose loop calls model.eval() at the end of an epoch and never model.train() again."""
    # Adam would make steps of the rounding of a gradient that is zero, as behind batch normalisation
    training = {"optimizer": "sgd", "lr": 0.1, "epochs": 4, "modes": {"evaluation_from": first}}
    parts = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1), "evaluation_from": first, "steps": 12}
    agrees(classify(training, NORMED), digits, tmp_path, **parts)


def test_in_evaluation_mode_nothing_is_dropped(tmp_path: Path, digits: Path) -> None:
    layers = [{"linear": 6}, "relu", {"dropout": 0.5}, {"linear": 10}]
    spec = classify({"modes": {"evaluation_from": 1}}, layers)
    agrees(spec, digits, tmp_path, evaluation_from=1)


def test_dropout_that_is_active_in_evaluation(tmp_path: Path) -> None:
    """As in beamreaching1's scripts, which never call net.eval()."""
    network = {"input": [1], "layers": [{"linear": 8}, "tanh", {"dropout": 0.4}, {"linear": 1}]}
    settings = {"network": network, "training": {**FIT, "batch_size": 16, "epochs": 2}}
    usual, usual_metrics = run(job(**settings), tmp_path / "usual")
    settings["training"] = {**settings["training"], "modes": {"dropout_in_evaluation": True}}
    weights, metrics = run(job(**settings, record={"weights_every": 1}), tmp_path / "active")
    # what is measured does not change what is trained
    assert all(torch.equal(weights[name], usual[name]) for name in usual)
    assert metrics.train_loss.equals(usual_metrics.train_loss)
    snapshots = load_file(tmp_path / "active/snapshots.safetensors")
    data = known(job(**settings), None)
    for r in range(REPLICATES):
        masks = Generator().manual_seed(seed("s", "e", "m", r, "evaluation dropout"))
        for epoch in (1, 2):
            own = {name: value[epoch, r] for name, value in snapshots.items()}
            hidden = torch.tanh(F.linear(data.test_x, own["0.weight"], own["0.bias"]))
            hidden = hidden * (torch.rand(hidden.shape, generator=masks) >= 0.4) / 0.6
            expected = F.mse_loss(F.linear(hidden, own["3.weight"], own["3.bias"]), data.test_y).item()
            row = metrics[(metrics.replicate == r) & (metrics.epoch == epoch)]
            assert row.test_loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_record_of_the_last_batch_leaves_the_masks_of_the_others(tmp_path: Path) -> None:
    layers = [{"linear": 8}, "tanh", {"dropout": 0.4}, {"linear": 1}]
    training = {**FIT, "epochs": 3, "batch_size": 16, "modes": {"dropout_in_evaluation": True}}
    metrics = [
        run(
            job(network={"input": [1], "layers": layers}, training=training, record={"last_batch": recorded}),
            tmp_path / f"{recorded}",
        )[1]
        for recorded in (False, True)
    ]
    assert "last_batch_test_loss" in metrics[1]
    assert metrics[0].test_loss.equals(metrics[1].test_loss)


def test_masks_in_evaluation_do_not_depend_on_the_other_replicates(tmp_path: Path) -> None:
    layers = [{"linear": 8}, "tanh", {"dropout": 0.4}, {"linear": 5}, "tanh", {"dropout": 0.4}, {"linear": 1}]
    network = {"input": [1], "layers": layers}
    # evaluated in batches whose size depends on the number of replicates where nothing is dropped
    data = {**COS, "test_samples": 12_000}
    training = {**FIT, "epochs": 2, "modes": {"dropout_in_evaluation": True}}
    losses = []
    for count in (1, 40):
        _, metrics = run(job(network=network, data=data, training=training, replicates=count), tmp_path / str(count))
        losses.append(metrics[metrics.replicate == 0].test_loss.to_numpy())
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 4, 8])
def test_a_limit_in_steps(tmp_path: Path, digits: Path, steps: int) -> None:
    """Of three steps an epoch; the last epoch's metrics are of the samples that were seen."""
    for alone, own in each_alone(classify({"epochs": None, "steps": steps}), digits, tmp_path, steps=steps):
        sizes = np.array([40, 40, 20] * 3)[:steps]
        parts = np.split(np.array(alone.losses) * sizes, [3, 6])
        seen = [size.sum() for size in np.split(sizes, [3, 6])]
        expected = [part.sum() / count for part, count in zip(parts, seen, strict=True) if count]
        np.testing.assert_allclose(own.train_loss, expected, rtol=1e-4)
        assert own.epoch.tolist() == list(range(1, math.ceil(steps / 3) + 1))


def test_whole_epochs_in_steps_are_these_epochs(tmp_path: Path) -> None:
    base = {**FIT, "batch_size": 16, "scheduler": {"kind": "cosine"}, "warmup": 3}
    record = {"steps": True, "weights_every": 2}
    for name, limit in (("epochs", {"epochs": 4}), ("steps", {"epochs": None, "steps": 16})):
        run(job(training={**base, **limit}, record=record), tmp_path / name)
    for file in ("checkpoint.safetensors", "snapshots.safetensors", "steps.parquet"):
        assert (tmp_path / "epochs" / file).read_bytes() == (tmp_path / "steps" / file).read_bytes()
    tables = [
        pd.read_parquet(tmp_path / name / "metrics.parquet").drop(columns="seconds") for name in ("epochs", "steps")
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@given(samples=st.integers(1, 500), batch=st.integers(1, 600), steps=st.integers(1, 3000), share=st.floats(0.01, 0.99))
@settings(max_examples=100, deadline=None)
def test_lengths_agree(samples: int, batch: int, steps: int, share: float) -> None:
    training = Training.model_validate(
        {**FIT, "batch_size": batch, "epochs": None, "steps": steps, "validation": share}
    )
    size, per_epoch = training.batches(samples)
    left = samples - training.held_out(samples)
    assert training.held_out(samples) >= 1
    if left > 0:
        assert size * (per_epoch - 1) < left <= size * per_epoch
    epochs = training.epoch_count(per_epoch)
    assert per_epoch * (epochs - 1) < training.length(per_epoch) == steps <= per_epoch * epochs


def test_records_of_a_limit_in_steps_are_as_foreseen(tmp_path: Path, digits: Path) -> None:
    record = {"steps": True, "weights_every": {"steps": 3}}
    training = {"epochs": None, "steps": 11, "validation": 0.3, "batch_size": 20}
    spec = classify(training, record=record)
    run(spec, tmp_path, digits)
    with safe_open(tmp_path / "snapshots.safetensors", framework="pt") as file:
        # four steps of the 70 samples that are left make an epoch
        assert json.loads(file.metadata()["epochs"]) == [0, 0.75, 1.5, 2.25]
    kept = sum(value.numel() * 4 for value in load_file(tmp_path / "snapshots.safetensors").values())
    assert memory.snapshot_bytes(spec, SAMPLES) == kept
    steps = pd.read_parquet(tmp_path / "steps.parquet")
    assert (steps.groupby("replicate").step.max() == 11).all()
    wide = {"network": {"mlp": [64, 2000, 2000, 10]}, "data": DIGITS}
    rows = [
        memory.memory(job(**wide, training={**CLASSES, "epochs": None, "steps": n}, record={"steps": True}), SAMPLES)
        for n in (1000, 1_001_000)
    ]
    assert rows[1] - rows[0] > 10**6 * REPLICATES * 220 / 2**20


def test_more_memory_for_the_best_weights() -> None:
    stopped = {"validation": 0.1, "until": {"validation_patience": 3}}
    wide = {"network": {"mlp": [64, 2000, 2000, 10]}, "data": DIGITS}
    one, two = (memory.memory(job(**wide, training={**CLASSES, **more}), SAMPLES) for more in ({}, stopped))
    weights = REPLICATES * 4 * job(**wide, training=CLASSES).network.parameters() / 2**20
    assert two - one == pytest.approx(2 * weights, abs=10)


def test_the_test_loss_of_a_wrong_divisor(tmp_path: Path) -> None:
    """Beamreaching1 divides the sum over 2,500 test batches by the number of training batches, 1,875."""
    usual, metrics = run(job(), tmp_path / "usual")
    weights, wrong = run(job(record={"test_loss_factor": 2500 / 1875}), tmp_path / "wrong")
    assert all(torch.equal(weights[name], usual[name]) for name in usual)
    assert wrong.train_loss.equals(metrics.train_loss)
    np.testing.assert_allclose(wrong.test_loss, metrics.test_loss * 4 / 3, rtol=1e-12)


@pytest.mark.parametrize("shuffle", [True, False])
def test_what_is_held_out_is_not_trained_on(tmp_path: Path, digits: Path, shuffle: bool) -> None:
    spec = classify({"validation": 0.2, "shuffle": shuffle})
    data = known(spec, digits)
    training, validation = hold_out(spec, data)
    assert validation is not None
    assert (len(training.train_x), len(validation.test_x)) == (80, 20)
    together = torch.cat([training.train_x, validation.test_x])
    assert torch.equal(together.sort(0).values, data.train_x.sort(0).values)
    # both parts keep the order of the data, and each sample its label
    for part, labels in ((training.train_x, training.train_y), (validation.test_x, validation.test_y)):
        places = [int((data.train_x == row).all(1).nonzero()[0]) for row in part]
        assert places == sorted(places)
        assert torch.equal(labels, data.train_y[:, places])
    # models of an experiment share the part, experiments do not
    others = [spec.model_copy(update=change) for change in ({"model": "n"}, {"experiment": "f"})]
    same, different = (hold_out(other, data)[0].train_x for other in others)
    assert torch.equal(same, training.train_x)
    assert not torch.equal(different, training.train_x)
    for alone, own in each_alone(spec, digits, tmp_path, shuffle=shuffle, steps=6):
        out = alone.net(validation.test_x)
        labels = validation.test_y[alone.replicate]
        assert own.validation_loss.iloc[-1] == pytest.approx(F.cross_entropy(out, labels).item(), rel=1e-4)
        assert own.validation_accuracy.iloc[-1] == pytest.approx((out.argmax(1) == labels).float().mean().item())
    analysed = Run.open(tmp_path, digits, device=torch.device("cpu"))
    assert torch.equal(analysed.data.train_x, training.train_x)
    assert analysed.batch_size == 40


def test_columns_of_validation_are_where_a_part_is_held_out(tmp_path: Path) -> None:
    _, metrics = run(job(training={**FIT, "validation": 0.25}), tmp_path)
    assert list(metrics) == ["replicate", "epoch", "train_loss", "test_loss", "validation_loss", "lr", "seconds"]
    assert {*VALIDATION_METRICS} <= LABELS.keys()


def test_nothing_left_to_train_on(tmp_path: Path) -> None:
    spec = job(data={**COS, "samples": 5}, training={**FIT, "validation": 0.95})
    with pytest.raises(HwcoreError, match=r"m: training.validation: 0.95 of 5 samples leaves none to train on"):
        run(spec, tmp_path)


@pytest.mark.parametrize("epochs", [8, 60])
def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss(
    tmp_path: Path, digits: Path, epochs: int
) -> None:
    """A large step, so that the loss rises and falls; of 8 epochs one replicate reaches the last."""
    training = {"validation": 0.3, "epochs": epochs, "lr": 0.3, "batch_size": 16, "optimizer": "sgd"}
    _, whole = run(classify(training, NORMED, record={"weights_every": 1}, replicates=5), tmp_path / "whole", digits)
    snapshots = load_file(tmp_path / "whole/snapshots.safetensors")
    training["until"] = {"validation_patience": 4, "first_epoch": 6}
    weights, metrics = run(classify(training, NORMED, replicates=5), tmp_path / "stopped", digits)
    facts = json.loads((tmp_path / "stopped/run.json").read_text())
    ends, bests = [], []
    for r in range(5):
        losses = whole[whole.replicate == r].validation_loss.tolist()
        best = [1 + int(np.argmin(losses[: e + 1])) for e in range(epochs)]
        ends.append(next((e for e in range(6, epochs + 1) if e - best[e - 1] >= 4), epochs))
        bests.append(best[ends[-1] - 1])
        for name in ("0.weight", "3.bias"):
            torch.testing.assert_close(weights[name][r], snapshots[name][bests[-1], r], rtol=1e-4, atol=1e-5)
    assert [event["epoch"] for event in facts["stopped"]] == ends
    assert metrics.groupby("replicate").epoch.max().tolist() == ends
    assert [event["epoch"] for event in facts["best"]] == bests
    assert len(set(ends)) > 1
    # the running statistics of batch normalisation are those of the same epoch
    spec = classify(training, NORMED, replicates=5)
    validation = hold_out(spec, known(spec, digits))[1]
    assert validation is not None
    for r in range(5):
        own = {name: value[r] for name, value in weights.items()}
        hidden = F.linear(validation.test_x, own["0.weight"], own["0.bias"])
        statistics = (own["1.running_mean"], own["1.running_var"])
        hidden = F.batch_norm(hidden, *statistics, own["1.weight"], own["1.bias"]).relu()
        loss = F.cross_entropy(F.linear(hidden, own["3.weight"], own["3.bias"]), validation.test_y[r])
        losses = metrics[metrics.replicate == r].validation_loss
        assert loss.item() == pytest.approx(losses.min(), rel=1e-4)


def test_early_stopping_of_replicates_that_diverge(tmp_path: Path) -> None:
    """A loss that is no number is no better than the first; they stop for want of a better one."""
    training = {**FIT, "optimizer": "sgd", "lr": 1e20, "epochs": 9, "validation": 0.2}
    run(job(training={**training, "until": {"validation_patience": 2}}), tmp_path)
    facts = json.loads((tmp_path / "run.json").read_text())
    assert {event["epoch"] for event in facts["best"]} == {1}
    assert {event["epoch"] for event in facts["stopped"]} == {3}


def test_the_best_epoch_of_losses_that_are_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``BestWeights`` has it: an infinite loss is no lower than one that is no number."""
    losses = np.array([[np.nan, np.inf, np.inf], [np.inf, 2.0, 1.0]])
    table = {"replicate": np.repeat([0, 1], 3), "validation_loss": losses.flatten()}
    monkeypatch.setattr("hwcore.train.train.metrics_table", lambda recorders: table)
    assert [event["epoch"] for event in _best([])] == [1, 3]


WORDS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"optimizer": "adamw", "weight_decay": 0.1}, {"optimizer": "AdamW", "weight decay": "0.1"}),
    ({"betas": [0.9, 0.95], "eps": 1e-6}, {"optimizer": "Adam, betas 0.9 and 0.95, epsilon 10⁻⁶"}),
    ({"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, {"optimizer": "SGD, Nesterov momentum 0.9"}),
    ({"lr": 1e-5, "weight_decay": 5e-5}, {"learning rate": "10⁻⁵", "weight decay": "5·10⁻⁵"}),
    ({"scheduler": {"kind": "one_cycle"}}, {"schedule": "one cycle, rising over 30% of the steps"}),
    (
        {"scheduler": {"kind": "step", "step_size": 10}, "warmup": 100},
        {"schedule": "times 0.1 every 10 epochs, after a warm-up of 100 steps"},
    ),
    ({"scheduler": {"kind": "exponential", "gamma": 0.95}}, {"schedule": "times 0.95 every epoch"}),
    ({"scheduler": {"kind": "cosine"}}, {"schedule": "half a cosine to zero"}),
    ({"warmup": 1}, {"schedule": "a warm-up of 1 step"}),
    ({"clip_grad_norm": 0.5}, {"gradient clipping": "norm at most 0.5"}),
    ({"maximize": True}, {"loss": "mean squared error, maximised"}),
    (
        {"loss": "cross_entropy", "pseudo_label_weight": 1},
        {"loss": "cross-entropy", "pseudo-labels": "loss at predicted labels added, weight 1"},
    ),
    ({"loss": "cross_entropy", "label_smoothing": 0.1}, {"loss": "cross-entropy", "label smoothing": "0.1"}),
    ({"epochs": None, "steps": 6000}, {"steps": "6,000"}),
    ({"shuffle": False}, {"order of samples": "as in the data, in every epoch"}),
    ({"modes": {"evaluation_from": 2}}, {"modes": "trained in evaluation mode from epoch 2 on"}),
    ({"modes": {"dropout_in_evaluation": True}}, {"modes": "dropout active in evaluation"}),
    (
        {"validation": 0.1, "until": {"validation_patience": 5, "first_epoch": 3}},
        {
            "validation": "0.1 of the training set held out",
            "stops": "once epochs without a lower validation loss ≥ 5, from epoch 3 on; "
            "the weights of the lowest validation loss are kept",
        },
    ),
]


@pytest.mark.parametrize(("training", "words"), WORDS)
def test_a_page_says_each_setting(training: dict[str, Any], words: dict[str, str]) -> None:
    said = _describe_training(Training.model_validate({**FIT, **training}))
    usual = _describe_training(Training.model_validate(FIT))
    assert {key: text for key, text in said.items() if usual.get(key) != text and key in words} | words == {
        key: said[key] for key in words
    }
    assert said.keys() - usual.keys() <= words.keys()


def test_a_page_says_that_a_loss_is_multiplied() -> None:
    assert _describe_record(Record(test_loss_factor=4 / 3)) == {"test loss": "multiplied by 1.333"}
    assert _describe_record(Record()) == {}


def test_every_setting_is_said_by_a_page() -> None:
    """One that is missing in `WORDS` has no test, and perhaps no words."""
    before = {"lr", "momentum", "weight_decay", "batch_size", "optimizer", "loss", "epochs", "until", "scheduler"}
    assert set(Training.model_fields) - before <= {key for training, _ in WORDS for key in training}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"steps": 100}, "t: steps: 100 stands beside epochs: 4; give one of them and set the other to null"),
    ({"epochs": None}, "t: epochs: is missing; give the length of the training in epochs or in steps"),
    (
        {"epochs": None, "scheduler": {"kind": "one_cycle"}},
        "t: epochs: is missing; give the length of the training in epochs or in steps",
    ),
    ({"epochs": None, "steps": 0}, "t.steps: 0 should be greater than 0"),
    ({"scheduler": {"kind": "one_cycle", "pct_start": 1.0}}, "t.scheduler.pct_start: 1.0 should be less than 1"),
    ({"scheduler": {"kind": "one_cycle", "div_factor": 0}}, "t.scheduler.div_factor: 0 should be greater than 0"),
    ({"scheduler": {"kind": "one_cycle"}, "warmup": 9}, "t: warmup: one_cycle has its own rise; use its pct_start"),
    ({"scheduler": "cosine"}, "t.scheduler: 'cosine' is not a schedule: write {kind: cosine}"),
    ({"warmup": 0}, "t.warmup: 0 should be greater than 0"),
    ({"optimizer": "sgd", "nesterov": True}, "t: nesterov: needs a momentum above 0, e.g. momentum: 0.9"),
    ({"nesterov": True, "momentum": 0.9}, "t: momentum: adam has no such setting; sgd and rmsprop have"),
    (
        {"optimizer": "rmsprop", "nesterov": True, "momentum": 0.9},
        "t: nesterov: rmsprop has no such setting; sgd has",
    ),
    (
        {"optimizer": "sgd", "betas": [0.9, 0.9]},
        "t: betas: sgd has no such setting; adam and adamw have",
    ),
    ({"betas": [0.9, 1.0]}, "t.betas.1: 1.0 should be less than 1"),
    ({"clip_grad_norm": 0}, "t.clip_grad_norm: 0 should be greater than 0"),
    ({"validation": 1.0}, "t.validation: 1.0 should be less than 1"),
    ({"validation": 0}, "t.validation: 0 should be greater than 0"),
    ({"pseudo_label_weight": 1}, "t: pseudo_label_weight: a regression predicts no labels"),
    ({"label_smoothing": 0.1}, "t: label_smoothing: is for the loss cross_entropy, but the loss is mse"),
    (
        {"loss": "nll", "label_smoothing": 0.1},
        "t: label_smoothing: is for the loss cross_entropy, but the loss is nll",
    ),
    ({"modes": {}}, "t.modes: names no mode; give evaluation_from or dropout_in_evaluation: true"),
    ({"modes": {"evaluation_from": 0}}, "t.modes.evaluation_from: 0 should be greater than 0"),
    (
        {"modes": {"evaluation_form": 2}},
        "t.modes.evaluation_form: unknown key; did you mean `evaluation_from`? "
        "(known: dropout_in_evaluation, evaluation_from)",
    ),
    (
        {"until": {"validation_patience": 3}},
        "t: until.validation_patience: needs a part that is held out, e.g. validation: 0.1",
    ),
    (
        {"until": {}},
        "t.until: names no condition; give loss, loss_change, grad_norm, accuracy or validation_patience",
    ),
    ({"until": {"loss": 0.1, "over": 5}}, "t.until: over: goes with `loss_change`, which is not given"),
]


@pytest.mark.parametrize(("training", "message"), MISTAKES)
def test_mistakes_are_told_in_a_line(training: dict[str, Any], message: str) -> None:
    with pytest.raises(HwcoreError) as error:
        validate(Training, {**FIT, **training}, "study.yaml", "t")
    assert str(error.value).startswith(f"study.yaml: {message}")
    assert "\n" not in str(error.value)


def test_every_optimizer_has_a_name_and_settings_that_exist() -> None:
    for about in OPTIMIZERS.values():
        assert about.title
        assert set(about.settings) <= set(Training.model_fields)


@pytest.mark.parametrize(
    ("limit", "caps", "expected"),
    [
        ("epochs: 50", "{epochs: 3}", (3, None)),
        # a function's samples are known, and with them the steps of an epoch: here one
        ("epochs: 50", "{steps: 3}", (3, None)),
        ("steps: 50", "{epochs: 3}", (None, 50)),
        ("steps: 50", "{epochs: 3, steps: 20}", (None, 20)),
        ("steps: 10", "{steps: 20}", (None, 10)),
    ],
)
def test_a_scale_bounds_epochs_and_steps(
    tmp_path: Path, limit: str, caps: str, expected: tuple[int | None, int | None]
) -> None:
    data = f"data: {json.dumps(COS)}"
    training = f"training: {{optimizer: adam, lr: 0.1, loss: mse, {limit}, batch_size: full}}"
    text = f"""
title: T
source: {{author: A, title: T, date: D}}
replicates: 1
experiments: {{a: {{section: '1', title: T, {data}, {training}, models: {{m: {{label: M, mlp: [1, 1]}}}}}}}}
"""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/study.yaml").write_text(text)
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["scales"]["quick"]["caps"] = {"functions": yaml.safe_load(caps)}
    training = studies.load("s", tmp_path, parse(values, ["config.yaml"])).experiments["a"].models["m"].training
    assert (training.epochs, training.steps) == expected


def test_settings_go_through_the_pipeline_to_the_page(project: Project) -> None:
    more = "steps: 7, batch_size: 20, validation: 0.2, until: {validation_patience: 9}, clip_grad_norm: 1.0"
    project.edit("report/tiny/study.yaml", "epochs: 2, batch_size: 20", more)
    project.run("results/quick/report/tiny.md")
    page = (project.folder / "results/quick/report/tiny.md").read_text()
    rows = dict(re.findall(r"^\| ([\w ]+?) +\| (.+?) +\|$", page, re.MULTILINE))
    assert rows["steps"] == "7"
    assert rows["gradient clipping"] == "norm at most 1"
    assert rows["validation"] == "0.2 of the training set held out"
    metrics = pd.read_parquet(project.folder / "results/quick/runs/tiny/classify/small/metrics.parquet")
    # four steps of the 80 samples that are left, and three
    assert metrics.epoch.tolist() == [1, 2] * 2
    assert metrics.validation_accuracy.between(0, 1).all()
