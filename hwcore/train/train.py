"""Training all replicates of one model.

The data lie on the device; replicates that gain by it are one tensor program, and such ensembles
train side by side on the cores of the job.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hwcore.data.augment import Augment
from hwcore.data.load import Data, load
from hwcore.data.spec import DatasetData
from hwcore.errors import HwcoreError
from hwcore.files import write_json
from hwcore.nets.network import count, forward, initialize
from hwcore.provenance import commit, versions
from hwcore.tensors import write_tensors
from hwcore.train import precision
from hwcore.train.batches import Batches
from hwcore.train.device import computing_on
from hwcore.train.ensemble import Ensemble
from hwcore.train.files import FILES
from hwcore.train.held_out import hold_out
from hwcore.train.parallel import side_by_side
from hwcore.train.progress import Progress
from hwcore.train.recorder import Metrics, Recorder, final_weights, metrics_table
from hwcore.train.replicates import seeds
from hwcore.train.resume import Resume
from hwcore.train.spec import RunSpec
from hwcore.train.split import ensembles

log = logging.getLogger(__name__)

# The streams of random numbers of a replicate, each with its own seed.
PURPOSES = ("init", "order", "dropout", "evaluation dropout", "augment", "train labels", "test labels")


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

    Replicate r has its own initial weights, order of samples, augmentations, dropout masks and random labels, each
    from a seed of (study, experiment, model, r), so it depends on how many others run only by the rounding of the
    tensor program that it is a part of: that of one replicate alone sums in another order than that of several.
    ``prepared`` is the data set's file, None for a function.  On a CPU up to ``threads`` ensembles
    train at the same time; the number changes no bit.

    Every ``interval`` seconds the state is saved in ``output``/unfinished; a job of the same ``key``
    (its fingerprint) that was killed goes on from there and ends with the same bits.

    Writes checkpoint.safetensors (parameters and buffers, each with a leading dimension R),
    metrics.parquet (training metrics are means over the epoch's mini-batches while training; test
    and validation metrics are those after the epoch, ``lr`` is that of its first step; with ``record.last_batch``
    loss, accuracy and gradient norm of the last mini-batch too, before its update, and the loss of
    the test set's last mini-batch of as many samples after the epoch; with ``training.until`` whether
    the replicate met that rule and ``stopped`` there), run.json, and where ``spec.record`` asks
    snapshots.safetensors (each parameter of shape (S, R, ...), their epochs in the metadata) and steps.parquet.
    A limit in steps may end within an epoch: the last row of the metrics is then of a part of one.

    Raises HwcoreError if the network does not fit the data, or if validation leaves nothing to train on.
    """
    with computing_on(device) as where:
        dtype = precision.number_format(spec, where)
        names = {"study": spec.study, "experiment": spec.experiment, "model": spec.model}
        # not by a name of their own: the training inputs are needed once
        inputs = _ready(spec, load(spec.data, prepared, **names, replicates=spec.replicates).to(where), dtype)
        epochs = spec.training.epoch_count(len(inputs.batches))
        progress = Progress(spec.replicates, epochs)
        log.info(
            "%s/%s/%s: %d replicates of %d parameters, %d epochs",
            *(spec.study, spec.experiment, spec.model),
            *(spec.replicates, count(spec.network), epochs),
        )
        unfinished = output / "unfinished"
        # the number format and the ensembles depend on the machine, so they are part of the key
        resume = partial(_resume, unfinished, f"{key} {dtype} {where.type}", interval)
        recorders = _fit(spec, inputs, dtype, threads, resume, progress)
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
    progress: Progress | None = None,
) -> list[Recorder]:
    """Train on ``data``, where they lie; returns what each ensemble recorded, in the order of replicates."""
    return _fit(spec, _ready(spec, data, dtype), dtype, threads, resume, progress)


@dataclass(frozen=True)
class _Inputs:
    """What is trained on: the training inputs are those of ``batches``, and ``data`` have all else."""

    data: Data
    validation: Data | None
    batches: Batches


def _ready(spec: RunSpec, data: Data, dtype: torch.dtype) -> _Inputs:
    """The ``data`` as steps take them.  Raises HwcoreError if they do not fit the network."""
    changed = isinstance(spec.data, DatasetData) and spec.data.augment
    augment = Augment(changed, data, dtype) if changed else None
    data = _fitting(spec, data)
    size, _ = spec.training.batches(len(data.train_x))
    data, validation = hold_out(spec, data)
    _check_last_batch(spec, data.train_x, size)
    batches = Batches(data.train_x, dtype, size, augment, shuffle=spec.training.shuffle)
    # the inputs are there in the order of memory of a step; a view of none of them would keep them all
    return _Inputs(replace(data, train_x=data.train_x[:0].clone()), validation, batches)


def _fit(
    spec: RunSpec,
    inputs: _Inputs,
    dtype: torch.dtype,
    threads: int,
    resume: Callable[[range], Resume] | None,
    progress: Progress | None,
) -> list[Recorder]:
    where = inputs.data.train_y.device
    memory = torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else None
    groups = ensembles(spec.network, spec.replicates, inputs.batches.size, memory=memory)

    def one(replicates: range) -> Recorder:
        ensemble = Ensemble(spec, inputs.data, inputs.batches, replicates, dtype, validation=inputs.validation)
        _run(ensemble, replicates, resume and resume(replicates), progress)
        return ensemble.recorder

    workers = min(threads, len(groups)) if where.type == "cpu" else 1
    if progress:
        progress.start(workers)
    return side_by_side(one, groups, workers)


