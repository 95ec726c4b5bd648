"""Train all replicates of one model.

In: the prepared data set, if the model is not trained on a function.  Out: a folder with the
final weights, the metrics of each epoch, run.json, and what else the experiment records.  A job
that was killed goes on from the state that it saved last.
"""

from hwcore.jobs import Job, run
from hwcore.train.device import available_threads
from hwcore.train.spec import RunSpec
from hwcore.train.train import train


def work(job: Job) -> None:
    spec = RunSpec.model_validate(job.spec)
    folder = job.outputs["checkpoint"].parent
    train(
        spec,
        job.inputs.get("data"),
        folder,
        device=job.settings["device"],
        threads=available_threads(),
        key=job.fingerprint,
        interval=job.settings["checkpoint_interval"],
    )


if __name__ == "__main__":
    run("train", work)
