"""Training all replicates of one model at once.

The data lie on the device, the replicates are one tensor program, and nothing is read back from
the device during an epoch: losses, gradient norms and accuracies accumulate there.
"""

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Generator, Tensor
from tqdm import tqdm

from hwcore.data.load import Data, load
from hwcore.errors import HwcoreError
from hwcore.files import write_json, write_table
from hwcore.nets.network import Parameters, forward, initialize
from hwcore.provenance import commit, versions
from hwcore.seeds import seed
from hwcore.tensors import write_tensors
from hwcore.train.device import computing_on
from hwcore.train.evaluate import evaluate
from hwcore.train.job import TrainingJob
from hwcore.train.loss import correct, losses
from hwcore.train.optimizers import make_optimizer, make_scheduler

log = logging.getLogger(__name__)

# The streams of random numbers of a replicate, each with its own seed.
PURPOSES = ("init", "order", "dropout", "train labels", "test labels")

# Numbers in the widest activations of an ensemble on a CPU: 1 MB in float32, the cache of a core.
_CACHE = 2**18


@dataclass
class Recorder:
    """What a run leaves behind, on the device until the end."""

    metrics: dict[str, list[Tensor]] = field(default_factory=dict)  # per epoch, each (R,)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    step_loss: list[Tensor] = field(default_factory=list)
    step_norm: list[Tensor] = field(default_factory=list)
    snapshot_epochs: list[int] = field(default_factory=list)
    snapshots: dict[str, list[Tensor]] = field(default_factory=dict)
    weights: Parameters = field(default_factory=dict)  # in the end, buffers included

    def epoch(self, lr: float, seconds: float, metrics: dict[str, Tensor]) -> None:
        self.lr.append(lr)
        self.seconds.append(seconds)
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)

    def snapshot(self, epoch: int, parameters: Parameters) -> None:
        self.snapshot_epochs.append(epoch)
        for name, value in parameters.items():
            self.snapshots.setdefault(name, []).append(value.detach().cpu().clone())


def train(job: TrainingJob, prepared: Path | None, output: Path, *, device: str) -> None:
    """Train the ``job.replicates`` replicates of a model and write the run into the folder ``output``.

    Replicate r has its own initial weights, order of samples, dropout masks and random labels, each
    from a seed of (study, experiment, model, r), so it does not depend on how many others run.
    ``prepared`` is the data set's file, None for a function.

    Writes checkpoint.safetensors (parameters and buffers, each with a leading dimension R),
    metrics.parquet (training metrics are means over the epoch's mini-batches while training; test
    metrics are those after the epoch), run.json, and where ``job.record`` asks snapshots.safetensors
    (each parameter of shape (S, R, ...), the epochs in the metadata) and steps.parquet.

    Raises HwcoreError if the network does not fit the data.
    """
    with computing_on(device) as where:
        data = load(
            job.data,
            prepared,
            study=job.study,
            experiment=job.experiment,
            model=job.model,
            replicates=job.replicates,
        ).to(where)
        data = _fitting(job, data)
        progress = _Progress(job)
        parts = [_fit(job, data, chosen, where, progress) for chosen in _ensembles(job, data, where)]
        progress.close()
        _write(job, output, _join(parts), where, progress.seconds())


