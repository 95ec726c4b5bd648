"""Turn the page of one study into LaTeX.

In: the Markdown page.  Out: the LaTeX file.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.latex import to_latex


def work(job: Job) -> None:
    to_latex(job.inputs["md"], job.outputs["tex"])


if __name__ == "__main__":
    run("latex", work)
