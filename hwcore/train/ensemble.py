"""Some replicates of a model in training, as one tensor program."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from hwcore.data.load import Data
from hwcore.nets.network import Parameters, channels_last, forward, initialize
from hwcore.seeds import seed
from hwcore.train.evaluate import evaluate
from hwcore.train.loss import correct, losses
from hwcore.train.optimizers import make_optimizer, make_scheduler
from hwcore.train.recorder import Recorder
from hwcore.train.spec import RunSpec
from hwcore.train.stopping import StoppingRule


def seeds(spec: RunSpec, purpose: str, chosen: Sequence[int]) -> list[int]:
    return [seed(spec.study, spec.experiment, spec.model, r, purpose) for r in chosen]


class Inputs:
    """The training inputs in the order of memory and the number format in which a step takes them.

    Images lie with their channels last, where convolutions are fastest and a batch is gathered row
    by row.
    """

    def __init__(self, x: Tensor, dtype: torch.dtype) -> None:
        self._images = x.dim() == 4
        x = x.to(dtype)
        self._rows = channels_last(x).permute(0, 2, 3, 1) if self._images else x

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, chosen: Tensor) -> Tensor:
        """The samples of the numbers (R, B): (R, B, *input)."""
        x = self._rows[chosen]
        return x.permute(0, 1, 4, 2, 3) if self._images else x

    def all(self) -> Tensor:
        """(N, *input)"""
        return self._rows.permute(0, 3, 1, 2) if self._images else self._rows


class Ensemble:
    """Replicates ``chosen`` of a job; ``epoch`` trains them once through the data.

    Each has its own initial weights, order of samples and dropout masks from seeds of its own.  All
    optimizers are elementwise, so one of them on stacked parameters is R independent ones.  Nothing
    is read back from the device during an epoch: losses, norms and accuracies add up there.
    """

    def __init__(
        self, spec: RunSpec, data: Data, inputs: Inputs, chosen: range, batch_size: int, dtype: torch.dtype
    ) -> None:
        where = data.train_x.device
        self.spec, self.inputs, self.dtype, self.batch_size = spec, inputs, dtype, batch_size
        self.data = data.of_replicates(chosen)
        self.done = 0  # epochs
        self.going = torch.arange(len(chosen))  # the replicates that have not stopped, by place in `chosen`
        weights, buffers = initialize(spec.network, seeds(spec, "init", chosen))
        self.parameters = {name: value.to(where).requires_grad_() for name, value in weights.items()}
        self.buffers = {name: value.to(where) for name, value in buffers.items()}
        self.orders = [Generator().manual_seed(s) for s in seeds(spec, "order", chosen)]
        self.masks = [Generator(device=where).manual_seed(s) for s in seeds(spec, "dropout", chosen)]
        self.recorder = Recorder(spec, len(chosen), -(-len(inputs) // batch_size), where)
        self._optimize()
        self._stopped: Parameters = {}  # the weights (R, ...) of replicates that stopped, buffers included
        self.rule = StoppingRule(spec.training.until, len(chosen), where) if spec.training.until else None

    def _optimize(self) -> None:
        self.optimizer = make_optimizer(self.spec.training, self.parameters.values())
        self.scheduler = make_scheduler(self.spec.training, self.optimizer)

    @property
    def finished(self) -> bool:
        return self.done == self.spec.training.epochs or len(self.going) == 0

    def weights(self) -> Parameters:
        """Parameters and buffers of all replicates, those that stopped included: each (R, ...), on the CPU."""
        now = {name: value.detach().cpu() for name, value in {**self.parameters, **self.buffers}.items()}
        if not self._stopped:
            return {name: value.clone() for name, value in now.items()}
        return {name: value.index_copy(0, self.going, now[name]) for name, value in self._stopped.items()}

    def epoch(self, clock: Callable[[], float]) -> Tensor:
        """Train one epoch, evaluate and record; returns the training loss of each replicate, on the device.

        ``clock`` tells the seconds of training up to now.
        """
        training, recorder, data = self.spec.training, self.recorder, self.data
        if self.done == 0 and recorder.due(0):
            recorder.snapshot(0, self.weights())
        lr = float(self.optimizer.param_groups[0]["lr"])
        loss, right, norm = self._train()
        test_loss, test_accuracy = evaluate(
            *(self.spec.network, self.parameters, self.buffers, training.loss, data.test_x, data.test_y),
            dtype=self.dtype,
        )
        samples = len(self.inputs)
        accuracy = right / samples if data.classes else torch.full_like(loss, torch.nan)
        values = torch.stack([loss / samples, accuracy, test_loss, test_accuracy])
        recorder.metrics[self.done][:, self.going.to(values.device)] = values
        recorder.lr.append(lr)
        recorder.seconds.append(clock())
        if self.scheduler:
            self.scheduler.step()
        self.done += 1
        recorder.last[self.going] = self.done
        if self.rule:
            self._stop_where_it_holds(self.rule, norm)
        if self.finished:
            recorder.weights = self.weights()
        return values[0]

    def _train(self) -> tuple[Tensor, Tensor, Tensor]:
        """The sum over samples of losses and of right answers, and the mean gradient norm: each (r,)."""
        spec, training, recorder = self.spec, self.spec.training, self.recorder
        loss_sum = torch.zeros(len(self.going), dtype=torch.float64, device=self.data.train_x.device)
        right, norm = torch.zeros_like(loss_sum), torch.zeros_like(loss_sum)
        wants_norm = spec.record.steps or (training.until is not None and training.until.grad_norm is not None)
        step, going = self.done * recorder.per_epoch, self.going.to(loss_sum.device)
        autocast = torch.autocast(loss_sum.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)
        for x, y in self._batches():
            with autocast:
                outputs = forward(spec.network, self.parameters, self.buffers, x, training=True, dropout=self.masks)
            loss = losses(training.loss, outputs.float(), y)
            loss.sum().backward()
            if wants_norm:
                grad_norm = _gradient_norm(self.parameters)
                norm += grad_norm / recorder.per_epoch
                if spec.record.steps:
                    recorder.steps[step][:, going] = torch.stack([loss.detach(), grad_norm])
            self.optimizer.step()
            self.optimizer.zero_grad()
            loss_sum += loss.detach() * outputs.shape[1]
            if self.data.classes:
                right += correct(outputs.detach(), y)
            step += 1
            if recorder.due(step):
                recorder.snapshot(step, self.weights())
        return loss_sum, right, norm

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Mini-batches of an epoch, (r, B, *input) and targets; each replicate in its own order.

        The full batch needs no order: it is (N, *input) for all replicates.
        """
        y, count = self.data.train_y, len(self.inputs)
        if self.batch_size == count:
            yield self.inputs.all(), y
            return
        order = torch.stack([torch.randperm(count, generator=generator) for generator in self.orders]).to(y.device)
        rows = torch.arange(len(order), device=y.device).unsqueeze(1)
        for chosen in order.split(self.batch_size, dim=1):
            yield self.inputs.take(chosen), y[rows, chosen] if self.data.own_train_labels else y[chosen]

    def _stop_where_it_holds(self, rule: StoppingRule, grad_norm: Tensor) -> None:
        """Take out the replicates whose stopping rule holds; the others go on as they would have."""
        history, going = self.recorder.metrics, self.going.to(grad_norm.device)
        over = self.done - 1 - rule.until.over
        before = history[over, :2][:, going] if over >= 0 else None
        stop = rule.stops(self.done, history[self.done - 1, :2][:, going], before, grad_norm)
        if stop.any():
            self._stopped = self.weights()
            self._keep((~stop).nonzero().squeeze(1))

    def _keep(self, kept: Tensor) -> None:
        """Go on with some of the replicates that are left, by their places among these."""
        optimizer = self.optimizer.state_dict()
        schedule = self.scheduler.state_dict() if self.scheduler else None
        self.going = self.going[kept]
        places, there = kept.tolist(), kept.to(self.data.train_x.device)
        self.orders = [self.orders[i] for i in places]
        self.masks = [self.masks[i] for i in places]
        self.data = self.data.of_replicates(places)
        if self.rule:
            self.rule.keep(there)
        self.buffers = {name: value[there] for name, value in self.buffers.items()}
        self.parameters = {name: value.detach()[there].requires_grad_() for name, value in self.parameters.items()}
        for state in optimizer["state"].values():
            # the moments have a row for each replicate; the number of steps is one for all
            state.update({name: value[there] for name, value in state.items() if value.dim()})
        self._restore(optimizer, schedule)

    def _restore(self, optimizer: dict[str, Any], schedule: dict[str, Any] | None) -> None:
        self._optimize()
        self.optimizer.load_state_dict(optimizer)
        if self.scheduler and schedule:
            self.scheduler.load_state_dict(schedule)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; the inverse is ``load``."""
        return {
            "done": self.done,
            "going": self.going,
            "streak": self.rule and self.rule.streak,
            "stopped": self._stopped,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "buffers": self.buffers,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "orders": [generator.get_state() for generator in self.orders],
            "masks": [generator.get_state() for generator in self.masks],
            "records": self.recorder.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        where = self.data.train_x.device
        self.done, self._stopped = state["done"], state["stopped"]
        if len(state["going"]) < len(self.going):
            self._keep(state["going"])
        if self.rule:
            self.rule.streak = state["streak"].to(where)
        self.parameters = {name: value.to(where).requires_grad_() for name, value in state["parameters"].items()}
        self.buffers = {name: value.to(where) for name, value in state["buffers"].items()}
        self._restore(state["optimizer"], state["scheduler"])
        for name in ("orders", "masks"):
            for generator, saved in zip(getattr(self, name), state[name], strict=True):
                generator.set_state(saved.cpu())
        self.recorder.load(state["records"])


def _gradient_norm(parameters: Parameters) -> Tensor:
    """The Euclidean norm of each replicate's gradient over all parameters: (r,)."""
    squares = [value.grad.flatten(1).square().sum(1) for value in parameters.values() if value.grad is not None]
    return torch.stack(squares).sum(0).sqrt()
