"""Optimizers and learning-rate schedules, by torch.

All are elementwise, so one optimizer on stacked parameters is R independent ones.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LRScheduler, StepLR

from hwcore.train.spec import Cosine, Exponential, Step, Training


def make_optimizer(training: Training, parameters: Iterable[Tensor]) -> Optimizer:
    if training.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=training.lr, weight_decay=training.weight_decay, fused=True)
    if training.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=training.lr, momentum=training.momentum, weight_decay=training.weight_decay, fused=True
        )
    return torch.optim.RMSprop(
        parameters, lr=training.lr, momentum=training.momentum, weight_decay=training.weight_decay, foreach=True
    )


def make_scheduler(training: Training, optimizer: Optimizer) -> LRScheduler | None:
    """The schedule, to be stepped after each epoch; None for a constant learning rate."""
    scheduler = training.scheduler
    if isinstance(scheduler, Step):
        return StepLR(optimizer, scheduler.step_size, scheduler.gamma)
    if isinstance(scheduler, Exponential):
        return ExponentialLR(optimizer, scheduler.gamma)
    if isinstance(scheduler, Cosine):
        return CosineAnnealingLR(optimizer, training.epochs)
    return None
