"""What an epoch costs at the end of a long training with a stopping rule, beside one at its start.

Ten networks 1-8-4-1 train 25,000 epochs on 50 samples, full batch, under a rule that is checked each epoch and
never holds.  Seconds are of an epoch of all ten: the medians of the first and of the last 1,000 epochs of one run
(without the very first, which warms up), and `ratio` is the last over the first: 1.0 means that nothing grows.
"""

import statistics
import time
from typing import Any

from benchmarks.train import SINC
from hwcore.data.load import load
from hwcore.train import precision
from hwcore.train.device import computing_on
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit

EPOCHS, SHARE, WARM_UP = 25_000, 1_000, 10
UNTIL = {"loss": 0.0, "loss_change": 0.0, "over": 10, "patience": 5}


class Clock:
    """Notes when each epoch ends."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def start(self, workers: int) -> None:
        pass

    def resumed(self, replicates: int, epochs: int) -> None:
        pass

    def epoch(self, *_: Any) -> None:
        self.times.append(time.perf_counter())


def _measure() -> list[dict[str, Any]]:
    names = {"study": "benchmark", "experiment": "stopping", "model": "m"}
    spec = RunSpec.model_validate(
        {
            **names,
            "network": {"mlp": [1, 8, 4, 1]},
            "data": {**SINC, "samples": 50, "test_samples": 10},
            "training": {
                **{"optimizer": "adam", "lr": 0.001, "loss": "mse", "epochs": EPOCHS, "batch_size": "full"},
                "until": UNTIL,
            },
            "replicates": 10,
        }
    )
    clock = Clock()
    with computing_on("cpu") as where:
        data = load(spec.data, None, **names, replicates=spec.replicates)
        fit(spec, data.to(where), precision.number_format(spec, where), progress=clock)  # type: ignore[arg-type]
    seconds = [after - before for before, after in zip(clock.times[:-1], clock.times[1:], strict=True)]
    first, last = statistics.median(seconds[WARM_UP:SHARE]), statistics.median(seconds[-SHARE:])
    return [{"name": "stopping", "first_s": first, "last_s": last, "ratio": last / first}]


WORKS = {"stopping": _measure}
