"""Download the archives of one torchvision data set and check them.

In: nothing but the network or a mirror.  Out: the archive files under the data set's root, and a
manifest that lists them.
"""

from pathlib import Path

from hwcore.data.download import download
from hwcore.files import write_json
from hwcore.jobs import Job, run


def work(job: Job) -> None:
    download(job.name, job.spec["identity"], job.settings)
    root = Path(job.settings["root"])
    files = {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}
    write_json(job.outputs["manifest"], {"dataset": job.name, "bytes": files})


if __name__ == "__main__":
    run("download", work)
