"""What the nodes of a Slurm cluster have, which requests none of them can meet, and the jobs that a dead call left."""

import math
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError

# Tells the jobs of a call that the cluster has no GPUs, so that they ask for none either.
VARIABLE = "HWCORE_NO_GPUS"
# What limits a request, by its name in Snakemake.
_RESOURCES = {"cpus": "cpus_per_task", "memory": "mem_mb", "gpus": "gpu", "minutes": "runtime"}
_PATIENCE = 60  # seconds for Slurm to answer
# A file for each call that may have jobs on the cluster, by the name that all its jobs have there.
_CALLS = Path(".snakemake/hwcore/slurm")
# What decides whether Slurm takes a job at all, by its name in Snakemake.
_FLAGS = {
    "slurm_partition": "--partition",
    "slurm_account": "--account",
    "qos": "--qos",
    "constraint": "--constraint",
    "gpu": "--gpus",
    "gres": "--gres",
}
# Slurm takes these all the same, and they wait.
_LATER = ("not available", "busy")
# Partition, with a star if it is the default, CPUs, memory in MB, generic resources and limit of time of each job:
# a line per node and partition.
_QUESTION = ("sinfo", "--all", "--Node", "--noheader", "--format=%P|%c|%m|%G|%l")


@dataclass(frozen=True)
class Request:
    """What a job asks of the one node on which it runs; memory in MB, and for how many minutes."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0
    minutes: float = 0

    @classmethod
    def of(cls, threads: int, resources: Mapping[str, Any]) -> "Request":
        """What Snakemake's Slurm plugin submits for a job of so many threads with these resources."""
        gpus = max(_number(resources.get("gpu")), _gpus(str(resources.get("gres", ""))))
        cpus = _number(resources.get("cpus_per_task")) or gpus * _number(resources.get("cpus_per_gpu")) or threads
        memory = cpus * _number(resources.get("mem_mb_per_cpu")) or _number(resources.get("mem_mb"))
        # a quality of service may lift the limit of a partition
        minutes = 0 if "qos" in resources else _number(resources.get("runtime"))
        return cls(cpus, memory, gpus, minutes)

    @classmethod
    def largest(cls, requests: Iterable["Request"]) -> "Request":
        """The most of each kind."""
        return cls(*(max(amounts) for amounts in zip(*map(astuple, requests), strict=True)))

    def beyond(self, node: "Node") -> tuple[str, ...]:
        """The kinds of which ``node`` has less."""
        return tuple(kind for kind, amount in asdict(self).items() if getattr(node, kind) < amount)

    def __str__(self) -> str:
        cpus, gpus = f"{self.cpus} CPU{'s' * (self.cpus != 1)}", f"{self.gpus or 'no'} GPU{'s' * (self.gpus > 1)}"
        time = f" for {self.minutes:.0f} minutes" if 0 < self.minutes < math.inf else ""
        return f"{cpus}, {self.memory} MB of memory and {gpus}{time}"


@dataclass(frozen=True)
class Node:
    """A node as a member of one partition; memory in MB, and the most minutes of a job there."""

    partition: str
    default: bool
    cpus: int
    memory: int
    gpus: int
    minutes: float = math.inf

    def meets(self, request: Request) -> bool:
        return not request.beyond(self)


@dataclass(frozen=True)
class Cluster:
    """All nodes, whether or not they are in use or in order at the moment."""

    nodes: tuple[Node, ...]

    @classmethod
    def ask(cls) -> "Cluster":
        """Ask Slurm once.  Raises HwcoreError if it does not answer."""
        return cls.parse(_ask(*_QUESTION))

    @classmethod
    def parse(cls, answer: str) -> "Cluster":
        nodes = []
        for line in answer.split():
            partition, cpus, memory, resources, limit = line.split("|")
            name = partition.removesuffix("*")
            node = Node(name, name != partition, int(cpus), int(memory), _gpus(resources), _minutes(limit))
            nodes.append(node)
        return cls(tuple(nodes))

    @property
    def gpus(self) -> bool:
        return any(node.gpus for node in self.nodes)

    def cpus(self, partitions: Iterable[str | None]) -> int:
        """Those of the largest node of these partitions; None is the default one."""
        return max(
            (node.cpus for partition in partitions for node in self._members(partition)),
            default=max((node.cpus for node in self.nodes), default=1),
        )

    def check(self, jobs: Iterable[tuple[str, int, Mapping[str, Any]]]) -> None:
        """``jobs`` are names of rules, threads and resources.

        Raises HwcoreError if there are some that no node can meet.
        """
        lacking: dict[tuple[str | None, tuple[str, ...]], dict[str, list[Request]]] = {}
        # Snakemake's jobs come in any order
        for rule, threads, resources in sorted(jobs, key=itemgetter(0)):
            partition, request = resources.get("slurm_partition"), Request.of(threads, resources)
            nodes = self._members(partition)
            if not nodes:
                raise HwcoreError(
                    f"{rule}: the cluster has no partition {partition}, only {_words(self._partitions(Request(0)))}.\n"
                    "Set slurm_partition in the profile."
                )
            if not any(node.meets(request) for node in nodes):
                rules = lacking.setdefault((partition, request.beyond(_nearest(nodes, request))), {})
                rules.setdefault(rule, []).append(request)
        if lacking:
            raise HwcoreError(
                "\n".join(self._shortage(partition, kinds, rules) for (partition, kinds), rules in lacking.items())
            )

    def _shortage(self, partition: str | None, kinds: Iterable[str], rules: Mapping[str, list[Request]]) -> str:
        """What ``rules`` lack in a partition, and the remedy."""
        request = Request.largest(request for requests in rules.values() for request in requests)
        node = _nearest(self._members(partition), request)
        limits = [f"{rule}:{_RESOURCES[kind]}={getattr(node, kind):.0f}" for kind in kinds for rule in rules]
        others = self._partitions(request)
        return (
            f"{_words(list(rules))}: no node of {f'partition {partition}' if partition else 'the default partition'} "
            f"has {request}; the largest has {Request(node.cpus, node.memory, node.gpus, node.minutes)}.\n"
            f"Ask for less (--set-resources {' '.join(limits)})"
            + (f" or set slurm_partition in the profile ({' or '.join(others)} can)." if others else ".")
        )

    def _partitions(self, request: Request) -> list[str]:
        """Those with a node that meets the request."""
        return list(dict.fromkeys(node.partition for node in self.nodes if node.meets(request)))

    def _members(self, partition: str | None) -> list[Node]:
        """The nodes of a partition, or of a list with commas as sbatch takes it."""
        if partition is None:
            return [node for node in self.nodes if node.default] or list(self.nodes)
        return [node for node in self.nodes if node.partition in partition.split(",")]