def _resume(folder: Path, key: str, interval: float, replicates: range) -> Resume:
    return Resume(folder / f"{replicates.start}.safetensors", f"{key} {replicates}", interval)


def _run(ensemble: Ensemble, replicates: range, resume: Resume | None, progress: Progress | None) -> None:
    state = resume.load() if resume else None
    before = 0.0
    if state:
        ensemble.load(state)
        before = ensemble.recorder.probe(Metrics).seconds[-1]
        log.info("replicates %d to %d go on after epoch %d", replicates.start, replicates.stop - 1, ensemble.done)
        if progress:
            progress.resumed(len(replicates), ensemble.done)
    started = time.perf_counter()
    while not ensemble.finished:
        loss = ensemble.epoch(lambda: before + time.perf_counter() - started)
        if progress:
            progress.epoch(replicates, ensemble.done, lambda loss=loss: loss.mean().item())  # type: ignore[misc]
        if resume and resume.due(finished=ensemble.finished):
            resume.save(ensemble.state())


def _fitting(spec: RunSpec, data: Data) -> Data:
    """The data in the shape that the network takes.  Raises HwcoreError if they do not fit each other."""
    out = spec.network.output
    if data.classes and out != (data.classes,):
        raise HwcoreError(
            f"{_name(spec)}: the network ends in {'×'.join(map(str, out))} outputs, "
            f"but there are {data.classes} classes"
        )
    try:
        return data.shaped(spec.network.input)
    except HwcoreError as error:
        raise HwcoreError(f"{_name(spec)}: {error}") from None


def _check_last_batch(spec: RunSpec, x: Tensor, size: int) -> None:
    samples, per_epoch = len(x), -(-len(x) // size)
    first = spec.training.length(per_epoch) >= per_epoch and spec.training.training_mode(1)
    if not first or (samples - 1) % size:
        return
    if not spec.network.stacks():
        # only the module tells, which else would at the end of its first epoch
        parameters, buffers = ({k: v.to(x.device) for k, v in each.items()} for each in initialize(spec.network, [0]))
        masks = [torch.Generator(device=x.device)]
        forward(spec.network, parameters, buffers, x[:1], training=True, dropout=masks)
    if spec.network.smallest_batch() > 1:
        raise HwcoreError(
            f"{_name(spec)}: training.batch_size: {size} leaves one of {samples} samples for the last batch, "
            "and batch_norm needs two; choose another size"
        )


def _name(spec: RunSpec) -> str:
    return f"report/{spec.study}/study.yaml: experiments.{spec.experiment}.models.{spec.model}"


def _write(
    spec: RunSpec,
    output: Path,
    recorders: list[Recorder],
    where: torch.device,
    dtype: torch.dtype,
    seconds: float,
) -> None:
    until = spec.training.until
    for kind in recorders[0].probes:
        kind.write(output / FILES[kind.name], recorders)
    write_tensors(output / FILES["checkpoint"], final_weights(recorders))
    write_json(
        output / FILES["run"],
        {
            "spec": spec.model_dump(mode="json"),
            "seeds": {purpose: seeds(spec, purpose, range(spec.replicates)) for purpose in PURPOSES},
            "parameters": count(spec.network),
            "device": torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu",
            "precision": str(dtype).removeprefix("torch."),
            "seconds": round(seconds, 3),
            "diverged": _diverged(recorders),
            "stopped": _stopped(recorders) if until else [],
            "best": _best(recorders) if until and until.validation_patience else [],
            "versions": versions(["torch", "torchvision", "numpy"]),
            **commit(),
        },
    )


def _diverged(recorders: list[Recorder]) -> list[dict[str, int]]:
    """The first epoch of each replicate whose loss is not finite, on either set."""
    table = metrics_table(recorders)
    lost = ~(np.isfinite(table["train_loss"]) & np.isfinite(table["test_loss"]))
    replicates, first = np.unique(table["replicate"][lost], return_index=True)
    return _events(replicates.tolist(), table["epoch"][lost][first].tolist())


def _stopped(recorders: list[Recorder]) -> list[dict[str, int]]:
    """The last epoch of each replicate."""
    last = torch.cat([recorder.last for recorder in recorders]).tolist()
    return _events(range(len(last)), last)


def _best(recorders: list[Recorder]) -> list[dict[str, int]]:
    """The epoch of each replicate whose weights are in the checkpoint, as ``BestWeights`` has it."""
    table = metrics_table(recorders)
    replicates = range(int(table["replicate"].max()) + 1)
    losses = [table["validation_loss"][table["replicate"] == r] for r in replicates]
    return _events(replicates, [1 + int(np.where(np.isnan(loss), np.inf, loss).argmin()) for loss in losses])


def _events(replicates: Iterable[int], epochs: Iterable[int]) -> list[dict[str, int]]:
    return [{"replicate": r, "epoch": epoch} for r, epoch in zip(replicates, epochs, strict=True)]
