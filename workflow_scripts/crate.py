"""Describe finished results as an RO-Crate.

In: all that was made at a scale.  Out: ro-crate-metadata.json, and beside it a copy of the workflow's sources.
"""

from hwcore.jobs import Job, plan_file, run
from hwcore.reporting.crate import write_crate


def work(job: Job) -> None:
    metadata = job.outputs["metadata"]
    plans = [plan_file(metadata.parent, name) for name in ("data", *job.spec["studies"], "summary")]
    write_crate(job.spec, job.settings, [plan for plan in plans if plan.is_file()], metadata)


if __name__ == "__main__":
    run("crate", work)
