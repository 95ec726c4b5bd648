"""Where a job computes, and that it computes the same every time."""

import ctypes
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from hwcore.errors import HwcoreError

# Of glibc's malloc.h; 32 MB is the largest threshold that it accepts.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


@contextmanager
def computing_on(device: str) -> Iterator[torch.device]:
    """The device for ``auto``, ``cpu`` or ``cuda``, with deterministic algorithms and one CPU thread.

    One thread, whatever the machine has: the number of threads changes the order of sums and
    with it the last bits, and the workflow runs as many jobs as there are cores anyway.  Of
    several GPUs a job takes one that no other job holds; if all are held, it shares.

    Raises HwcoreError if ``cuda`` is asked for and not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise HwcoreError("config: device: cuda, but torch finds no GPU here; use `auto` or `cpu`")
    torch.set_num_threads(1)
    _keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    if device == "cpu" or not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    with _free_gpu(torch.cuda.device_count()) as index:
        yield torch.device("cuda", index)


def _keep_freed_memory() -> None:
    """Have the C library keep freed memory instead of handing each large tensor back to the system.

    Fresh pages must be zeroed at the first touch, in every training step again; without that a step
    on the CPU takes half the time.  Only glibc has this setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, megabytes in ((_M_MMAP_THRESHOLD, 32), (_M_TRIM_THRESHOLD, 1024)):
            mallopt(option, megabytes * 2**20)


@contextmanager
def _free_gpu(count: int) -> Iterator[int]:
    for index in range(count):
        path = Path(tempfile.gettempdir()) / f"hwcore-{os.getuid()}-gpu-{index}.lock"
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield index
            return
    yield os.getpid() % count
