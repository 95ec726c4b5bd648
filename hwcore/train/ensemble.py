"""Some replicates of a model in training, as one tensor program."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hwcore.data.load import Data
from hwcore.nets.network import forward
from hwcore.train.batches import Batches
from hwcore.train.evaluate import evaluate
from hwcore.train.loss import correct, losses
from hwcore.train.recorder import Epoch, Metrics, Recorder, Step
from hwcore.train.replicates import Replicates
from hwcore.train.spec import RunSpec
from hwcore.train.stopping import StoppingRule


class Ensemble:
    """The replicates ``numbers`` of a run; ``epoch`` trains them once through the data.

    Nothing is read back from the device during an epoch: losses, norms and accuracies add up there.
    """

    def __init__(self, spec: RunSpec, data: Data, batches: Batches, numbers: range, dtype: torch.dtype) -> None:
        where, until = data.train_y.device, spec.training.until
        self.spec, self.batches, self.dtype = spec, batches, dtype
        self.data = data.of_replicates(numbers)
        self.replicates = Replicates(spec, numbers, where)
        self.recorder = Recorder(spec, len(numbers), len(batches), where)
        self.rule = StoppingRule(until, len(numbers), where) if until else None
        self.done = 0  # epochs

    @property
    def finished(self) -> bool:
        return self.done == self.spec.training.epochs or len(self.replicates.going) == 0

    def epoch(self, clock: Callable[[], float]) -> Tensor:
        """Train one epoch, evaluate and record; returns the training loss of each replicate, on the device.

        ``clock`` tells the seconds of training up to now.
        """
        spec, data, replicates, recorder = self.spec, self.data, self.replicates, self.recorder
        if self.done == 0:
            recorder.weights(0, replicates.weights)
        lr = replicates.lr
        loss, right, grad_norm = self._train()
        test_loss, test_accuracy = evaluate(
            *(spec.network, replicates.parameters, replicates.buffers, spec.training.loss, data.test_x, data.test_y),
            dtype=self.dtype,
        )
        samples = self.batches.samples
        accuracy = right / samples if data.classes else torch.full_like(loss, torch.nan)
        metrics = torch.stack([loss / samples, accuracy, test_loss, test_accuracy])
        self.done += 1
        recorder.epoch(Epoch(self.done, replicates.going, metrics, lr, clock()))
        replicates.end_epoch()
        if self.rule:
            self._stop(self.rule, metrics[:2], grad_norm)
        if self.finished:
            recorder.final = replicates.weights()
        return metrics[0]

    def _train(self) -> tuple[Tensor, Tensor, Tensor]:
        """The sum over samples of losses and of right answers, and the mean gradient norm: each (r,)."""
        spec, replicates, recorder, count = self.spec, self.replicates, self.recorder, len(self.batches)
        loss_sum = torch.zeros(len(replicates.going), dtype=torch.float64, device=replicates.going.device)
        right, grad_norm = torch.zeros_like(loss_sum), torch.zeros_like(loss_sum)
        autocast = torch.autocast(loss_sum.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)
        batches = self.batches.epoch(self.data.train_y, replicates.orders, replicates.changes)
        for number, (x, y) in enumerate(batches, self.done * count):
            with autocast:
                outputs = forward(
                    *(spec.network, replicates.parameters, replicates.buffers, x),
                    training=True,
                    dropout=replicates.masks,
                )
            loss = losses(spec.training.loss, outputs.float(), y)
            loss.sum().backward()
            step = Step(number, replicates.going, loss.detach(), replicates.parameters)
            recorder.step(step)
            if self.rule and self.rule.needs_grad_norm:
                grad_norm += step.grad_norm / count
            replicates.update()
            loss_sum += loss.detach() * outputs.shape[1]
            if self.data.classes:
                right += correct(outputs.detach(), y)
            recorder.weights(number + 1, replicates.weights)
        return loss_sum, right, grad_norm

    def _stop(self, rule: StoppingRule, now: Tensor, grad_norm: Tensor) -> None:
        """Take out the replicates whose stopping rule holds; the others go on as they would have."""
        before = self.recorder.probe(Metrics).of_epoch(self.done - rule.until.over, self.replicates.going)
        stop = rule.stops(self.done, now, before, grad_norm)
        if stop.any():
            places = (~stop).nonzero().squeeze(1)
            self.data = self.data.of_replicates(places.tolist())
            self.replicates.keep(places.to(now.device))
            rule.keep(places.to(now.device))

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; the inverse is ``load``."""
        return {
            "done": self.done,
            "replicates": self.replicates.state(),
            "recorder": self.recorder.state(),
            "rule": self.rule and self.rule.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.data = self.data.of_replicates(state["replicates"]["going"].tolist())
        self.replicates.load(state["replicates"])
        self.recorder.load(state["recorder"])
        if self.rule:
            self.rule.load(state["rule"])
