"""What a run leaves behind: kept on the device while it trains, then tables and tensors."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from hwcore.nets.network import Parameters, layer_names
from hwcore.train.spec import RunSpec, Steps

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


class Recorder:
    """The records of some replicates; a replicate that stopped has no rows after its last epoch.

    ``metrics`` has shape (epochs, 4, R), in the order of METRICS; ``steps`` (steps, 2, R), loss and
    gradient norm; each snapshot (S, R, ...); ``last`` (R,) is the last epoch of each replicate.
    """

    def __init__(self, spec: RunSpec, replicates: int, steps_per_epoch: int, where: torch.device) -> None:
        epochs, every = spec.training.epochs, spec.record.weights_every
        self.metrics = torch.full((epochs, len(METRICS), replicates), torch.nan, dtype=torch.float64, device=where)
        steps = epochs * steps_per_epoch if spec.record.steps else 0
        self.steps = torch.full((steps, 2, replicates), torch.nan, device=where)
        self.last = torch.zeros(replicates, dtype=torch.int64)
        self.lr: list[float] = []
        self.seconds: list[float] = []
        self.snapshot_steps: list[int] = []
        self.snapshots: Parameters = {}
        self.weights: Parameters = {}  # in the end, buffers included
        self.per_epoch = steps_per_epoch
        self._layers = layer_names(spec.network)
        self._chosen = None if spec.record.layers is None else {self._layers[n - 1] for n in spec.record.layers}
        self._interval = every.steps if isinstance(every, Steps) else every and every * steps_per_epoch
        self._capacity = 1 + epochs * steps_per_epoch // self._interval if self._interval else 0

    def due(self, step: int) -> bool:
        return bool(self._interval) and step % self._interval == 0  # type: ignore[operator]

    def snapshot(self, step: int, weights: Parameters) -> None:
        """Keep (R, ...) weights as they are after ``step`` steps."""
        for name, value in weights.items():
            if self._chosen is None or name.partition(".")[0] in self._chosen:
                if name not in self.snapshots:
                    self.snapshots[name] = torch.empty((self._capacity, *value.shape))
                self.snapshots[name][len(self.snapshot_steps)] = value.cpu()
        self.snapshot_steps.append(step)

    def state(self) -> dict[str, Any]:
        """All that is recorded up to now; the inverse is ``load``.

        Copies, because a view would be saved with all the room that is set aside for later.
        """
        epochs = len(self.lr)
        return {
            "metrics": self.metrics[:epochs].clone(),
            "steps": self.steps[: epochs * self.per_epoch].clone(),
            "last": self.last,
            "lr": self.lr,
            "seconds": self.seconds,
            "snapshot_steps": self.snapshot_steps,
            "snapshots": {name: value[: len(self.snapshot_steps)].clone() for name, value in self.snapshots.items()},
            "weights": self.weights,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.lr, self.seconds, self.last = state["lr"], state["seconds"], state["last"]
        self.weights = state["weights"]
        self.metrics[: len(self.lr)] = state["metrics"].to(self.metrics.device)
        self.steps[: len(state["steps"])] = state["steps"].to(self.steps.device)
        self.snapshot_steps = state["snapshot_steps"]
        for name, value in state["snapshots"].items():
            self.snapshots[name] = torch.empty((self._capacity, *value.shape[1:]))
            self.snapshots[name][: len(value)] = value


def metrics_table(recorders: Sequence[Recorder]) -> pd.DataFrame:
    """One row per replicate and epoch, replicate by replicate; a column that does not apply is left out."""
    parts = []
    for recorder in recorders:
        epochs = len(recorder.lr)
        index, kept = _index(recorder.last, "epoch", recorder.last)
        values = recorder.metrics[:epochs].permute(2, 0, 1).reshape(-1, len(METRICS)).cpu()[kept]
        columns = {name: values[:, i].numpy() for i, name in enumerate(METRICS)}
        for name in ("lr", "seconds"):
            each = torch.tensor(getattr(recorder, name), dtype=torch.float64)
            columns[name] = each.repeat(len(recorder.last))[kept].numpy()
        parts.append(index.assign(**columns))
    table = _joined(parts)
    return table.drop(columns=[name for name in METRICS if name.endswith("accuracy") and table[name].isna().all()])


def steps_table(recorders: Sequence[Recorder]) -> pd.DataFrame:
    """One row per replicate and optimisation step, replicate by replicate."""
    parts = []
    for recorder in recorders:
        per_epoch = recorder.per_epoch
        steps = len(recorder.lr) * per_epoch
        index, kept = _index(recorder.last, "step", recorder.last * per_epoch)
        values = recorder.steps[:steps].permute(2, 0, 1).reshape(-1, 2).cpu().double()[kept]
        parts.append(index.assign(loss=values[:, 0].numpy(), grad_norm=values[:, 1].numpy()))
    return _joined(parts)


def joined_weights(recorders: Sequence[Recorder]) -> Parameters:
    return {name: torch.cat([part.weights[name] for part in recorders]) for name in recorders[0].weights}


def joined_snapshots(recorders: Sequence[Recorder]) -> tuple[list[int], Parameters]:
    """The steps of the snapshots and the weights (S, R, ...).

    Where replicates stopped early, the others go on and theirs stay what they were.
    """
    longest = max(recorders, key=lambda part: len(part.snapshot_steps))
    count = len(longest.snapshot_steps)

    def filled(part: Recorder, name: str) -> Tensor:
        had = len(part.snapshot_steps)
        value = part.snapshots[name][:count]
        if had < count:
            value[had:] = part.weights[name]
        return value

    return longest.snapshot_steps, {
        name: torch.cat([filled(part, name) for part in recorders], dim=1) for name in longest.snapshots
    }


def _index(last: Tensor, name: str, ends: Tensor) -> tuple[pd.DataFrame, Tensor]:
    """Replicate and epoch (or step) of the rows up to each replicate's end, and which rows of all those are."""
    replicates, count = len(last), int(ends.max()) if len(ends) else 0
    number = torch.arange(1, count + 1).repeat(replicates)
    replicate = torch.arange(replicates).repeat_interleave(count)
    kept = number <= ends.repeat_interleave(count)
    return pd.DataFrame({"replicate": replicate[kept].numpy(), name: number[kept].numpy()}), kept


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The parts one after the other, replicates counted through."""
    start, counted = 0, []
    for part in parts:
        counted.append(part.assign(replicate=part.replicate + start))
        start += int(part.replicate.max()) + 1
    return pd.concat(counted, ignore_index=True)
