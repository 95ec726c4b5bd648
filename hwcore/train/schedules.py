"""Learning-rate schedules, by torch."""

import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, LRScheduler, StepLR

from hwcore.train.spec import Cosine, Exponential, OneCycle, Step, Training


class LearningRate:
    """What changes the learning rate of an optimizer: after each step, after each epoch, or both.

    Each of torch's schedulers multiplies the rate, so a warm-up goes with any that changes it after an epoch.
    """

    def __init__(self, training: Training, optimizer: Optimizer, steps_per_epoch: int) -> None:
        self._optimizer = optimizer
        self._after_steps: list[LRScheduler] = []
        self._after_epochs: list[LRScheduler] = []
        schedule = training.scheduler
        if isinstance(schedule, Step):
            self._after_epochs = [StepLR(optimizer, schedule.step_size, schedule.gamma)]
        elif isinstance(schedule, Exponential):
            self._after_epochs = [ExponentialLR(optimizer, schedule.gamma)]
        elif isinstance(schedule, Cosine):
            self._after_epochs = [CosineAnnealingLR(optimizer, training.epoch_count(steps_per_epoch))]
        elif isinstance(schedule, OneCycle):
            self._after_steps = [LambdaLR(optimizer, _one_cycle(schedule, training.length(steps_per_epoch)))]
        if training.warmup:
            self._after_steps.append(LinearLR(optimizer, 1 / training.warmup, total_iters=training.warmup - 1))

    @property
    def now(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def end_step(self) -> None:
        """Go on to the learning rate of the next step."""
        for scheduler in self._after_steps:
            scheduler.step()

    def end_epoch(self) -> None:
        """Go on to the learning rate of the next epoch."""
        for scheduler in self._after_epochs:
            scheduler.step()

    def state(self) -> list[dict[str, Any]]:
        return [scheduler.state_dict() for scheduler in (*self._after_steps, *self._after_epochs)]

    def load(self, state: list[dict[str, Any]]) -> None:
        for scheduler, saved in zip((*self._after_steps, *self._after_epochs), state, strict=True):
            scheduler.load_state_dict(saved)


def _one_cycle(schedule: OneCycle, steps: int) -> Callable[[int], float]:
    """The share of the highest learning rate in each of ``steps`` steps, counted from 0.

    As torch.optim.lr_scheduler.OneCycleLR has it, which divides by zero where the rise has but one step.
    """
    first = 1 / schedule.div_factor
    final = first / schedule.final_div_factor
    top, end = schedule.pct_start * steps - 1, steps - 1

    def share(step: int) -> float:
        if step < top:
            return _half_cosine(first, 1.0, step / top)
        return _half_cosine(1.0, final, (step - top) / (end - top))

    return share


def _half_cosine(start: float, end: float, at: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * at))
