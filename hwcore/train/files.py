"""The files of a run."""

from hwcore.train.spec import Record

FILES = {
    "checkpoint": "checkpoint.safetensors",  # the final weights of all replicates
    "metrics": "metrics.parquet",  # a row for each replicate and epoch
    "run": "run.json",  # settings, seeds, device, versions
    "snapshots": "snapshots.safetensors",  # weights at the start and at intervals
    "steps": "steps.parquet",  # a row for each replicate and step
}


def files(record: Record) -> dict[str, str]:
    """The files, by name, of a run of which this is kept."""
    optional = {"snapshots": record.weights_every is not None, "steps": record.steps}
    return {name: file for name, file in FILES.items() if optional.get(name, True)}
