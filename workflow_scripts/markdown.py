"""Write the Markdown page of one study.

In: its judged claims and the recipes of its runs, tables and figures.  Out: the page.
"""

from pathlib import Path

from hwcore.jobs import Job, plan_file, run
from hwcore.reporting.markdown import render


def work(job: Job) -> None:
    template = Path(job.settings["template"])
    # the data sets have a plan of their own
    plans = [plan_file(job.plan.parents[1], "data"), job.plan]
    render(
        dict(job.spec["page"]),
        template,
        job.inputs["claims"],
        job.outputs["markdown"],
        plans=[plan for plan in plans if plan.is_file()],
    )


if __name__ == "__main__":
    run("markdown", work)
