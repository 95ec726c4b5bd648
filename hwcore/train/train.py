"""Training all replicates of one model.

The data lie on the device; replicates that gain by it are one tensor program, and such ensembles
train side by side on the cores of the job.
"""

import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from hwcore.data.load import Data, load
from hwcore.errors import HwcoreError
from hwcore.files import write_json, write_table
from hwcore.nets.spec import BatchNorm
from hwcore.provenance import commit, versions
from hwcore.tensors import write_tensors
from hwcore.train import precision
from hwcore.train.device import computing_on
from hwcore.train.ensemble import Ensemble, Inputs, seeds
from hwcore.train.parallel import side_by_side
from hwcore.train.recorder import Recorder, joined_snapshots, joined_weights, metrics_table, steps_table
from hwcore.train.resume import Resume
from hwcore.train.spec import RunSpec
from hwcore.train.split import ensembles

log = logging.getLogger(__name__)

# The streams of random numbers of a replicate, each with its own seed.
PURPOSES = ("init", "order", "dropout", "train labels", "test labels")


def train(
    spec: RunSpec,
    prepared: Path | None,
    output: Path,
    *,
    device: str,
    threads: int = 1,
    key: str = "",
    interval: float = 30.0,
) -> None:
    """Train the ``spec.replicates`` replicates of a model and write the run into the folder ``output``.

    Replicate r has its own initial weights, order of samples, dropout masks and random labels, each
    from a seed of (study, experiment, model, r), so it does not depend on how many others run.
    ``prepared`` is the data set's file, None for a function.  On a CPU up to ``threads`` ensembles
    train at the same time; the number changes no bit.

    Every ``interval`` seconds the state is saved in ``output``/unfinished; a job of the same ``key``
    (its fingerprint) that was killed goes on from there and ends with the same bits.

    Writes checkpoint.safetensors (parameters and buffers, each with a leading dimension R),
    metrics.parquet (training metrics are means over the epoch's mini-batches while training; test
    metrics are those after the epoch), run.json, and where ``spec.record`` asks snapshots.safetensors
    (each parameter of shape (S, R, ...), their epochs in the metadata) and steps.parquet.

    Raises HwcoreError if the network does not fit the data.
    """
    with computing_on(device) as where:
        names = {"study": spec.study, "experiment": spec.experiment, "model": spec.model}
        data = load(spec.data, prepared, **names, replicates=spec.replicates)
        dtype = precision.chosen(spec, where)
        progress = Progress(spec)
        unfinished = output / "unfinished"
        # the number format and the ensembles depend on the machine, so they are part of the key
        resume = partial(_resume, unfinished, f"{key} {dtype} {where.type}", interval)
        recorders = fit(spec, data.to(where), dtype, threads=threads, resume=resume, progress=progress)
        progress.close()
        _write(spec, output, recorders, where, dtype, progress.seconds())
        shutil.rmtree(unfinished, ignore_errors=True)


def fit(
    spec: RunSpec,
    data: Data,
    dtype: torch.dtype,
    *,
    threads: int = 1,
    resume: Callable[[range], Resume] | None = None,
    progress: "Progress | None" = None,
) -> list[Recorder]:
    """Train on ``data``, where they lie; returns what each ensemble recorded, in the order of replicates."""
    data = _fitting(spec, data)
    where = data.train_x.device
    inputs = Inputs(data.train_x, dtype)
    # the inputs are needed once, in the order of memory of a step
    data = replace(data, train_x=data.train_x[:0])
    size = len(inputs) if spec.training.batch_size == "full" else min(spec.training.batch_size, len(inputs))
    _check_last_batch(spec, len(inputs), size)
    memory = torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else None
    groups = ensembles(spec.network, spec.replicates, size, memory=memory)

    def one(chosen: range) -> Recorder:
        ensemble = Ensemble(spec, data, inputs, chosen, size, dtype)
        _run(ensemble, chosen, resume and resume(chosen), progress)
        return ensemble.recorder

    workers = min(threads, len(groups)) if where.type == "cpu" else 1
    if progress:
        progress.start(workers)
    return side_by_side(one, groups, workers)


def _resume(folder: Path, key: str, interval: float, chosen: range) -> Resume:
    return Resume(folder / f"{chosen.start}.pt", f"{key} {chosen}", interval)


def _run(ensemble: Ensemble, chosen: range, resume: Resume | None, progress: "Progress | None") -> None:
    state = resume.load() if resume else None
    before = 0.0
    if state:
        ensemble.load(state)
        before = ensemble.recorder.seconds[-1]
        log.info("replicates %d to %d go on after epoch %d", chosen.start, chosen.stop - 1, ensemble.done)
        if progress:
            progress.resumed(len(chosen), ensemble.done)
    started = time.perf_counter()
    while not ensemble.finished:
        loss = ensemble.epoch(lambda: before + time.perf_counter() - started)
        if progress:
            progress.epoch(chosen, ensemble.done, loss)
        if resume and resume.due(finished=ensemble.finished):
            resume.save(ensemble.state())


