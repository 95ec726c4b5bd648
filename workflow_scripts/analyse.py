"""Compute one analysis of one experiment, over all its models and replicates.

In: the runs of the experiment's models.  Out: one Parquet table and its recipe.
"""

from importlib import import_module

from hwcore.analyses.epochs import over_epochs
from hwcore.analyses.run import Run
from hwcore.files import write_json, write_table
from hwcore.jobs import Job, run
from hwcore.provenance import recipe
from hwcore.train.device import computing_on


def work(job: Job) -> None:
    analysis = import_module(f"hwcore.analyses.{job.spec['kind']}")
    with computing_on(job.settings["device"]) as device:
        runs = {
            model: Run.open(job.inputs[f"{model}/run"].parent, job.inputs.get(f"{model}/data"), device=device)
            for model in job.spec["models"]
        }
        options = dict(job.spec["options"])
        if options.pop("over", None) == "epochs":
            table = over_epochs(analysis.analyse, runs, options)
        else:
            table = analysis.analyse(runs, **options)
    write_table(job.outputs["table"], table)
    write_json(job.outputs["recipe"], recipe(job.spec, ["torch", "numpy", "scipy", "scikit-learn"]))


if __name__ == "__main__":
    run("analyse", work)
