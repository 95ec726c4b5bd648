"""Where the time of the jobs went: waiting for a core, starting, computing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcore.files import read_json
from hwcore.jobs import planned
from hwcore.reporting.words import pipe_table

_SUMS = (
    "Times are summed over jobs. Many jobs wait at the same time, so the sum of their waiting can exceed the time that "
    "the whole run took."
)
# What a record has that is told here.
_TIMES = {"called", "launched", "started", "ended", "cpu_seconds", "memory_mb"}


@dataclass(frozen=True)
class Runtime:
    """What one job took, in seconds; ``cpu`` is processor time, ``memory`` that of its largest process in MB.

    It waited from the moment at which its inputs were there, at the earliest from the start of the call, until it
    was launched; it started until the first line of its own work.
    """

    rule: str
    name: str
    waiting: float
    starting: float
    computing: float
    cpu: float
    memory: int

    @property
    def total(self) -> float:
        return self.waiting + self.starting + self.computing


def runtimes(plans: Iterable[Path]) -> list[Runtime]:
    """The runtimes of the jobs in some plan files, as far as they have been done."""
    jobs = planned(plans)
    times = {job.key: time for job in jobs if (time := _times(job.timing))}
    makers = {path: job.key for job in jobs for path in job.outputs.values()}
    measured = []
    for job in jobs:
        if job.key not in times:
            continue
        time = times[job.key]
        ends = [times[makers[path]]["ended"] for path in job.inputs.values() if makers.get(path) in times]
        measured.append(
            Runtime(
                rule=job.rule,
                name=job.name,
                waiting=max(0.0, time["launched"] - max([time["called"], *ends])),
                starting=time["started"] - time["launched"],
                computing=time["ended"] - time["started"],
                cpu=time["cpu_seconds"],
                memory=time["memory_mb"],
            )
        )
    return measured


def _times(record: Path) -> dict[str, Any]:
    """What a job took; empty without a record, or if that is damaged, which the next job that reads its files tells."""
    try:
        times: dict[str, Any] = read_json(record)
        return times if times.keys() >= _TIMES else {}
    except (OSError, ValueError, AttributeError):
        return {}


def runtime_table(measured: Sequence[Runtime]) -> str:
    """A Markdown table with a row for each rule and one for all of them, and how to read it."""
    rules = list(dict.fromkeys(each.rule for each in measured))
    rows = [_row(rule, [each for each in measured if each.rule == rule]) for rule in rules]
    heads = ["rule", "jobs", "waiting", "starting", "computing", "processor time", "most memory"]
    return f"{pipe_table(heads, [*rows, _row('all', measured)], numbers=heads[1:])}\n\n{_SUMS}"


def longest(measured: Sequence[Runtime], count: int = 10) -> str:
    """A Markdown table of the jobs that computed longest."""
    slowest = sorted(measured, key=lambda each: -each.computing)[:count]
    heads = ["job", "waiting", "starting", "computing"]
    rows = [
        [f"{each.rule} {each.name}", *(_duration(value) for value in (each.waiting, each.starting, each.computing))]
        for each in slowest
    ]
    return pipe_table(heads, rows, numbers=heads[1:])


def _row(name: str, measured: Sequence[Runtime]) -> list[str]:
    sums = (sum(getattr(each, key) for each in measured) for key in ("waiting", "starting", "computing", "cpu"))
    most = max((each.memory for each in measured), default=0)
    return [name, str(len(measured)), *(_duration(value) for value in sums), f"{most:,} MB"]


def _duration(seconds: float) -> str:
    """`4.2 s`, `2 min 3 s` or `7 h 51 min`"""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    if round(seconds) < 3600:
        return "{} min {} s".format(*divmod(round(seconds), 60))
    return "{:,} h {} min".format(*divmod(round(seconds / 60), 60))
