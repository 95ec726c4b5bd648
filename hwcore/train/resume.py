"""The state of an unfinished training, so that a killed job goes on where it was."""

import io
import logging
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from hwcore.files import atomic

log = logging.getLogger(__name__)

# Saving may take this share of the time at most.
_TIME_SHARE = 0.02
# Seconds of work that are worth a file.
_MINIMUM_SECONDS = 0.5


class Resume:
    """One file of state, written at most every ``interval`` seconds.

    ``key`` is all that decides the outcome: a state that was saved under another one is not used.
    The bytes of random generators, optimizer and records are in it, so a resumed training ends as
    an uninterrupted one does, bit for bit.
    """

    def __init__(self, path: Path, key: str, interval: float) -> None:
        self.path, self.key, self.interval = path, key, interval
        self._started = time.monotonic()
        self._due = self._started + interval

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None if there is none for this key."""
        try:
            saved = torch.load(self.path, weights_only=True)
        except FileNotFoundError:
            return None
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            log.warning("%s cannot be read (%s): these replicates start anew", self.path, str(error).partition("\n")[0])
            return None
        if saved["key"] != self.key:
            log.info("%s is of another training: these replicates start anew", self.path)
            return None
        state: dict[str, Any] = saved["state"]
        return state

    def due(self, *, finished: bool) -> bool:
        """Whether to save now; what is finished is saved at once, because other ensembles still train."""
        now = time.monotonic()
        return now >= self._due or (finished and now - self._started > _MINIMUM_SECONDS)

    def save(self, state: dict[str, Any]) -> None:
        """Raises OSError if the disk is full."""
        started = time.monotonic()
        # torch's own writer tells a full disk as a RuntimeError
        buffer = io.BytesIO()
        torch.save({"key": self.key, "state": state}, buffer)
        with atomic(self.path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        now = time.monotonic()
        self._due = now + max(self.interval, (now - started) / _TIME_SHARE)
