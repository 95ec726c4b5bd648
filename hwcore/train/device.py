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

# Of glibc's malloc.h: what is set to how much.  32 MB is the largest M_MMAP_THRESHOLD that it accepts.
_MALLOC = {"M_TRIM_THRESHOLD": (-1, 2**30), "M_MMAP_THRESHOLD": (-3, 2**25)}


@contextmanager
def computing_on(device: str) -> Iterator[torch.device]:
    """The device for ``auto``, ``cpu`` or ``cuda``, with deterministic algorithms.

    Every operation runs on one CPU thread, whatever the machine has: several would change the order
    of sums and with it the last bits.  Cores are used by jobs and ensembles side by side.  Of
    several GPUs a job takes one that no other job holds; if all are held, it shares.

    Raises HwcoreError if ``cuda`` is asked for and not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise HwcoreError("config: device: cuda, but torch finds no GPU here; use `auto` or `cpu`")
    torch.set_num_threads(1)
    _keep_freed_memory()
    if device == "cpu" or not torch.cuda.is_available():
        # on one thread all algorithms are deterministic, and those that torch would take otherwise are slower
        yield torch.device("cpu")
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # nothing here reads memory that it has not written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with _free_gpu(torch.cuda.device_count()) as index:
        yield torch.device("cuda", index)


def available_threads() -> int:
    """The cores of this job: what Snakemake or a cluster gives it, else those of the machine."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        return int(threads)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _keep_freed_memory() -> None:
    """Have the C library keep freed memory instead of handing each large tensor back to the system.

    Fresh pages must be zeroed at the first touch, in every training step again; without that a step
    on the CPU takes half the time.  Only glibc has this setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOC.values():
            mallopt(option, value)


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
