"""Describe finished results as an RO-Crate.

In: all that was made at a scale.  Out: ro-crate-metadata.json, and beside it a copy of the workflow's sources.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.crate import write_crate


def work(job: Job) -> None:
    plans = [job.plan.with_name(f"{name}.json") for name in ("data", *job.spec["studies"], "summary")]
    write_crate(job.spec, job.settings, [plan for plan in plans if plan.is_file()], job.outputs["metadata"])


if __name__ == "__main__":
    run("crate", work)
