"""What augmentation adds to a training step, in the smallest network that a report trains on CIFAR-10.

The network is that of cifar-majumder1, in the number format that `precision: auto` gives it, on random images of
CIFAR-10's size: no time depends on what they show.  Both trainings run in turns on one core; seconds are of the
processor, per step of 64 images in the median epoch, and `ratio` is augmented over plain.
"""

import statistics
import time
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from benchmarks.stopping import Clock
from benchmarks.train import SPECS
from hwcore.data.load import Data
from hwcore.train import precision
from hwcore.train.device import computing_on
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit

ROUNDS, SAMPLES, EPOCHS, BATCH = 5, 3200, 4, 64
AUGMENTATIONS: dict[str, list[dict[str, Any]]] = {
    "crop-flip": [{"crop": {"padding": 4}}, {"flip": 0.5}],
    "reflect-flip": [{"crop": {"padding": 4, "padding_mode": "reflect"}}, {"flip": 0.5}],
    "rotate": [{"rotate": 10}],
    "cutout": [{"cutout": 8}],
    "all": [{"crop": {"padding": 4}}, {"flip": 0.5}, {"rotate": 10}, {"cutout": 8}],
}


class _Clock(Clock):
    """Notes the time of the processor at the end of each epoch."""

    def epoch(self, *_: Any) -> None:
        self.times.append(time.process_time())


def _spec(augment: list[dict[str, Any]]) -> RunSpec:
    work = SPECS["cifar-majumder1"]
    return RunSpec.model_validate(
        {
            **{"study": "benchmark", "experiment": "augment", "model": "m", "replicates": 1},
            "network": work["networks"][0],
            "data": {"dataset": "cifar10", "augment": augment},
            "training": {**work["training"], "epochs": EPOCHS, "batch_size": BATCH},
        }
    )


def _measure(name: str) -> list[dict[str, Any]]:
    x, y = torch.rand(SAMPLES, 3, 32, 32), torch.randint(10, (SAMPLES,))
    data = Data(x, y, x[:BATCH], y[:BATCH], 10, torch.zeros(3))
    specs = [_spec([]), _spec(AUGMENTATIONS[name])]
    times: list[list[float]] = [[], []]
    with computing_on("cpu") as where:
        dtype = precision.number_format(specs[0], where)
        for turn in range(ROUNDS + 1):
            for spec, taken in zip(specs, times, strict=True):
                clock = _Clock()
                fit(spec, data, dtype, progress=clock)  # type: ignore[arg-type]
                # the first epoch has what is done once, and the first turn warms up
                taken.extend(after - before for before, after in pairwise(clock.times) if turn)
    plain, augmented = (statistics.median(taken) * BATCH / SAMPLES for taken in times)
    return [
        {"name": f"augment-{name}", "plain_step_s": plain, "augmented_step_s": augmented, "ratio": augmented / plain}
    ]


WORKS = {f"augment-{name}": partial(_measure, name) for name in AUGMENTATIONS}
