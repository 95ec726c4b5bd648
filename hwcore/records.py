"""What is written before a run: the plan that workflow scripts read, and the place of Snakemake's records."""

import os
import shutil
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.files import write_json
from hwcore.plan import Plan

# Where Snakemake looks for its records of what made each file, and where they lie.
_LINK = Path(".snakemake/metadata")
_RECORDS = Path("results/.snakemake")


def write(plan: Plan) -> None:
    """Write the plan files, each only if it changed, and let Snakemake's records lie in results/.

    So they travel with a copy of the results: in a fresh clone with results/ copied in, nothing is
    stale, and what is edited there later is seen.

    Raises HwcoreError if the folders cannot be written.
    """
    plans: dict[Path, dict[str, Any]] = {}
    for job in plan.jobs.values():
        plans.setdefault(job.plan, {})[job.key] = job.as_json()
    try:
        for path, content in plans.items():
            write_json(path, content, only_if_changed=True)
        _link_records()
        plan.code.save()
    except OSError as error:
        raise HwcoreError(f"{error.filename}: {error.strerror}; results/ must be a folder you can write") from None


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
