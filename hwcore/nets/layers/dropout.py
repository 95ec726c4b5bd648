from torch import Tensor

from hwcore.nets.layer import Pass, drop, from_images
from hwcore.nets.specs.dropout import Dropout


def forward(layer: Dropout, name: str, x: Tensor, run: Pass) -> Tensor:
    if not run.drops:
        return x
    return drop(x, layer.p, from_images(x, run.replicates).shape[1:], run.generators())
