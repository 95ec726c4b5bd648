"""How good the trained models are: loss and accuracy on the training and test set."""

import pandas as pd

from hwcore.analyses.points import own_metrics
from hwcore.analyses.run import Run


def analyse(
    runs: dict[str, Run], *, samples: int | None = None, dropout: bool = False, test_loss_factor: float = 1.0
) -> pd.DataFrame:
    """One row per model and replicate, with the settings that experiments vary beside the metrics.

    Training metrics are those of the first ``samples`` training samples, or of all; test metrics are of all.
    With ``dropout`` both sets are measured with dropout active, with masks of each replicate's own; the test loss is
    multiplied by ``test_loss_factor``, before the gap is taken.
    """
    tables = [
        evaluated(name, run, samples=samples, dropout=dropout, test_loss_factor=test_loss_factor)
        for name, run in runs.items()
    ]
    return pd.concat(tables, ignore_index=True)


def gaps(name: str, run: Run) -> pd.DataFrame:
    """What a measure that is to tell generalisation stands beside: some columns of ``evaluated``."""
    columns = ["model", "replicate", "batch_size", "lr", "optimizer", "train_loss", "loss_gap"]
    table = evaluated(name, run)
    return table[[*columns, *(column for column in ("accuracy_gap", "stopped") if column in table)]]


def evaluated(
    name: str, run: Run, *, samples: int | None = None, dropout: bool = False, test_loss_factor: float = 1.0
) -> pd.DataFrame:
    """One row per replicate of a model, as of ``analyse``."""
    training = run.spec.training
    columns = {
        "model": name,
        "replicate": range(run.replicates),
        "parameters": run.parameter_count,
        "batch_size": run.batch_size,
        "lr": training.lr,
        "optimizer": training.optimizer,
        "weight_decay": training.weight_decay,
    }
    metrics = own_metrics(run, samples, dropout=dropout)
    table = pd.DataFrame({**columns, **{metric: values.numpy() for metric, values in metrics.items()}})
    table["test_loss"] *= test_loss_factor
    table["loss_gap"] = table.test_loss - table.train_loss
    if run.data.classes:
        table["accuracy_gap"] = table.train_accuracy - table.test_accuracy
    if run.spec.training.until and run.record is None:
        table["stopped"] = run.metrics.groupby("replicate").stopped.any().to_numpy()
    return table
