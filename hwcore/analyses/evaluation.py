"""How good the trained models are: loss and accuracy on the whole training and test set."""

import pandas as pd

from hwcore.analyses.run import Run
from hwcore.train.evaluate import evaluate


def analyse(runs: dict[str, Run]) -> pd.DataFrame:
    """One row per model and replicate, with the settings that experiments vary beside the metrics.

    Columns: model, replicate, parameters, batch_size, lr, optimizer, weight_decay, train_loss,
    test_loss, loss_gap (test minus training) and, for classification, train_accuracy, test_accuracy
    (fractions) and accuracy_gap (training minus test).
    """
    return pd.concat([_evaluate(name, run) for name, run in runs.items()], ignore_index=True)


def _evaluate(name: str, run: Run) -> pd.DataFrame:
    training, data = run.job.training, run.data
    columns = {
        "model": name,
        "replicate": range(run.replicates),
        "parameters": run.network.parameters(),
        "batch_size": run.batch_size,
        "lr": training.lr,
        "optimizer": training.optimizer,
        "weight_decay": training.weight_decay,
    }
    for part, x, y in (("train", data.train_x, data.train_y), ("test", data.test_x, data.test_y)):
        loss, accuracy = evaluate(run.network, run.parameters, run.buffers, training.loss, x, y)
        columns[f"{part}_loss"] = loss.cpu().numpy()
        if data.classes:
            columns[f"{part}_accuracy"] = accuracy.cpu().numpy()
    table = pd.DataFrame(columns)
    table["loss_gap"] = table.test_loss - table.train_loss
    if data.classes:
        table["accuracy_gap"] = table.train_accuracy - table.test_accuracy
    return table