def _ensembles(job: TrainingJob, data: Data, where: torch.device) -> list[range]:
    """The replicates that are trained together.

    On a GPU all of them.  On a CPU an ensemble saves the overhead of small operations until the
    activations of a layer outgrow the cache; past that, one after the other is up to twice as fast
    (10 networks 1-250-1 on 1,000 samples: 14.7 ms a step together, 6.6 ms one by one).
    """
    if where.type == "cuda":
        return [range(job.replicates)]
    widest = max(math.prod(shape) for shape in job.network.shapes())
    together = max(1, _CACHE // (_batch_size(job, data) * widest))
    return [range(start, min(start + together, job.replicates)) for start in range(0, job.replicates, together)]


def _batch_size(job: TrainingJob, data: Data) -> int:
    samples, said = len(data.train_x), job.training.batch_size
    return samples if said == "full" else min(said, samples)


def _fit(job: TrainingJob, data: Data, chosen: range, where: torch.device, progress: "_Progress") -> Recorder:
    """Train the replicates ``chosen``."""
    training, network = job.training, job.network
    data = data.of_replicates(chosen)
    initial, buffers = initialize(network, _seeds(job, "init", chosen))
    parameters = {name: value.to(where).requires_grad_() for name, value in initial.items()}
    buffers = {name: value.to(where) for name, value in buffers.items()}
    optimizer = make_optimizer(training, parameters.values())
    scheduler = make_scheduler(training, optimizer)
    orders = [Generator().manual_seed(s) for s in _seeds(job, "order", chosen)]
    masks = [Generator(device=where).manual_seed(s) for s in _seeds(job, "dropout", chosen)]
    samples, size = len(data.train_x), _batch_size(job, data)
    classes = training.loss != "mse"
    autocast = torch.autocast(where.type, torch.bfloat16, enabled=job.precision == "bfloat16")
    recorder = Recorder()
    if job.record.weights_every:
        recorder.snapshot(0, parameters)

    for epoch in range(1, training.epochs + 1):
        total = torch.zeros(len(chosen), dtype=torch.float64, device=where)
        right = torch.zeros(len(chosen), dtype=torch.int64, device=where)
        for x, y in _batches(data, size, orders):
            with autocast:
                outputs = forward(network, parameters, buffers, x, training=True, dropout=masks)
                loss = losses(training.loss, outputs.float(), y)
            loss.sum().backward()
            if job.record.steps:
                recorder.step_loss.append(loss.detach())
                recorder.step_norm.append(_gradient_norm(parameters))
            optimizer.step()
            optimizer.zero_grad()
            total += loss.detach() * x.shape[-len(network.input) - 1]
            if classes:
                right += correct(outputs.detach(), y)
        metrics = {"train_loss": total / samples}
        test_loss, test_accuracy = evaluate(network, parameters, buffers, training.loss, data.test_x, data.test_y)
        metrics["test_loss"] = test_loss
        if classes:
            metrics |= {"train_accuracy": right.double() / samples, "test_accuracy": test_accuracy}
        recorder.epoch(float(optimizer.param_groups[0]["lr"]), progress.seconds(), metrics)
        if scheduler:
            scheduler.step()
        if job.record.weights_every and epoch % job.record.weights_every == 0:
            recorder.snapshot(epoch, parameters)
        progress.epoch(chosen, epoch, metrics["train_loss"])
    recorder.weights = {name: value.detach().cpu() for name, value in {**parameters, **buffers}.items()}
    return recorder


def _batches(data: Data, size: int, orders: Sequence[Generator]) -> Iterator[tuple[Tensor, Tensor]]:
    """Mini-batches of an epoch, (R, B, *input) and targets; each replicate in its own order.

    The full batch needs no order: it is (N, *input) for all replicates.
    """
    x, y = data.train_x, data.train_y
    if size == len(x):
        yield x, y
        return
    own = data.own_train_labels
    order = torch.stack([torch.randperm(len(x), generator=generator) for generator in orders]).to(x.device)
    rows = torch.arange(len(orders), device=x.device).unsqueeze(1)
    for start in range(0, len(x), size):
        chosen = order[:, start : start + size]
        yield x[chosen], y[rows, chosen] if own else y[chosen]


def _gradient_norm(parameters: Parameters) -> Tensor:
    """The Euclidean norm of each replicate's gradient over all parameters: (R,)."""
    squares = [value.grad.flatten(1).square().sum(1) for value in parameters.values() if value.grad is not None]
    return torch.stack(squares).sum(0).sqrt()


def _seeds(job: TrainingJob, purpose: str, chosen: range | None = None) -> list[int]:
    replicates = range(job.replicates) if chosen is None else chosen
    return [seed(job.study, job.experiment, job.model, r, purpose) for r in replicates]


def _fitting(job: TrainingJob, data: Data) -> Data:
    """The data in the shape that the network takes.  Raises HwcoreError if they do not fit each other."""
    where = f"{job.study}: experiments.{job.experiment}.models.{job.model}"
    out = job.network.output
    if data.classes and out != (data.classes,):
        shown = "×".join(map(str, out))
        raise HwcoreError(f"{where}: the network ends in {shown} outputs, but there are {data.classes} classes")
    try:
        return data.shaped(job.network.input)
    except HwcoreError as error:
        raise HwcoreError(f"{where}: {error}") from None


class _Progress:
    """A progress bar on a terminal, and a line in the log about once a second at most."""

    def __init__(self, job: TrainingJob) -> None:
        self.epochs, self.replicates = job.training.epochs, job.replicates
        self.started = self.said = time.perf_counter()
        total = self.epochs * job.replicates
        self.bar = tqdm(total=total, unit="epoch", disable=not sys.stderr.isatty())
        log.info(
            "%s/%s/%s: %d replicates of %d parameters, %d epochs",
            *(job.study, job.experiment, job.model, job.replicates, job.network.parameters(), self.epochs),
        )

    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def epoch(self, chosen: range, epoch: int, loss: Tensor) -> None:
        self.bar.update(len(chosen))
        now = time.perf_counter()
        last = epoch == self.epochs and chosen.stop == self.replicates
        # reading the loss waits for the device, so it is not done every epoch
        if self.bar.disable and (now - self.said > 1 or last):
            self.said = now
            done = chosen.start * self.epochs + len(chosen) * epoch
            left = (now - self.started) / done * (self.replicates * self.epochs - done)
            which = f"replicates {chosen.start} to {chosen.stop - 1}"
            log.info("%s, epoch %d of %d, loss %.4g, %.0f s left", which, epoch, self.epochs, loss.mean().item(), left)

    def close(self) -> None:
        self.bar.close()


def _join(parts: list[Recorder]) -> Recorder:
    """What several ensembles left, as if all replicates had been one."""
    first = parts[0]
    if len(parts) == 1:
        return first

    def joined(values: Callable[[Recorder], list[Tensor]]) -> list[Tensor]:
        return [torch.cat(same) for same in zip(*map(values, parts), strict=True)]

    return Recorder(
        metrics={name: joined(lambda part, name=name: part.metrics[name]) for name in first.metrics},  # type: ignore[misc]
        lr=first.lr,
        seconds=parts[-1].seconds,
        step_loss=joined(lambda part: part.step_loss),
        step_norm=joined(lambda part: part.step_norm),
        snapshot_epochs=first.snapshot_epochs,
        snapshots={name: joined(lambda part, name=name: part.snapshots[name]) for name in first.snapshots},  # type: ignore[misc]
        weights={name: torch.cat([part.weights[name] for part in parts]) for name in first.weights},
    )


def _write(job: TrainingJob, output: Path, recorder: Recorder, where: torch.device, seconds: float) -> None:
    table = _metrics_table(recorder, job.replicates)
    if job.record.steps:
        write_table(output / "steps.parquet", _steps_table(recorder))
    if job.record.weights_every:
        stacked = {name: torch.stack(values) for name, values in recorder.snapshots.items()}
        epochs = {"epochs": json.dumps(recorder.snapshot_epochs)}
        write_tensors(output / "snapshots.safetensors", stacked, epochs)
    write_tensors(output / "checkpoint.safetensors", recorder.weights)
    write_table(output / "metrics.parquet", table)
    write_json(
        output / "run.json",
        {
            "job": job.model_dump(mode="json"),
            "seeds": {purpose: _seeds(job, purpose) for purpose in PURPOSES},
            "parameters": job.network.parameters(),
            "device": torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "precision": "float32" if job.precision == "auto" else job.precision,
            "seconds": round(seconds, 3),
            "diverged": _diverged(table),
            "versions": versions(["torch", "torchvision", "numpy"]),
            **commit(),
        },
    )


def _metrics_table(recorder: Recorder, replicates: int) -> pd.DataFrame:
    """One row per replicate and epoch, replicate by replicate."""
    epochs = len(recorder.lr)
    columns: dict[str, Any] = {
        "replicate": torch.arange(replicates).repeat_interleave(epochs).numpy(),
        "epoch": torch.arange(1, epochs + 1).repeat(replicates).numpy(),
    }
    for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        if name in recorder.metrics:
            columns[name] = torch.stack(recorder.metrics[name]).T.flatten().cpu().double().numpy()
    columns["lr"] = torch.tensor(recorder.lr, dtype=torch.float64).repeat(replicates).numpy()
    columns["seconds"] = torch.tensor(recorder.seconds, dtype=torch.float64).repeat(replicates).numpy()
    return pd.DataFrame(columns)


def _steps_table(recorder: Recorder) -> pd.DataFrame:
    loss = torch.stack(recorder.step_loss).cpu().double()
    norm = torch.stack(recorder.step_norm).cpu().double()
    steps, replicates = loss.shape
    return pd.DataFrame(
        {
            "replicate": torch.arange(replicates).repeat_interleave(steps).numpy(),
            "step": torch.arange(1, steps + 1).repeat(replicates).numpy(),
            "loss": loss.T.flatten().numpy(),
            "grad_norm": norm.T.flatten().numpy(),
        }
    )


def _diverged(table: pd.DataFrame) -> list[dict[str, int]]:
    """The replicates whose training loss is not finite, each with the first such epoch."""
    lost = table[~table.train_loss.map(math.isfinite)].groupby("replicate", as_index=False).epoch.min()
    return [{"replicate": int(row.replicate), "epoch": int(row.epoch)} for row in lost.itertuples()]
