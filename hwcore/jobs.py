"""What all workflow scripts share: finding their job, telling what went wrong, and proof.

A script is run as ``python -m workflow_scripts.<rule> PLAN NAME [FINGERPRINT]`` from the root of
the repository, by Snakemake or by hand.  PLAN is the file that the Snakefile writes for a study,
such as results/quick/plan/alluri.json, and NAME the job in it, such as alluri/function-cos/shallow.
"""

import argparse
import errno
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.files import read_json


@dataclass(frozen=True)
class Job:
    """One job as a script sees it; paths are relative to the root of the repository."""

    name: str
    fingerprint: str
    spec: Mapping[str, Any]
    settings: Mapping[str, Any]
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]


def run(rule: str, work: Callable[[Job], None]) -> None:
    """Do the ``work`` of the job named on the command line.

    A mistake that the user can mend is told in a line or two, without a traceback, and the
    process ends with status 1.  A job that loaded an hwcore module which its fingerprint does not
    cover fails: its result would not be made again when that module changes.
    """
    parser = argparse.ArgumentParser(prog=f"python -m workflow_scripts.{rule}", description=run.__doc__)
    parser.add_argument("plan", type=Path, help="results/<scale>/plan/<study>.json")
    parser.add_argument("name", help="the job, e.g. alluri/function-cos/shallow")
    parser.add_argument("fingerprint", nargs="?", help="what the job must be; any if left out")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("hwcore").setLevel(logging.INFO)
    try:
        said = _find(arguments.plan, rule, arguments.name, arguments.fingerprint)
        inputs = {key: Path(path) for key, path in said["inputs"].items()}
        outputs = {key: Path(path) for key, path in said["outputs"].items()}
        work(Job(arguments.name, said["fingerprint"], said["spec"], said["settings"], inputs, outputs))
        _check_modules(said["modules"])
    except HwcoreError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        sys.exit(f"error: {error.filename or arguments.name}: {error.strerror}; {_REMEDIES[error.errno]}")


_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space and run the same command again",
    errno.EACCES: "make the folder writable and run the same command again",
    errno.EROFS: "the disk is read-only; work in a folder that can be written",
}


def _find(plan: Path, rule: str, name: str, fingerprint: str | None) -> dict[str, Any]:
    try:
        jobs = read_json(plan)
    except FileNotFoundError:
        raise HwcoreError(f"{plan}: no such plan; `snakemake --dry-run` writes it") from None
    key = f"{rule}:{name}"
    if key not in jobs:
        names = [known.removeprefix(f"{rule}:") for known in jobs if known.startswith(f"{rule}:")]
        raise HwcoreError(f"{plan}: no {rule} job {name!r}; there are: {', '.join(names) or 'none'}")
    job: dict[str, Any] = jobs[key]
    if fingerprint not in (None, job["fingerprint"]):
        raise HwcoreError(f"{plan}: {name} changed since this run was planned; run the same command again")
    return job


def _check_modules(covered: list[str]) -> None:
    loaded = {name for name in sys.modules if name == "hwcore" or name.startswith("hwcore.")}
    missed = sorted(loaded - {*covered, "hwcore"})
    if missed:
        raise HwcoreError(f"{', '.join(missed)} was loaded without being part of the job's fingerprint")
