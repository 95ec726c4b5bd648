"""What a run leaves behind: kept on the device while it trains, then tables and tensors.

Each kind of record is a ``Probe``.  A new one is a class here, in ``PROBES``, with a file in hwcore.train.files.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwcore.files import write_table
from hwcore.nets.network import Parameters
from hwcore.tensors import write_tensors
from hwcore.train.files import files
from hwcore.train.spec import RunSpec

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
# Where a part of the training set is held out.
VALIDATION_METRICS = ("validation_loss", "validation_accuracy")
# What `record: {last_batch: true}` adds.
LAST_BATCH = ("last_batch_test_loss", "last_batch_loss", "last_batch_accuracy", "last_batch_gradient_norm")

# Columns of a table, each as long as the others.
Columns = dict[str, NDArray[Any]]


@dataclass
class Step:
    """A step between its backward pass and its update, for the r replicates ``going`` of R."""

    number: int  # from 0
    going: Tensor  # (r,)
    loss: Tensor  # of the mini-batch, (r,)
    right: Tensor | None  # how many samples of the mini-batch are classified rightly, (r,); None for a regression
    samples: int  # of the mini-batch
    parameters: Parameters  # each (r, ...), with its gradient

    @property
    def accuracy(self) -> Tensor:
        """On the mini-batch, NaN for a regression: (r,)."""
        return torch.full_like(self.loss, torch.nan) if self.right is None else self.right / self.samples

    @cached_property
    def gradients(self) -> list[Tensor]:
        """The gradient by each parameter tensor, (r, ...).  They outlive the step once they are asked for."""
        return [value.grad for value in self.parameters.values() if value.grad is not None]

    @cached_property
    def _squares(self) -> Tensor:
        """The squared norm of the gradient by each parameter tensor: (tensors, r)."""
        return torch.stack([gradient.flatten(1).square().sum(1) for gradient in self.gradients])

    @cached_property
    def grad_norm(self) -> Tensor:
        """The Euclidean norm of each replicate's gradient over all parameters: (r,)."""
        return self._squares.sum(0).sqrt()

    @property
    def mean_tensor_norm(self) -> Tensor:
        """The mean over parameter tensors of the norm of the gradient by each, as the reports took it: (r,)."""
        return self._squares.sqrt().mean(0)


@dataclass
class Epoch:
    """An epoch that is over, for the r replicates ``going`` of R."""

    number: int  # from 1
    going: Tensor  # (r,)
    metrics: Tensor  # (m, r), in the order of METRICS, VALIDATION_METRICS and the first of LAST_BATCH
    lr: float  # of its first step
    seconds: float  # since the start of training


class Probe(ABC):
    """One kind of record of R replicates."""

    name: ClassVar[str]  # of its file, as hwcore.train.files has it

    @abstractmethod
    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None: ...

    def step(self, step: Step) -> None:  # noqa: B027, a probe may take no notice of it
        """See a step."""

    def weights(self, step: int, weights: Callable[[], Parameters]) -> None:  # noqa: B027
        """See all weights, (R, ...) on the CPU, after ``step`` steps, 0 before the first."""

    def epoch(self, epoch: Epoch) -> None:  # noqa: B027
        """See an epoch."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that is recorded up to now; the inverse is ``load``.

        Copies, because a view would be saved with all the room that is set aside for later.
        """

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None: ...

    @classmethod
    @abstractmethod
    def write(cls, path: Path, recorders: Sequence["Recorder"]) -> None:
        """Write the file of a run from what its ensembles recorded, in the order of replicates."""


class Metrics(Probe):
    """``values`` (epochs, m, R), in the order of ``names``, METRICS first; NaN after a replicate's last epoch."""

    name = "metrics"

    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None:
        validation = VALIDATION_METRICS if spec.training.validation else ()
        self.names = (*METRICS, *validation, *(LAST_BATCH if spec.record.last_batch else ()))
        shape = (spec.training.epoch_count(steps_per_epoch), len(self.names), replicates)
        self.values = torch.full(shape, torch.nan, dtype=torch.float64, device=where)
        self.lr: list[float] = []
        self.seconds: list[float] = []
        self._last_batch = spec.record.last_batch
        self._latest: Step | None = None

    def step(self, step: Step) -> None:
        if self._last_batch:
            # which step is an epoch's last is known after it, and the next backward pass makes new gradients
            _ = step.gradients
            self._latest = step

    def epoch(self, epoch: Epoch) -> None:
        values = epoch.metrics
        if self._latest is not None:
            latest, self._latest = self._latest, None
            of_batch = torch.stack([latest.loss, latest.accuracy, latest.mean_tensor_norm])
            values = torch.cat([values, of_batch.to(values.dtype)])
        self.values[epoch.number - 1][:, epoch.going] = values
        self.lr.append(epoch.lr)
        self.seconds.append(epoch.seconds)

    def of_epoch(self, number: int, going: Tensor) -> Tensor | None:
        """Those of an epoch, counted from 1, for some replicates: (m, r); None before the first."""
        return self.values[number - 1][:, going] if number > 0 else None

    def state(self) -> dict[str, Any]:
        return {"values": self.values[: len(self.lr)].clone(), "lr": self.lr, "seconds": self.seconds}

    def load(self, state: dict[str, Any]) -> None:
        self.lr, self.seconds = state["lr"], state["seconds"]
        self.values[: len(self.lr)] = state["values"].to(self.values.device)

    @classmethod
    def write(cls, path: Path, recorders: Sequence["Recorder"]) -> None:
        _write_table(path, metrics_table(recorders))


