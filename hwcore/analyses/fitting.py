"""How long it takes to fit the training labels, the random ones too."""

import numpy as np
import pandas as pd

from hwcore.analyses.run import Run
from hwcore.data.spec import DatasetData


def analyse(runs: dict[str, Run], *, accuracy: float) -> pd.DataFrame:
    """The first epoch whose training accuracy is at least ``accuracy`` (Zhang et al. 2017, arXiv:1611.03530)."""
    return pd.concat([_measure(name, run, accuracy) for name, run in runs.items()], ignore_index=True)


def _measure(name: str, run: Run, accuracy: float) -> pd.DataFrame:
    data = run.spec.data
    assert isinstance(data, DatasetData)
    by = run.metrics.sort_values("epoch").groupby("replicate")
    table = by[["epoch", "train_accuracy", "test_accuracy"]].last().rename(columns={"epoch": "epochs"})
    there = run.metrics[run.metrics.train_accuracy >= accuracy].groupby("replicate").epoch.min()
    first = there.reindex(table.index).astype(float)
    steps = -(-len(run.data.train_x) // run.batch_size)
    table = table.reset_index().assign(model=name, random_labels=data.random_labels)
    table["fitted"] = np.isfinite(first.to_numpy())
    table["epochs_to_fit"] = first.to_numpy()
    # the last epoch may be a part of one
    table["steps_to_fit"] = (first.to_numpy() * steps).clip(max=run.spec.training.length(steps))
    columns = ["model", "replicate", "random_labels", "fitted", "epochs_to_fit", "steps_to_fit", "epochs"]
    return table[[*columns, "train_accuracy", "test_accuracy"]]
