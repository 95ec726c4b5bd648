"""Write the index: all studies side by side.

In: the judged claims of all studies, and the numbers of the figures across studies.  Out: one HTML page.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.index import index


def work(job: Job) -> None:
    spec = job.spec
    claims, numbers = job.inputs["claims"], {key: path for key, path in job.inputs.items() if key != "claims"}
    index(
        spec["studies"],
        spec["forms"],
        claims,
        job.outputs["html"],
        questions=spec["questions"],
        numbers=numbers,
        others=spec["others"],
    )


if __name__ == "__main__":
    run("index", work)
