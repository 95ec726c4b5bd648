"""Typeset the page of one study.

In: the LaTeX file and the PDF figures.  Out: the PDF.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.pdf import to_pdf


def work(job: Job) -> None:
    to_pdf(job.inputs["tex"], job.outputs["pdf"])


if __name__ == "__main__":
    run("pdf", work)
