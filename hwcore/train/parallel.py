"""Work on several cores, each in a process of its own.

Processes, because the Python between small operations holds threads up: two threads train two
networks a fifth slower than two processes.  They are forked, so the data are in memory once.
"""

import ctypes
import io
import multiprocessing
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import torch

from hwcore.errors import HwcoreError

# Of linux/prctl.h
_PR_SET_PDEATHSIG = 1
# What the forked processes do; a function that is passed to them would have to be a module's own.
_work: list[Callable[[range], Any]] = []
Result = TypeVar("Result")


def side_by_side(work: Callable[[range], Result], groups: Sequence[range], workers: int) -> list[Result]:
    """The result of ``work`` on each group, by up to ``workers`` processes; in turn where there is no safe fork.

    A result is anything that torch.save can write.

    Raises what ``work`` raises, and HwcoreError if a process is killed, for lack of memory for example.
    """
    if workers == 1 or sys.platform != "linux":
        return [work(group) for group in groups]
    _work[:] = [work]
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
            # what processes of this job made, and no file
            results = pool.map(_packed, groups)
            return [torch.load(io.BytesIO(result), weights_only=False) for result in results]  # nosec B614
    except BrokenProcessPool:
        raise HwcoreError(
            "a process of this training was killed, perhaps for lack of memory; run the same command again"
        ) from None


def _prepare() -> None:
    # threads of the parent are not in a fork, and one is all that there is to be
    torch.set_num_threads(1)
    # a killed job leaves no process behind that would train on
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _packed(group: range) -> bytes:
    """Bytes go through a pipe; tensors would go through shared memory, which containers have little of."""
    buffer = io.BytesIO()
    torch.save(_work[0](group), buffer)
    return buffer.getvalue()
