"""Training all replicates of one model at once.

The data lie on the device, the replicates are one tensor program, and nothing is read back from
the device during an epoch: losses, gradient norms and accuracies accumulate there.
"""

import json
import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Generator, Tensor
from tqdm import tqdm

from hwcore.data.load import Data, load
from hwcore.errors import HwcoreError
from hwcore.files import atomic, write_json, write_table
from hwcore.nets.network import Parameters, forward, initialize
from hwcore.provenance import commit, versions
from hwcore.seeds import seed
from hwcore.train.device import computing_on
from hwcore.train.evaluate import evaluate
from hwcore.train.job import TrainingJob
from hwcore.train.loss import correct, losses
from hwcore.train.optimizers import make_optimizer, make_scheduler

log = logging.getLogger(__name__)

# The streams of random numbers of a replicate, each with its own seed.
PURPOSES = ("init", "order", "dropout", "train labels", "test labels")


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

    def epoch(self, lr: float, seconds: float, **metrics: Tensor) -> None:
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
        parameters, buffers = initialize(job.network, _seeds(job, "init"))
        parameters = {name: value.to(where).requires_grad_() for name, value in parameters.items()}
        buffers = {name: value.to(where) for name, value in buffers.items()}
        started = time.perf_counter()
        recorder = _fit(job, data, parameters, buffers)
        seconds = time.perf_counter() - started
        _write(job, output, recorder, parameters | buffers, where, seconds)


def _fit(job: TrainingJob, data: Data, parameters: Parameters, buffers: Parameters) -> Recorder:
    training, network, replicates = job.training, job.network, job.replicates
    where = data.train_x.device
    optimizer = make_optimizer(training, parameters.values())
    scheduler = make_scheduler(training, optimizer)
    orders = [Generator().manual_seed(s) for s in _seeds(job, "order")]
    masks = [Generator(device=where).manual_seed(s) for s in _seeds(job, "dropout")]
    samples = len(data.train_x)
    size = samples if training.batch_size == "full" else min(training.batch_size, samples)
    classes = training.loss != "mse"
    autocast = torch.autocast(where.type, torch.bfloat16, enabled=job.precision == "bfloat16")
    recorder, progress = Recorder(), _Progress(job, math.ceil(samples / size))
    if job.record.weights_every:
        recorder.snapshot(0, parameters)

    for epoch in range(1, training.epochs + 1):
        total = torch.zeros(replicates, dtype=torch.float64, device=where)
        right = torch.zeros(replicates, dtype=torch.int64, device=where)
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
        test_loss, test_accuracy = evaluate(
            network, parameters, buffers, training.loss, data.test_x, data.test_y
        )
        if classes:
            metrics |= {"train_accuracy": right.double() / samples, "test_loss": test_loss}
            metrics |= {"test_accuracy": test_accuracy}
        else:
            metrics |= {"test_loss": test_loss}
        lr = optimizer.param_groups[0]["lr"]
        if scheduler:
            scheduler.step()
        recorder.epoch(float(lr), progress.seconds(), **metrics)
        if job.record.weights_every and epoch % job.record.weights_every == 0:
            recorder.snapshot(epoch, parameters)
        progress.epoch(epoch, metrics["train_loss"])
    progress.close()
    return recorder


def _batches(data: Data, size: int, orders: Sequence[Generator]) -> Any:
    """Mini-batches of an epoch, (R, B, *input) and targets; each replicate in its own order.

    The full batch needs no order: it is (N, *input) for all replicates.
    """
    x, y = data.train_x, data.train_y
    own = data.own_train_labels
    if size == len(x):
        yield x, y
        return
    order = torch.stack([torch.randperm(len(x), generator=generator) for generator in orders]).to(x.device)
    rows = torch.arange(len(orders), device=x.device).unsqueeze(1)
    for start in range(0, len(x), size):
        chosen = order[:, start : start + size]
        yield x[chosen], y[rows, chosen] if own else y[chosen]


def _gradient_norm(parameters: Parameters) -> Tensor:
    """The Euclidean norm of each replicate's gradient over all parameters: (R,)."""
    squares = [value.grad.flatten(1).square().sum(1) for value in parameters.values() if value.grad is not None]
    return torch.stack(squares).sum(0).sqrt()


def _seeds(job: TrainingJob, purpose: str) -> list[int]:
    return [seed(job.study, job.experiment, job.model, r, purpose) for r in range(job.replicates)]


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

    def __init__(self, job: TrainingJob, steps: int) -> None:
        self.epochs = job.training.epochs
        self.started = self.said = time.perf_counter()
        self.bar = tqdm(total=self.epochs, unit="epoch", disable=not sys.stderr.isatty())
        log.info(
            "%s/%s/%s: %d replicates of %d parameters, %d epochs of %d steps",
            *(job.study, job.experiment, job.model, job.replicates, job.network.parameters(), self.epochs, steps),
        )

    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def epoch(self, epoch: int, loss: Tensor) -> None:
        self.bar.update()
        now = time.perf_counter()
        # reading the loss waits for the device, so it is not done every epoch
        if self.bar.disable and (now - self.said > 1 or epoch == self.epochs):
            self.said = now
            left = (now - self.started) / epoch * (self.epochs - epoch)
            log.info("epoch %d of %d, loss %.4g, %.0f s left", epoch, self.epochs, loss.mean().item(), left)

    def close(self) -> None:
        self.bar.close()


def _write(
    job: TrainingJob, output: Path, recorder: Recorder, weights: Parameters, where: torch.device, seconds: float
) -> None:
    table = _metrics_table(recorder, job.replicates)
    if job.record.steps:
        write_table(output / "steps.parquet", _steps_table(recorder))
    if job.record.weights_every:
        stacked = {name: torch.stack(values) for name, values in recorder.snapshots.items()}
        with atomic(output / "snapshots.safetensors") as path:
            save_file(stacked, path, {"epochs": json.dumps(recorder.snapshot_epochs)})
    with atomic(output / "checkpoint.safetensors") as path:
        save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, path)
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
    lost = table[~table.train_loss.map(math.isfinite)].groupby("replicate").epoch.min()
    return [{"replicate": int(replicate), "epoch": int(epoch)} for replicate, epoch in lost.items()]
