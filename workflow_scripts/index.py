"""Write the index: all studies side by side.

In: the judged claims of all studies.  Out: one HTML page.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.index import index


def work(job: Job) -> None:
    spec = job.spec
    index(spec["studies"], spec["forms"], job.inputs["claims"], job.outputs["html"], questions=spec["questions"])


if __name__ == "__main__":
    run("index", work)
