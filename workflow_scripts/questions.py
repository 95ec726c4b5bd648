"""Write the page across studies: question by question, what all of them ran, measured and claimed.

In: the tables that answer each question, the recipes of the figures, and the judged claims of all studies.  Out: the
Markdown page.
"""

from hwcore.jobs import Job, run
from hwcore.reporting.questions import questions
from hwcore.tables import read_tables


def work(job: Job) -> None:
    tables = {}
    for question in job.spec["questions"]:
        own = {key: path for key, path in job.inputs.items() if key.startswith(f"{question['id']}/rows/")}
        if own:
            read = read_tables({key.removeprefix(f"{question['id']}/"): path for key, path in own.items()})
            tables[question["id"]] = read["rows"]
    questions(job.spec, tables, job.inputs["claims"], job.outputs["markdown"])


if __name__ == "__main__":
    run("questions", work)
