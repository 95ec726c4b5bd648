"""What is written before a run: the plan that workflow scripts read, and the place of Snakemake's records."""

import os
import shutil
from pathlib import Path
from typing import Any

from hwcore import calls
from hwcore.errors import HwcoreError, of_disk
from hwcore.files import read_json, write_json
from hwcore.integrity import put_aside
from hwcore.jobs import GROUPS, plan_files
from hwcore.plan import Plan
from hwcore.upgrade import bring_up_to_date

# Where Snakemake looks for its records of what made each file, and where they lie.
_LINK = Path(".snakemake/metadata")
_RECORDS = Path("results/.snakemake")


def write(plan: Plan, *, alone: bool = True, dry: bool = False) -> set[str]:
    """Write the plan files, each only if it changed, let Snakemake's records lie in results/, put damaged files aside.

    In results/ these records travel with a copy of them.  Where it is not ``alone`` here, the jobs of the other call
    stay in the plan files as they are, and where it is a ``dry`` run, all results do: nothing is put aside, removed or
    brought up to date.

    Returns the rules of the jobs that are not as the plan files were: these will run, if all is asked for.

    Raises HwcoreError if the folders cannot be written, or were made by a newer version, and if a job of another call
    would change.
    """
    changed: set[str] = set()
    plans: dict[Path, dict[str, Any]] = {}
    for job in plan.jobs.values():
        plans.setdefault(job.plan, {})[job.key] = job.as_json()
    try:
        if alone:
            bring_up_to_date(dry=dry)
        before = {path: _read(path) for path in plans}
        if not alone:
            jobs = [(before[path], key, job) for path, content in plans.items() for key, job in content.items()]
            if any(known.get(key, job) != job for known, key, job in jobs):
                raise HwcoreError(calls.others())
            plans = {path: {**before[path], **content} for path, content in plans.items()}
        for path, content in plans.items():
            changed |= {key.partition(":")[0] for key, job in content.items() if before[path].get(key) != job}
            if before[path] != content:
                write_json(path, content)
        _link_records()
        if alone and not dry:
            put_aside()
            _forget_removed(plan)
        plan.code.save()
    except OSError as error:
        said = of_disk(error) or f"{error.filename}: {error.strerror}; results/ must be a folder you can write"
        raise HwcoreError(said) from None
    return changed


def _forget_removed(plan: Plan) -> None:
    """Remove the plan files of studies that are no longer there."""
    for path in plan_files(plan.results):
        if path.stem not in (*plan.known, *GROUPS):
            path.unlink()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(path)
    except (FileNotFoundError, ValueError):
        return {}
    return content


def _link_records() -> None:
    _RECORDS.mkdir(parents=True, exist_ok=True)
    if _LINK.is_symlink():
        return
    if _LINK.is_dir():
        # an earlier call of Snakemake with another Snakefile left its own
        for record in _LINK.iterdir():
            os.replace(record, _RECORDS / record.name)
        shutil.rmtree(_LINK)
    _LINK.parent.mkdir(exist_ok=True)
    _LINK.symlink_to(os.path.relpath(_RECORDS, _LINK.parent), target_is_directory=True)
