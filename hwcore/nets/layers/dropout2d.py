from torch import Tensor

from hwcore.nets.layer import Pass, drop
from hwcore.nets.specs.dropout2d import Dropout2D


def forward(layer: Dropout2D, name: str, x: Tensor, run: Pass) -> Tensor:
    if not run.drops:
        return x
    return drop(x, layer.p, (len(x), x.shape[1] // run.replicates, 1, 1), run.generators())
