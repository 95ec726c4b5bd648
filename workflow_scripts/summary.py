"""Join the judged claims of all studies.

In: the claims of each study.  Out: one table of them all.
"""

import pandas as pd

from hwcore.files import write_table
from hwcore.jobs import Job, run


def work(job: Job) -> None:
    write_table(job.outputs["claims"], pd.concat(map(pd.read_parquet, job.inputs.values()), ignore_index=True))


if __name__ == "__main__":
    run("summary", work)
