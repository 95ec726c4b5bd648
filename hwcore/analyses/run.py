"""A finished run as analyses see it."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hwcore.data.load import Data, load
from hwcore.errors import HwcoreError
from hwcore.files import read_json
from hwcore.nets.network import Parameters, count, shapes
from hwcore.nets.spec import Network
from hwcore.train.files import FILES
from hwcore.train.held_out import hold_out
from hwcore.train.spec import RunSpec


@dataclass(frozen=True)
class Run:
    """One model of an experiment with all its replicates; files are read when they are needed.

    ``record`` is the place, from 0, of the recorded weights that are the run's; None for the final ones.
    """

    folder: Path
    spec: RunSpec
    prepared: Path | None
    device: torch.device
    record: int | None = None

    @classmethod
    def open(cls, folder: Path, prepared: Path | None, *, device: torch.device) -> "Run":
        spec = RunSpec.model_validate(read_json(folder / FILES["run"])["spec"])
        return cls(folder, spec, prepared, device)

    @property
    def network(self) -> Network:
        return self.spec.network

    @property
    def replicates(self) -> int:
        return self.spec.replicates

    @cached_property
    def parameter_count(self) -> int:
        """The number of trained parameters of one replicate."""
        return count(self.network)

    @property
    def batch_size(self) -> int:
        """The number of samples in one step of training."""
        samples, size = len(self.data.train_x), self.spec.training.batch_size
        return samples if size == "full" else min(size, samples)

    def at(self, record: int) -> "Run":
        """The run with its recorded weights at one place, from 0, as those that it ended with."""
        earlier = replace(self, record=record)
        # the records have these in common
        vars(earlier).update(data=self.data, metrics=self.metrics, _snapshots=self._snapshots)
        return earlier

    @property
    def epoch(self) -> float | None:
        """The epoch after which the weights were recorded; None for the final ones, of each replicate's last epoch."""
        return None if self.record is None else self.snapshots[0][self.record]

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        if self.record is None:
            weights = _read(self.folder / FILES["checkpoint"])[0]
        else:
            weights = {name: value[self.record] for name, value in self._snapshots[0].items()}
        return {name: value.to(self.device) for name, value in weights.items()}

    @property
    def parameters(self) -> Parameters:
        """The weights, each of shape (R, ...)."""
        return {name: self._weights[name] for name in shapes(self.network)}

    @property
    def buffers(self) -> Parameters:
        trained = shapes(self.network)
        return {name: value for name, value in self._weights.items() if name not in trained}

    @cached_property
    def _snapshots(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        return _read(self.folder / FILES["snapshots"])

    @property
    def snapshots(self) -> tuple[list[float], Parameters]:
        """The recorded epochs and the weights at each, of shape (S, R, ...), on the CPU.

        Only those of the layers that the experiment records.
        """
        tensors, metadata = self._snapshots
        return json.loads(metadata["epochs"]), {name: tensors[name] for name in shapes(self.network) if name in tensors}

    def recorded(self, layer: int | None, *, weights_only: bool) -> NDArray[np.float64]:
        """The recorded weights of each replicate at each epoch, as rows: (R, S, p).

        ``layer`` is the number, from 1, of a linear or convolutional layer, None for the whole model;
        ``weights_only`` leaves the biases out.  Raises HwcoreError if the layer is not recorded.
        """
        model, layers, (_, snapshots) = self.spec.model, self.network.weighted(), self.snapshots
        chosen = layers if layer is None else [layers[layer - 1]]
        kept = [
            value
            for key, value in snapshots.items()
            if (layer is None or key.rpartition(".")[0] in chosen) and not (weights_only and key.endswith(".bias"))
        ]
        if not kept or (layer is None and snapshots.keys() != shapes(self.network).keys()):
            raise HwcoreError(
                f"model {model} has no record of {'all layers' if layer is None else f'layer {layer}'}; "
                "change `record: {layers: …}`"
            )
        return np.concatenate([value.double().transpose(0, 1).flatten(2).numpy() for value in kept], axis=2)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / FILES["metrics"])

    @cached_property
    def steps(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / FILES["steps"])

    @cached_property
    def data(self) -> Data:
        """The very data that the model was trained on, its random labels included and without those for validation."""
        spec = self.spec
        names = {"study": spec.study, "experiment": spec.experiment, "model": spec.model}
        found = load(spec.data, self.prepared, **names, replicates=spec.replicates)
        return hold_out(spec, found.shaped(spec.network.input))[0].to(self.device)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise HwcoreError(f"{path}: cannot be read ({error}); delete it and run again") from None
