"""How far a training is: a progress bar on a terminal, and a line in the log about once a second at most."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

log = logging.getLogger(__name__)


class Progress:
    """Where ensembles train side by side, each process tells of its own share."""

    def __init__(self, replicates: int, epochs: int) -> None:
        self._epochs = epochs
        self._total = float(epochs * replicates)
        self._done = 0
        self._started = self._last_line = time.perf_counter()
        self._bar: tqdm[Any] | None = None

    def start(self, workers: int) -> None:
        """Tell of one of ``workers`` equal shares, on a terminal by a bar if there is but one."""
        if workers == 1 and sys.stderr.isatty():
            self._bar = tqdm(total=self._total, unit="epoch")
        self._total /= workers

    def seconds(self) -> float:
        """Since this object was made."""
        return time.perf_counter() - self._started

    def resumed(self, replicates: int, epochs: int) -> None:
        """So much was done before."""
        self._total -= replicates * epochs

    def epoch(self, replicates: range, number: int, loss: Callable[[], float]) -> None:
        """An epoch, counted from 1, of some replicates is over; ``loss`` reads their mean loss."""
        self._done += len(replicates)
        if self._bar is not None:
            self._bar.update(len(replicates))
            return
        now = time.perf_counter()
        # reading the loss waits for the device, so it is not done every epoch
        if now - self._last_line > 1 or self._done >= self._total:
            self._last_line = now
            log.info(
                "replicates %d to %d, epoch %d of %d, loss %.4g, %.0f s left",
                *(replicates.start, replicates.stop - 1, number, self._epochs, loss()),
                (now - self._started) / self._done * max(0, self._total - self._done),
            )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
