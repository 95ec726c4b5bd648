"""Some replicates of a model in training, as one tensor program."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from hwcore.data.load import Data
from hwcore.nets.network import forward
from hwcore.train.batches import Batches
from hwcore.train.evaluate import evaluate
from hwcore.train.loss import correct, losses
from hwcore.train.recorder import METRICS, Epoch, Metrics, Recorder, Step
from hwcore.train.replicates import Replicates
from hwcore.train.spec import RunSpec
from hwcore.train.stopping import BestWeights, StoppingRule


class Ensemble:
    """The replicates ``numbers`` of a run; ``epoch`` trains them once through the data.

    ``validation`` has the samples that are held out, as its test set.
    Nothing is read back from the device during an epoch: losses, norms and accuracies add up there.
    """

    def __init__(
        self,
        spec: RunSpec,
        data: Data,
        batches: Batches,
        numbers: range,
        dtype: torch.dtype,
        *,
        validation: Data | None = None,
    ) -> None:
        where, until = data.train_y.device, spec.training.until
        self.spec, self.batches, self.dtype = spec, batches, dtype
        self.data = data.of_replicates(numbers)
        self.validation = validation.of_replicates(numbers) if validation else None
        self.replicates = Replicates(spec, numbers, len(batches), where)
        self.recorder = Recorder(spec, len(numbers), len(batches), where)
        self.rule = StoppingRule(until, len(numbers), where) if until else None
        self.best = BestWeights(self.replicates) if until and until.validation_patience else None
        self.done = 0  # epochs

    @property
    def finished(self) -> bool:
        last = self.spec.training.epoch_count(len(self.batches))
        return self.done == last or len(self.replicates.going) == 0

    def epoch(self, clock: Callable[[], float]) -> Tensor:
        """Train one epoch, or what is left of the steps, evaluate and record.

        Returns the training loss of each replicate, on the device.
        ``clock`` tells the seconds of training up to now.
        """
        replicates, recorder = self.replicates, self.recorder
        if self.done == 0:
            recorder.weights(0, replicates.weights)
        lr = replicates.lr
        loss, accuracy, grad_norm = self._train()
        test_loss, test_accuracy = self._evaluate(self.data)
        values = [loss, accuracy, test_loss * self.spec.record.test_loss_factor, test_accuracy]
        if self.validation:
            values += self._evaluate(self.validation)
        if self.spec.record.last_batch:
            # with masks that others do not follow: a record changes nothing
            values.append(self._evaluate(self.data.last_test_batch(self.batches.size), apart=True)[0])
        metrics = torch.stack(values)
        self.done += 1
        recorder.epoch(Epoch(self.done, replicates.going, metrics, lr, clock()))
        replicates.end_epoch()
        if self.best:
            self.best.see(self.done, metrics[len(METRICS)], replicates)
        if self.rule:
            self._stop(self.rule, metrics[:2], grad_norm)
        if self.finished:
            if self.best:
                self.best.restore(replicates, torch.ones_like(replicates.going, dtype=torch.bool))
            recorder.final = replicates.weights()
        return metrics[0]

    def _train(self) -> tuple[Tensor, Tensor, Tensor]:
        """The mean loss over samples, the share of right answers and the mean gradient norm over steps: each (r,)."""
        training, replicates, recorder = self.spec.training, self.replicates, self.recorder
        first, samples = self.done * len(self.batches), 0
        count = min(len(self.batches), training.length(len(self.batches)) - first)
        training_mode = training.training_mode(self.done + 1)
        loss_sum = torch.zeros(len(replicates.going), dtype=torch.float64, device=replicates.going.device)
        right, grad_norm = torch.zeros_like(loss_sum), torch.zeros_like(loss_sum)
        autocast = torch.autocast(loss_sum.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)
        batches = self.batches.epoch(self.data.train_y, replicates.orders, replicates.changes)
        for number, (x, y) in enumerate(islice(batches, count), first):
            with autocast:
                outputs = forward(
                    *(self.spec.network, replicates.parameters, replicates.buffers, x),
                    training=training_mode,
                    dropout=replicates.masks if training_mode else None,
                )
            loss = losses(training.loss, outputs.float(), y, label_smoothing=training.label_smoothing)
            self._minimised(loss, outputs).sum().backward()
            batch_right = correct(outputs.detach(), y) if self.data.classes else None
            step = Step(
                *(number, replicates.going, loss.detach(), batch_right, outputs.shape[1], replicates.parameters)
            )
            recorder.step(step)
            if self.rule and self.rule.needs_grad_norm:
                grad_norm += step.grad_norm / count
            if training.clip_grad_norm is not None:
                replicates.clip(step.grad_norm, training.clip_grad_norm)
            replicates.update()
            samples += outputs.shape[1]
            loss_sum += loss.detach() * outputs.shape[1]
            if batch_right is not None:
                right += batch_right
            recorder.weights(number + 1, replicates.weights)
        accuracy = right / samples if self.data.classes else torch.full_like(right, torch.nan)
        return loss_sum / samples, accuracy, grad_norm

    def _minimised(self, loss: Tensor, outputs: Tensor) -> Tensor:
        """The loss (r,), with that of pseudo-labels (Lee 2013, ICML workshop) where these are asked for."""
        training = self.spec.training
        if not training.pseudo_label_weight:
            return loss
        at_predicted = losses(training.loss, outputs.float(), outputs.detach().argmax(-1))
        return loss + training.pseudo_label_weight * at_predicted

    def _evaluate(self, data: Data, *, apart: bool = False) -> tuple[Tensor, Tensor]:
        """Loss and accuracy on the test set of ``data``: each (r,).

        With dropout in evaluation ``apart`` leaves its generators as they were.
        """
        replicates, modes = self.replicates, self.spec.training.modes
        masks = replicates.evaluation_masks if modes and modes.dropout_in_evaluation else None
        return evaluate(
            *(self.spec.network, replicates.parameters, replicates.buffers),
            *(self.spec.training.loss, data.test_x, data.test_y),
            dtype=self.dtype,
            dropout=[mask.clone_state() for mask in masks] if masks and apart else masks,
        )

    def _stop(self, rule: StoppingRule, now: Tensor, grad_norm: Tensor) -> None:
        """Take out the replicates whose stopping rule holds; the others go on as they would have."""
        before = self.recorder.probe(Metrics).of_epoch(self.done - rule.until.over, self.replicates.going)
        best_epoch = self.best.epochs(self.replicates.going) if self.best else None
        stop = rule.stops(self.done, now, before, grad_norm, best_epoch)
        if stop.any():
            if self.best:
                self.best.restore(self.replicates, stop.to(now.device))
            self.recorder.stop(self.replicates.going[stop.to(now.device)])
            places = (~stop).nonzero().squeeze(1)
            self._keep_data(places.tolist())
            self.replicates.keep(places.to(now.device))
            rule.keep(places.to(now.device))

    def _keep_data(self, places: list[int]) -> None:
        self.data = self.data.of_replicates(places)
        self.validation = self.validation.of_replicates(places) if self.validation else None

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; the inverse is ``load``."""
        return {
            "done": self.done,
            "replicates": self.replicates.state(),
            "recorder": self.recorder.state(),
            "rule": self.rule and self.rule.state(),
            "best": self.best and self.best.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self._keep_data(state["replicates"]["going"].tolist())
        self.replicates.load(state["replicates"])
        self.recorder.load(state["recorder"])
        if self.rule:
            self.rule.load(state["rule"])
        if self.best:
            self.best.load(state["best"])
