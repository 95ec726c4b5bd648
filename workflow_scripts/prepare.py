"""Turn one data set into the tensors that training maps into memory.

In: the downloaded archives, a folder or an archive of images, or nothing for generated sets.
Out: one safetensors file with uint8 images and int64 labels of the training and test set, and its recipe.
"""

from hwcore.data.prepare import prepare
from hwcore.files import write_json
from hwcore.jobs import Job, run
from hwcore.provenance import recipe


def work(job: Job) -> None:
    prepare(job.spec["dataset"], job.spec["identity"], job.outputs["prepared"], job.settings)
    write_json(job.outputs["recipe"], recipe(job.spec, ["torchvision", "scikit-learn", "pillow", "numpy"]))


if __name__ == "__main__":
    run("prepare", work)
