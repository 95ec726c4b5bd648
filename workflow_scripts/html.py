"""Turn the page of one study into a self-contained HTML file.

In: the Markdown page, the SVG figures and the numbers of these.  Out: the HTML page.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.html import to_html


def work(job: Job) -> None:
    data = {key.removesuffix(".data"): path for key, path in job.inputs.items() if key.endswith(".data")}
    to_html(job.inputs["md"], job.outputs["html"], data=data, forms=job.spec["forms"])


if __name__ == "__main__":
    run("html", work)
