"""What networks make of a function of one variable."""

import numpy as np
import pandas as pd
import torch

from hwcore.analyses.run import Run
from hwcore.data.functions import values
from hwcore.data.spec import FunctionData
from hwcore.nets.network import forward


def analyse(runs: dict[str, Run], *, points: int) -> pd.DataFrame:
    """Predictions on an even grid of ``points`` over the domain."""
    return pd.concat([_predict(name, run, points) for name, run in runs.items()], ignore_index=True)


@torch.no_grad()
def _predict(name: str, run: Run, points: int) -> pd.DataFrame:
    data = run.spec.data
    assert isinstance(data, FunctionData)
    x = np.linspace(*data.domain, points)
    inputs = torch.from_numpy(x).float().unsqueeze(1).to(run.device)
    outputs = forward(run.network, run.parameters, run.buffers, inputs)
    return pd.DataFrame(
        {
            "model": name,
            "replicate": np.repeat(np.arange(run.replicates), points),
            "x": np.tile(x, run.replicates),
            "target": np.tile(values(data, x), run.replicates),
            "prediction": outputs.double().flatten().cpu().numpy(),
        }
    )
