"""Judge the claims of one study.

In: the tables that the claims name, of their experiments and of the variants of these.  Out: one row per
claim with its statistics and verdict.
"""

import pandas as pd

from hwcore.claims.cuts import Cut
from hwcore.claims.judge import Case, Variant, judge
from hwcore.claims.spec import Claim
from hwcore.files import write_table
from hwcore.jobs import Job, run
from hwcore.tables import read_tables


def work(job: Job) -> None:
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for experiment, models in job.spec["models"].items():
        own = {key: path for key, path in job.inputs.items() if key.startswith(f"{experiment}/")}
        read = read_tables({key.removeprefix(f"{experiment}/"): path for key, path in own.items()})
        tables |= {(experiment, name): table for name, table in read.items()}
        tables[experiment, "models"] = pd.DataFrame(models)
    cases = {
        id: Case(
            **{
                **case,
                "claim": Claim.model_validate(case["claim"]),
                "variants": [Variant(**{**each, "cut": Cut(**each["cut"])}) for each in case.get("variants", [])],
                "cut": Cut(**case.get("cut", {})),
                "otherwise": {words: Cut(**cut) for words, cut in case.get("otherwise", {}).items()},
            }
        )
        for id, case in job.spec["cases"].items()
    }
    write_table(job.outputs["claims"], judge(job.spec["study"], cases, tables, judged=job.spec["judged"]))


if __name__ == "__main__":
    run("judge", work)
