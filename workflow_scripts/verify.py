"""Check that results are as they were written: ``python -m workflow_scripts.verify [results/<scale>]``.

In: the plan of a scale, its results and the records of its jobs.  Out: a line for each damaged or missing file
on standard output; the exit code says whether there is any.
"""

import sys
from pathlib import Path

from hwcore.integrity import damaged
from hwcore.jobs import plan_files, planned


def _damage(path: Path, record: Path) -> str:
    return damaged(path, record) if path.exists() else "is missing"


if __name__ == "__main__":
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/quick")
    jobs = planned(plan_files(results)) if results.is_dir() else []
    # what no job has made is not missing
    files = {path: job.timing for job in jobs if job.timing.is_file() for path in job.outputs.values()}
    if not files:
        sys.exit(f"error: {results}: no results are there; run `snakemake --cores 8 report` first")
    found = {path: damage for path, record in files.items() if (damage := _damage(path, record))}
    for path, damage in found.items():
        print(f"{path}: {damage}")
    if found:
        again = f"snakemake --cores 8 report --forcerun {' '.join(map(str, found))} --config scale={results.name}"
        sys.exit(f"{len(found)} of {len(files):,} files are damaged or missing; make them again: {again}")
    print(f"all {len(files):,} files are as they were written")
