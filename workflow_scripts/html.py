"""Turn the page of one study into a self-contained HTML file.

In: the Markdown page and the SVG figures.  Out: the HTML page.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.html import to_html


def work(job: Job) -> None:
    to_html(job.inputs["md"], job.outputs["html"])


if __name__ == "__main__":
    run("html", work)
