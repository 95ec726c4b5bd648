"""Training all replicates at once beside the same in JAX: one compiled program of `vmap` and `scan`.

Seconds per epoch and network.  Both sides shuffle, train by Adam, sum the training loss and evaluate the test set after
each epoch; both have all cores.  JAX computes in float32, hwcore in the format that it would take by itself.
``compile_s`` is what the first call of JAX takes more than the later ones, which the ratio leaves out.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import train
from hwcore.data.load import Data
from hwcore.train import precision
from hwcore.train.device import available_threads, computing_on
from hwcore.train.spec import RunSpec

# Networks without convolutions, for which `vmap` has no fast kernel on a CPU.
NAMES = ("function-57", "function-571", "mnist-mlp")


def measure(name: str) -> list[dict[str, Any]]:
    work = train.SPECS[name]
    epochs, replicates, threads = work["training"]["epochs"], work["replicates"], available_threads()
    works: list[tuple[Callable[[], None], Callable[[], None]]] = []
    first = 0.0
    with computing_on("cpu") as where, ExitStack() as programs:
        for spec, data, _ in train.runs(name):
            ours = partial(train.ours, spec, data, precision.number_format(spec, where), threads)
            program = programs.enter_context(_program(spec, data.shaped(spec.network.input)))
            started = time.perf_counter()
            program()
            first += time.perf_counter() - started
            works.append((program, ours))
        times = train.in_turns(works)
    totals = [sum(column) / len(works) for column in zip(*times, strict=True)]
    jax_s, hwcore_s = (total / epochs / replicates for total in totals)
    row = {"name": f"{name}-jax", "jax_s": jax_s, "hwcore_s": hwcore_s, "ratio": jax_s / hwcore_s}
    return [{**row, "compile_s": first / len(works) - totals[0]}]


@contextmanager
def _program(spec: RunSpec, data: Data) -> Iterator[Callable[[], None]]:
    """What trains all replicates in a process with JAX."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, spec, data), daemon=True)
    process.start()

    def work() -> None:
        here.send(True)
        here.recv()

    yield work
    here.send(False)
    process.join()


def _serve(connection: Connection, spec: RunSpec, data: Data) -> None:
    """Train whenever the connection asks for it."""
    # this process forks nothing, which JAX would not survive
    from benchmarks.jax_program import program  # noqa: PLC0415

    work = program(spec, data)
    while connection.recv():
        work()
        connection.send("done")


WORKS = {f"{name}-jax": partial(measure, name) for name in NAMES}
