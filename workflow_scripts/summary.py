"""Join the judged claims of all studies.

In: the claims of each study.  Out: one table of them all, and the same as JSON.
"""

import pandas as pd

from hwcore.claims.ledger import records
from hwcore.files import write_json, write_table
from hwcore.jobs import Job, run


def work(job: Job) -> None:
    claims = pd.concat(map(pd.read_parquet, job.inputs.values()), ignore_index=True)
    write_table(job.outputs["claims"], claims)
    write_json(job.outputs["json"], records(claims))


if __name__ == "__main__":
    run("summary", work)
