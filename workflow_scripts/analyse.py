"""Compute one analysis of one experiment, over all its models and replicates.

In: the runs of the experiment's models.  Out: one Parquet table and its recipe.
"""

from importlib import import_module

from hwcore.analyses.run import Run
from hwcore.files import write_json, write_table
from hwcore.jobs import Job, run
from hwcore.provenance import recipe


def work(job: Job) -> None:
    runs = {
        model: Run.open(
            job.inputs[f"{model}/checkpoint"].parent,
            job.inputs.get(f"{model}/data"),
            device=job.settings["device"],
        )
        for model in job.spec["models"]
    }
    analysis = import_module(f"hwcore.analyses.{job.spec['kind']}")
    write_table(job.outputs["table"], analysis.analyse(runs, **job.spec["options"]))
    write_json(job.outputs["recipe"], recipe(job.spec, ["torch", "numpy", "scipy"]))


if __name__ == "__main__":
    run("analyse", work)
