"""Write the Markdown page of one study.

In: its judged claims and the recipes of its runs, tables and figures.  Out: the page.
"""

from pathlib import Path

from hwcore.jobs import Job, run
from hwcore.reporting.markdown import render


def work(job: Job) -> None:
    template = Path(job.settings["template"])
    render(dict(job.spec["page"]), template, job.inputs["claims"], job.outputs["markdown"])


if __name__ == "__main__":
    run("markdown", work)
