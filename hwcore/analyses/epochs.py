"""Any analysis of weights, at every epoch of which they are recorded."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from hwcore.analyses.run import Run


def over_epochs(
    analyse: Callable[..., pd.DataFrame], runs: Mapping[str, Run], options: Mapping[str, Any]
) -> pd.DataFrame:
    """The tables of ``analyse`` for the recorded weights of each model, one below the other.

    The second column is the ``epoch``: 0 before training, a fraction within an epoch.  A replicate that stopped
    early keeps its last weights, and so its values, until the last epoch of the others.

    Raises what ``analyse`` raises.
    """
    tables = []
    for name, run in runs.items():
        for record, epoch in enumerate(run.snapshots[0]):
            table = analyse({name: run.at(record)}, **options)
            table.insert(1, "epoch", epoch)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)
