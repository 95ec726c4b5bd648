"""One job of the pipeline: what it is, finding it in the plan, doing it, and proof.

A workflow script is run as ``python -m workflow_scripts.<rule> PLAN NAME [FINGERPRINT]`` from the root of
the repository, by hand or by Snakemake (through ``hwcore.launch``).  PLAN is the file that the Snakefile
writes for a study, such as results/quick/plan/alluri.json, and NAME the job in it, such as
alluri/function-cos/shallow.
"""

import argparse
import logging
import os
import platform
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError, of_disk, of_gpu, of_memory
from hwcore.files import read_json, write_json
from hwcore.integrity import check, checksums
from hwcore.machine import machine
from hwcore.provenance import commit

# What a fingerprint covers; records keep it, so that a change can be told.
PARTS = ("stated", "code", "versions", "inputs")


@dataclass(frozen=True)
class Job:
    """One job; all paths are relative to the root of the repository.

    ``plan`` is the file that describes it.  ``spec`` decides the outcome; ``settings`` (device, mirror,
    folders) do not.  ``inputs`` and ``outputs`` have the names that the workflow script uses.  ``modules`` are
    all of hwcore that it may load, and ``fingerprint`` is a hash over all that decides its outcome.  What a run
    of it took, the checksums of what it read and made, and what it was then, go to ``timing``; ``makers`` are the like
    of the jobs that made its inputs, by input.  ``parts`` are what its fingerprint covers, by the names in PARTS:
    ``spec`` without what is left at its default, a hash of each of its modules that count, the versions of packages,
    and the fingerprints of the jobs that make its inputs.
    """

    rule: str
    name: str
    plan: Path
    spec: Mapping[str, Any]
    settings: Mapping[str, Any]
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    timing: Path
    makers: Mapping[Path, Path] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    fingerprint: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name among the jobs of all rules."""
        return f"{self.rule}:{self.name}"

    def as_json(self) -> dict[str, Any]:
        return {
            "spec": self.spec,
            "settings": self.settings,
            "inputs": {key: str(path) for key, path in self.inputs.items()},
            "outputs": {key: str(path) for key, path in self.outputs.items()},
            "timing": str(self.timing),
            "makers": {str(path): str(record) for path, record in self.makers.items()},
            "modules": list(self.modules),
            "fingerprint": self.fingerprint,
            "parts": self.parts,
        }

    @classmethod
    def from_json(cls, rule: str, name: str, plan: Path, values: Mapping[str, Any]) -> "Job":
        return cls(
            rule=rule,
            name=name,
            plan=plan,
            spec=values["spec"],
            settings=values["settings"],
            inputs={key: Path(path) for key, path in values["inputs"].items()},
            outputs={key: Path(path) for key, path in values["outputs"].items()},
            timing=Path(values["timing"]),
            makers={Path(path): Path(record) for path, record in values["makers"].items()},
            modules=tuple(values["modules"]),
            fingerprint=values["fingerprint"],
            parts=values.get("parts", {}),
        )


# The groups of jobs that are those of no study.
GROUPS = ("data", "summary", "crate")


def plan_file(results: Path, group: str) -> Path:
    """Where the jobs of a group are planned: a study, or one of GROUPS.

    Data sets are the same at every scale.  So is the file that plans them, as Snakemake knows a job by its command:
    after one at another scale it would prepare them again, and train again all that was trained on them.
    """
    return (results.parent if group == "data" else results) / "plan" / f"{group}.json"


def plan_files(results: Path) -> list[Path]:
    """The plans of results/<scale> that are there."""
    data = plan_file(results, "data")
    return [*([data] if data.is_file() else []), *sorted((results / "plan").glob("*.json"))]


def planned(plans: Iterable[Path]) -> list[Job]:
    """All jobs of some plan files, in their order."""
    return [
        Job.from_json(rule, name, plan, values)
        for plan in plans
        for (rule, _, name), values in ((key.partition(":"), values) for key, values in read_json(plan).items())
    ]


def run(rule: str, work: Callable[[Job], None]) -> None:
    """Do the ``work`` of the job named on the command line.

    A mistake that the user can mend is told in a line or two, without a traceback, and the
    process ends with status 1.  A job that loaded an hwcore module which its fingerprint does not
    cover fails: its result would not be made again when that module changes.
    """
    started = time.time()
    parser = argparse.ArgumentParser(prog=f"python -m workflow_scripts.{rule}", description=run.__doc__)
    parser.add_argument("plan", type=Path, help="results/<scale>/plan/<study>.json")
    parser.add_argument("name", help="the job, e.g. alluri/function-cos/shallow")
    parser.add_argument("fingerprint", nargs="?", help="what the job must be; any if left out")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("hwcore").setLevel(logging.INFO)
    try:
        job = _find(arguments.plan, rule, arguments.name, arguments.fingerprint)
        _check_inputs(job.inputs.values())
        read = check(job.makers)
        _bring_to_present(job.inputs.values())
        work(job)
        _check_modules(job.modules)
        known = {
            **_timing(started),
            "sha256": checksums(job.outputs.values()),
            "read": read,
            "job": {"fingerprint": job.fingerprint, **job.parts},
        }
        write_json(job.timing, known)
    except HwcoreError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        said = of_disk(error, arguments.name)
        if said is None:
            raise
        sys.exit(f"error: {said}")
    except (MemoryError, RuntimeError) as error:
        said = of_memory(error, machine()["memory_mb"]) or of_gpu(error)
        if said is None:
            raise
        sys.exit(f"error: {arguments.name}: {said}")


def _check_inputs(paths: Iterable[Path]) -> None:
    """For jobs that are run by hand; Snakemake makes what is missing."""
    for path in paths:
        if not path.exists():
            results = re.match("results/([^/]+)/", path.as_posix())
            scale = f" --config scale={results[1]}" if results and results[1] != "data" else ""
            raise HwcoreError(f"{path}: is not there; `snakemake --cores 8 {path}{scale}` makes it")


def _bring_to_present(paths: Iterable[Path]) -> None:
    """Give files of the future, where a clock was set back, the time of now.

    Snakemake fails a job whose outputs are older than its inputs.  Nothing else is read from the times.
    """
    now = time.time()
    for path in paths:
        with suppress(OSError):
            if path.stat().st_mtime > now:
                os.utime(path)


def _find(plan: Path, rule: str, name: str, fingerprint: str | None) -> Job:
    try:
        jobs = read_json(plan)
    except FileNotFoundError:
        raise HwcoreError(f"{plan}: no such plan; `snakemake --dry-run` writes it") from None
    key = f"{rule}:{name}"
    if key not in jobs:
        names = [known.removeprefix(f"{rule}:") for known in jobs if known.startswith(f"{rule}:")]
        raise HwcoreError(f"{plan}: no {rule} job {name!r}; there are: {', '.join(names) or 'none'}")
    job = Job.from_json(rule, name, plan, jobs[key])
    if fingerprint not in (None, job.fingerprint):
        raise HwcoreError(f"{plan}: {name} changed since this run was planned; run the same command again")
    return job


def _check_modules(covered: tuple[str, ...]) -> None:
    loaded = {name for name in sys.modules if name == "hwcore" or name.startswith("hwcore.")}
    missed = sorted(loaded - {*covered, "hwcore"})
    if missed:
        raise HwcoreError(f"{', '.join(missed)} was loaded without being part of the job's fingerprint")


def _timing(started: float) -> dict[str, Any]:
    """When the call of Snakemake had its plan, and when the job was launched, did its first line and ended: in seconds
    since 1970.  Whether it was forked from a server.  Its processor time in seconds, and the memory of its
    largest process in MB.  The machine, the commit and the version of Python.
    """
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    # by hand there was nothing before it
    launched = float(os.environ.get("HWCORE_LAUNCHED", started))
    return {
        "called": float(os.environ.get("HWCORE_CALLED", launched)),
        "launched": launched,
        "started": started,
        "ended": time.time(),
        "forked": "HWCORE_FORKED" in os.environ,
        "cpu_seconds": round(sum(each.ru_utime + each.ru_stime for each in usage), 3),
        # Linux counts in kB, macOS in bytes
        "memory_mb": round(max(each.ru_maxrss for each in usage) / (2**20 if sys.platform == "darwin" else 2**10)),
        "machine": machine(),
        "python": platform.python_version(),
        **commit(),
    }
