"""Optimizers, by torch.

All are elementwise, so one optimizer on stacked parameters is R independent ones.
"""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from hwcore.train.spec import OPTIMIZERS, OptimizerName, Training

_CONSTRUCTORS: dict[OptimizerName, Callable[..., Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "sgd": partial(torch.optim.SGD, fused=True),
    "rmsprop": partial(torch.optim.RMSprop, foreach=True),
}


def make_optimizer(training: Training, parameters: Iterable[Tensor]) -> Optimizer:
    """The optimizer of ``training``, which has torch's names for the settings."""
    settings = {name: getattr(training, name) for name in OPTIMIZERS[training.optimizer].settings}
    return _CONSTRUCTORS[training.optimizer](
        parameters, lr=training.lr, weight_decay=training.weight_decay, maximize=training.maximize, **settings
    )
