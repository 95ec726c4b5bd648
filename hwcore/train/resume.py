"""The state of an unfinished training, so that a killed job goes on where it was."""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hwcore.tensors import write_tensors

log = logging.getLogger(__name__)

# Saving may take this share of the time at most.
_TIME_SHARE = 0.02
# Seconds of work that are worth a file.
_MINIMUM_SECONDS = 0.5


class Resume:
    """One safetensors file of state, written at most every ``interval`` seconds.

    ``key`` is all that decides the outcome: a state that was saved under another one is not used.
    The bytes of random generators, optimizer and records are in it, so a resumed training ends as
    an uninterrupted one does, bit for bit.  Nothing in it is run as code, and a damaged one is not used.
    """

    def __init__(self, path: Path, key: str, interval: float) -> None:
        self.path, self.key, self.interval = path, key, interval
        self._started = time.monotonic()
        self._due = self._started + interval

    def load(self) -> dict[str, Any] | None:
        """The saved state, on the CPU, or None if there is none for this key."""
        try:
            with safe_open(self.path, framework="pt") as file:
                said = file.metadata() or {}
                # copies, because what is read is mapped from the file
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            if said["sha256"] != _checksum(said["state"], tensors):
                raise ValueError("its SHA-256 differs")
            saved = _joined(json.loads(said["state"]), tensors)
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, ValueError, LookupError, TypeError) as error:
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
        tensors: dict[str, Tensor] = {}
        said = json.dumps(_split({"key": self.key, "state": state}, tensors))
        write_tensors(self.path, tensors, {"state": said, "sha256": _checksum(said, tensors)})
        now = time.monotonic()
        self._due = now + max(self.interval, (now - started) / _TIME_SHARE)


def _split(value: Any, tensors: dict[str, Tensor]) -> Any:
    """``value`` as JSON, in which the names of its tensors stand for these; the inverse is ``_joined``.

    Raises TypeError for what is neither a tensor, a mapping, a list, a tuple nor a plain value.
    """
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # a copy, because a file cannot have two tensors that share memory
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(value, Mapping):
        kind = "counter" if isinstance(value, Counter) else "mapping"
        # not as an object, whose keys would become texts
        return {kind: [[key, _split(each, tensors)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_split(each, tensors) for each in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of a saved state")


def _joined(said: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(said, dict):
        return said
    ((kind, content),) = said.items()
    if kind == "tensor":
        return tensors[content]
    if kind in ("mapping", "counter"):
        pairs = {key: _joined(each, tensors) for key, each in content}
        return Counter(pairs) if kind == "counter" else pairs
    items = [_joined(each, tensors) for each in content]
    return tuple(items) if kind == "tuple" else items


def _checksum(said: str, tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a state: a file of tensors has none of its own."""
    digest = hashlib.sha256(said.encode())
    for name in sorted(tensors):
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