def _fitting(spec: RunSpec, data: Data) -> Data:
    """The data in the shape that the network takes.  Raises HwcoreError if they do not fit each other."""
    where, out = _name(spec), spec.network.output
    if data.classes and out != (data.classes,):
        shown = "×".join(map(str, out))
        raise HwcoreError(f"{where}: the network ends in {shown} outputs, but there are {data.classes} classes")
    try:
        return data.shaped(spec.network.input)
    except HwcoreError as error:
        raise HwcoreError(f"{where}: {error}") from None


def _check_last_batch(spec: RunSpec, samples: int, size: int) -> None:
    shapes = spec.network.shapes()
    normed = any(
        isinstance(layer, BatchNorm) and math.prod(shape[1:]) == 1
        for layer, shape in zip(spec.network.layers, shapes[:-1], strict=True)
    )
    if normed and (samples - 1) % size == 0:
        raise HwcoreError(
            f"{_name(spec)}: training.batch_size: {size} leaves one of {samples} samples for the last batch, "
            "and batch_norm needs two; choose another size"
        )


def _name(spec: RunSpec) -> str:
    return f"{spec.study}: experiments.{spec.experiment}.models.{spec.model}"


class Progress:
    """A progress bar on a terminal, and a line in the log about once a second at most.

    Where ensembles train side by side, each process tells of its own share.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.epochs = spec.training.epochs
        self.total = float(self.epochs * spec.replicates)
        self.done = 0
        self.started = self.said = time.perf_counter()
        self.bar: tqdm[Any] | None = None
        log.info(
            "%s/%s/%s: %d replicates of %d parameters, %d epochs",
            *(spec.study, spec.experiment, spec.model, spec.replicates, spec.network.parameters(), self.epochs),
        )

    def start(self, workers: int) -> None:
        if workers == 1 and sys.stderr.isatty():
            self.bar = tqdm(total=self.total, unit="epoch")
        self.total /= workers

    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def resumed(self, replicates: int, epochs: int) -> None:
        self.total -= replicates * epochs

    def epoch(self, chosen: range, epoch: int, loss: Tensor) -> None:
        self.done += len(chosen)
        if self.bar is not None:
            self.bar.update(len(chosen))
            return
        now = time.perf_counter()
        # reading the loss waits for the device, so it is not done every epoch
        if now - self.said > 1 or self.done >= self.total:
            self.said = now
            left = (now - self.started) / self.done * max(0, self.total - self.done)
            which = f"replicates {chosen.start} to {chosen.stop - 1}"
            said = loss.mean().item()
            log.info("%s, epoch %d of %d, loss %.4g, %.0f s left", which, epoch, self.epochs, said, left)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _write(
    spec: RunSpec,
    output: Path,
    recorders: list[Recorder],
    where: torch.device,
    dtype: torch.dtype,
    seconds: float,
) -> None:
    table = metrics_table(recorders)
    if spec.record.steps:
        write_table(output / "steps.parquet", steps_table(recorders))
    if spec.record.weights_every:
        steps, stacked = joined_snapshots(recorders)
        per_epoch = recorders[0].per_epoch
        at = [step // per_epoch if step % per_epoch == 0 else step / per_epoch for step in steps]
        write_tensors(output / "snapshots.safetensors", stacked, {"epochs": json.dumps(at)})
    write_tensors(output / "checkpoint.safetensors", joined_weights(recorders))
    write_table(output / "metrics.parquet", table)
    write_json(
        output / "run.json",
        {
            "spec": spec.model_dump(mode="json"),
            "seeds": {purpose: seeds(spec, purpose, range(spec.replicates)) for purpose in PURPOSES},
            "parameters": spec.network.parameters(),
            "device": torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu",
            "precision": str(dtype).removeprefix("torch."),
            "seconds": round(seconds, 3),
            "diverged": _first(table[~table.train_loss.map(math.isfinite)], "min"),
            "stopped": _first(table, "max") if spec.training.until else [],
            "versions": versions(["torch", "torchvision", "numpy"]),
            **commit(),
        },
    )


def _first(table: pd.DataFrame, which: str) -> list[dict[str, int]]:
    """The first or the last of these epochs of each replicate."""
    found = table.groupby("replicate", as_index=False).epoch.agg(which)
    return [{"replicate": int(row.replicate), "epoch": int(row.epoch)} for row in found.itertuples()]
