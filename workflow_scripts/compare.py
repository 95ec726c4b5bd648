"""Tell how two plans differ: ``python -m workflow_scripts.compare OLD NEW``.

In: two folders of plans, such as results/full/plan of two checkouts, or two files in such folders.  Out: the jobs
that only one has, and what the specifications, inputs and outputs of the others have changed, each change once
with the jobs that have it.  Code and packages are left out: two plans that say the same are equal, whatever carries
them out.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.files import read_json
from hwcore.stale import NOTHING, changes

_PARTS = ("spec", "settings", "inputs", "outputs")
_MAXIMUM = 4  # jobs of one change that are named; of more their number is given


def jobs(plan: Path) -> dict[str, Any]:
    """The jobs of all plans in a folder, or of one file, by rule and name.

    Raises HwcoreError if there are none.
    """
    # the data sets of all scales are planned in results/plan
    shared = plan.absolute().parent.parent / "plan/data.json"
    files = [*sorted(plan.glob("*.json")), *([shared] if shared.is_file() else [])] if plan.is_dir() else [plan]
    try:
        result = {key: job for file in files for key, job in read_json(file).items()}
    except (OSError, ValueError, AttributeError):
        result = {}
    if not result:
        raise HwcoreError(f"{plan}: is no plan; `snakemake --dry-run report` writes results/<scale>/plan")
    return result


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """A line for each job that only one plan has, and for each change of the others."""
    for sign, some, others in (("-", old, new), ("+", new, old)):
        yield from (f"{sign} {key}" for key in some if key not in others)
    changed: dict[tuple[str, str], list[str]] = {}
    for key in old.keys() & new.keys():
        for part in _PARTS:
            for path, before, after in changes(old[key][part], new[key][part], part):
                rule = key.partition(":")[0]
                changed.setdefault((f"{rule}: {path}", f"{_json(before)} → {_json(after)}"), []).append(key)
    for (path, change), keys in sorted(changed.items()):
        names = ", ".join(sorted(key.partition(":")[2] for key in keys))
        yield f"~ {path}: {change}  ({names if len(keys) <= _MAXIMUM else f'{len(keys)} jobs'})"


def _json(value: Any) -> str:
    return "nothing" if value is NOTHING else json.dumps(value, ensure_ascii=False)


def main(arguments: list[str]) -> str | None:
    """Print the differences; returns what is wrong with the call."""
    if len(arguments) != 2:
        return "error: name two plans: python -m workflow_scripts.compare OLD/results/full/plan NEW/results/full/plan"
    try:
        lines = list(differences(*(jobs(Path(argument)) for argument in arguments)))
    except HwcoreError as error:
        return f"error: {error}"
    print("\n".join(lines) or "no difference")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
