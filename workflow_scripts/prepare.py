"""Turn one data set into the tensors that training maps into memory.

In: the downloaded archives, a folder or an archive of images, or nothing for generated sets.
Out: one safetensors file with uint8 images and int64 labels of the training and test set.
"""

from hwcore.data.prepare import prepare
from hwcore.jobs import Job, run


def work(job: Job) -> None:
    prepare(job.name, job.spec["identity"], job.outputs["prepared"], job.settings)


if __name__ == "__main__":
    run("prepare", work)
