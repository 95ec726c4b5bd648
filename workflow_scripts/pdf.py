"""Typeset the page of one study.

In: the LaTeX file, or the Markdown page where there is no TeX, and the PDF figures.  Out: the PDF.
"""

from hwcore.jobs import Job, run
from hwcore.reporting import pdf, typst


def work(job: Job) -> None:
    if "tex" in job.inputs:
        pdf.to_pdf(job.inputs["tex"], job.outputs["pdf"])
    else:
        typst.to_pdf(job.inputs["md"], job.outputs["pdf"])


if __name__ == "__main__":
    run("pdf", work)