class Steps(Probe):
    """``values`` (steps, 2, R): loss and gradient norm; NaN after a replicate's last step."""

    name = "steps"

    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None:
        self.values = torch.full((spec.training.length(steps_per_epoch), 2, replicates), torch.nan, device=where)
        self.count = 0

    def step(self, step: Step) -> None:
        self.values[step.number][:, step.going] = torch.stack([step.loss, step.grad_norm])
        self.count = step.number + 1

    def state(self) -> dict[str, Any]:
        return {"values": self.values[: self.count].clone()}

    def load(self, state: dict[str, Any]) -> None:
        self.count = len(state["values"])
        self.values[: self.count] = state["values"].to(self.values.device)

    @classmethod
    def write(cls, path: Path, recorders: Sequence["Recorder"]) -> None:
        parts = []
        for recorder in recorders:
            probe = recorder.probe(cls)
            values = probe.values[: probe.count].cpu().double()
            parts.append(_rows("step", recorder.last * recorder.steps_per_epoch, ("loss", "grad_norm"), values))
        _write_table(path, _joined(parts))


class Snapshots(Probe):
    """Recorded weights, each (S, R, ...) on the CPU, and after how many steps each was recorded."""

    name = "snapshots"

    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None:
        interval, layers = spec.record.interval(steps_per_epoch), spec.record.layers
        assert interval, "nothing is recorded without an interval"
        names = spec.network.weighted()
        self._layers = None if layers is None else {names[number - 1] for number in layers}
        self._interval = interval
        self._capacity = spec.record.snapshots(spec.training.length(steps_per_epoch), steps_per_epoch)
        self.steps: list[int] = []
        self.values: Parameters = {}

    def weights(self, step: int, weights: Callable[[], Parameters]) -> None:
        if step % self._interval:
            return
        for name, value in weights().items():
            if self._layers is None or name.rpartition(".")[0] in self._layers:
                if name not in self.values:
                    self.values[name] = torch.empty((self._capacity, *value.shape), dtype=value.dtype)
                self.values[name][len(self.steps)] = value
        self.steps.append(step)

    def state(self) -> dict[str, Any]:
        values = {name: value[: len(self.steps)].clone() for name, value in self.values.items()}
        return {"steps": self.steps, "values": values}

    def load(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        for name, value in state["values"].items():
            self.values[name] = torch.empty((self._capacity, *value.shape[1:]), dtype=value.dtype)
            self.values[name][: len(value)] = value

    @classmethod
    def write(cls, path: Path, recorders: Sequence["Recorder"]) -> None:
        """Where replicates stopped early, the others go on and theirs stay what they were."""
        longest = max((recorder.probe(cls) for recorder in recorders), key=lambda probe: len(probe.steps))
        count, per_epoch = len(longest.steps), recorders[0].steps_per_epoch

        def filled(recorder: "Recorder", name: str) -> Tensor:
            probe = recorder.probe(cls)
            value = probe.values[name][:count]
            value[len(probe.steps) :] = recorder.final[name]
            return value

        epochs = [step // per_epoch if step % per_epoch == 0 else step / per_epoch for step in longest.steps]
        values = {name: torch.cat([filled(part, name) for part in recorders], dim=1) for name in longest.values}
        write_tensors(path, values, {"epochs": json.dumps(epochs)})


PROBES: tuple[type[Probe], ...] = (Metrics, Steps, Snapshots)
_P = TypeVar("_P", bound=Probe)


class Recorder:
    """The records of R replicates; a replicate that stopped has none after its last epoch."""

    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.last = torch.zeros(replicates, dtype=torch.int64, device=where)  # the last epoch of each replicate
        self.has_rule = spec.training.until is not None
        self.stopped = torch.zeros(replicates, dtype=torch.bool, device=where)  # whether each met its stopping rule
        self.final: Parameters = {}  # the weights in the end, buffers included: (R, ...), on the CPU
        wanted = [kind for kind in PROBES if kind.name in files(spec.record)]
        self.probes = {kind: kind(spec, replicates, steps_per_epoch, where) for kind in wanted}

    def probe(self, kind: type[_P]) -> _P:
        """The records of one kind."""
        probe = self.probes[kind]
        assert isinstance(probe, kind)
        return probe

    def step(self, step: Step) -> None:
        for probe in self.probes.values():
            probe.step(step)

    def weights(self, step: int, weights: Callable[[], Parameters]) -> None:
        for probe in self.probes.values():
            probe.weights(step, weights)

    def epoch(self, epoch: Epoch) -> None:
        self.last[epoch.going] = epoch.number
        for probe in self.probes.values():
            probe.epoch(epoch)

    def stop(self, replicates: Tensor) -> None:
        """Note that these (k,) of R met their stopping rule."""
        self.stopped[replicates] = True

    def state(self) -> dict[str, Any]:
        probes = {kind.name: probe.state() for kind, probe in self.probes.items()}
        return {"last": self.last, "stopped": self.stopped, "final": self.final, "probes": probes}

    def load(self, state: dict[str, Any]) -> None:
        where = self.last.device
        self.last, self.stopped, self.final = state["last"].to(where), state["stopped"].to(where), state["final"]
        for kind, probe in self.probes.items():
            probe.load(state["probes"][kind.name])


def metrics_table(recorders: Sequence[Recorder]) -> Columns:
    """One row per replicate and epoch, replicate by replicate; a column that does not apply is left out.

    ``stopped``, where there is a stopping rule, is true in the last row of each replicate that met it.
    """
    parts = []
    for recorder in recorders:
        probe = recorder.probe(Metrics)
        times = torch.tensor([probe.lr, probe.seconds], dtype=torch.float64)
        values = torch.cat(
            [probe.values[: len(probe.lr)].cpu(), times.T.unsqueeze(2).expand(-1, -1, len(recorder.last))], dim=1
        )
        part = _rows("epoch", recorder.last, (*probe.names, "lr", "seconds"), values)
        if recorder.has_rule:
            last, stopped = (ends.cpu().numpy()[part["replicate"]] for ends in (recorder.last, recorder.stopped))
            part["stopped"] = stopped & (part["epoch"] == last)
        parts.append(part)
    table = _joined(parts)
    return {name: column for name, column in table.items() if "accuracy" not in name or not np.isnan(column).all()}


def final_weights(recorders: Sequence[Recorder]) -> Parameters:
    """Each (R, ...) over all replicates of a run."""
    return {name: torch.cat([part.final[name] for part in recorders]) for name in recorders[0].final}


def _rows(number: str, ends: Tensor, names: Sequence[str], values: Tensor) -> Columns:
    """``values`` (n, names, R) as rows, those of each replicate up to its end, and the ``number`` of each from 1."""
    ends = ends.cpu()
    replicates, count = len(ends), len(values)
    numbers = torch.arange(1, count + 1).repeat(replicates)
    kept = numbers <= ends.repeat_interleave(count)
    rows = values.permute(2, 0, 1).reshape(-1, len(names))[kept]
    index = {"replicate": torch.arange(replicates).repeat_interleave(count)[kept], number: numbers[kept]}
    columns = {**index, **dict(zip(names, rows.T, strict=True))}
    return {name: column.numpy() for name, column in columns.items()}


def _joined(parts: Sequence[Columns]) -> Columns:
    """The parts one after the other, replicates counted through."""
    start, counted = 0, []
    for part in parts:
        counted.append({**part, "replicate": part["replicate"] + start})
        start += int(part["replicate"].max()) + 1
    return {name: np.concatenate([part[name] for part in counted]) for name in parts[0]}


def _write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    arrays = [_array(np.ascontiguousarray(column)) for column in columns.values()]
    write_table(path, pa.Table.from_arrays(arrays, names=list(columns)))


def _array(column: NDArray[Any]) -> pa.Array:
    """A column in which NaN is missing, as in tables by pandas, which takes half a second to load, as pa.array does."""
    if column.dtype == bool:
        return pa.array(column)
    present = ~np.isnan(column)
    mask = None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [mask, pa.py_buffer(column)])
