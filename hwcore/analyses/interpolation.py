"""Loss and accuracy on the straight line between two trained networks."""

import numpy as np
import pandas as pd

from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.train.evaluate import evaluate


def analyse(runs: dict[str, Run], *, between: list[str], alphas: dict[str, float]) -> pd.DataFrame:
    """Metrics of θ(α) = (1 − α) θ₁ + α θ₂ (Goodfellow et al. 2015, arXiv:1412.6544).

    Replicate r of the first model is joined to replicate r of the second, for ``alphas["count"]``
    even steps from ``start`` to ``stop``.  At α = 0 and 1 the weights are exactly those of the
    models.  Columns: replicate, alpha, train_loss, test_loss and the accuracies.

    Raises HwcoreError if the two networks differ.
    """
    first, second = (runs[name] for name in between)
    if first.network != second.network:
        raise HwcoreError(f"interpolation: {between[0]} and {between[1]} have different networks")
    replicates = min(first.replicates, second.replicates)
    data, loss = first.data, first.job.training.loss
    rows = []
    # rounding would put 0.9999999999999999 for 1, and the models themselves would be missed
    for alpha in np.linspace(alphas["start"], alphas["stop"], int(alphas["count"])).round(12):
        parameters, buffers = (
            {
                # not lerp: (1 − α) a + α b is exactly a at 0 and b at 1
                name: (1 - alpha) * weights[0][name][:replicates] + alpha * weights[1][name][:replicates]
                for name in weights[0]
            }
            for weights in ((first.parameters, second.parameters), (first.buffers, second.buffers))
        )
        table = pd.DataFrame({"replicate": range(replicates), "alpha": alpha})
        for part, x, y in (("train", data.train_x, data.train_y), ("test", data.test_x, data.test_y)):
            losses, accuracies = evaluate(first.network, parameters, buffers, loss, x, y)
            table[f"{part}_loss"] = losses.cpu().numpy()
            if data.classes:
                table[f"{part}_accuracy"] = accuracies.cpu().numpy()
        rows.append(table)
    return pd.concat(rows, ignore_index=True).sort_values(["replicate", "alpha"], ignore_index=True)