def try_out(jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Have Slurm say whether it would take such jobs; they are names of rules and resources.

    Raises HwcoreError with Slurm's own words if it would refuse some.
    """
    kinds: dict[tuple[str, ...], list[str]] = {}
    for rule, resources in sorted(jobs, key=itemgetter(0)):
        flags = tuple(f"{flag}={resources[name]}" for name, flag in _FLAGS.items() if resources.get(name))
        if rule not in kinds.setdefault(flags, []):
            kinds[flags].append(rule)
    for flags, rules in kinds.items():
        command = ["sbatch", "--test-only", *flags, "--wrap=true"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            raise _silent(str(error)) from error
        lines = [re.sub(r"^(sbatch: error|allocation failure): ", "", line) for line in answer.stderr.splitlines()]
        said = "; ".join(line.strip() for line in lines if line.strip())
        if answer.returncode and not any(word in said.lower() for word in _LATER):
            asked = f", asked for with {' '.join(flags)}" if flags else ""
            gpus = " Where it is --gpus that is refused, use profiles/slurm-gres." if "--gpus" in asked else ""
            raise HwcoreError(
                f"{_words(rules)}: Slurm refuses such jobs ({said}){asked}.\n"
                f"Set slurm_partition, slurm_account and what else the site wants in the profile.{gpus}"
            )


def begin(call: str) -> None:
    """Note that a call is about to submit jobs of this name."""
    _CALLS.mkdir(parents=True, exist_ok=True)
    (_CALLS / call).touch()


def end(call: str) -> None:
    """Forget a call that has no jobs any more."""
    (_CALLS / call).unlink(missing_ok=True)


def cancel_left() -> int:
    """Cancel the jobs of calls that were killed, and wait until they have ended; returns how many there were.

    This call will submit them again, and they go on from their checkpoints; if the old ones went on too, there would
    be two that write the same files.

    Raises HwcoreError if there was such a call and Slurm does not answer.
    """
    calls = sorted(path.name for path in _CALLS.glob("*"))
    if not calls:
        return 0
    question = ("squeue", "--noheader", "--format=%i", f"--name={','.join(calls)}")
    jobs = _ask(*question).split()
    if jobs:
        _ask("scancel", *jobs)
        deadline = time.monotonic() + _PATIENCE
        while _ask(*question).split() and time.monotonic() < deadline:
            time.sleep(1)
    for call in calls:
        end(call)
    return len(jobs)


def _ask(*command: str) -> str:
    """What a command of Slurm prints.  Raises HwcoreError if Slurm does not answer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE).stdout
    except (OSError, subprocess.SubprocessError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        # the last line says what failed, and without its service for credentials an earlier one why
        reason = next((line for line in lines if "Munge encode failed" in line), lines[-1])
        reason = re.sub(r"^\w+: error: ", "", reason)
        raise _silent(reason) from error


def _silent(reason: str) -> HwcoreError:
    return HwcoreError(
        f"Slurm does not answer ({reason}).\nRun this command on a machine where `sinfo` and `sbatch` work."
    )


def _nearest(nodes: Iterable[Node], request: Request) -> Node:
    """The node that lacks the fewest kinds of what is asked for; of several the largest."""
    return max(nodes, key=lambda node: (-len(request.beyond(node)), node.gpus, node.cpus, node.memory))


def _number(value: object) -> int:
    """0 for what is not set, or not known before the job runs."""
    return max(value, 0) if isinstance(value, int) else 0


def _gpus(resources: str) -> int:
    """Their number in Slurm's list of generic resources, such as ``gpu:a100:2(S:0-1),shard:8``."""
    amounts = [names.split(":")[-1] for names in re.findall(r"(?:^|,)gpu((?::[^:,()]+)*)", resources)]
    return sum(int(amount) if amount.isdigit() else 1 for amount in amounts)


def _minutes(limit: str) -> float:
    """A limit of time as sinfo writes it, such as ``30:00``, ``4:00:00``, ``2-00:00:00`` or ``infinite``."""
    days, _, clock = limit.rpartition("-")
    if ":" not in clock:
        return math.inf
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return 1440 * int(days or 0) + seconds / 60


def _words(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
