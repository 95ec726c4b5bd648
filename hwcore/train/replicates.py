"""What each replicate in training owns: weights, the state of its optimizer, random generators."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from hwcore.nets.network import Parameters, initialize
from hwcore.seeds import seed
from hwcore.train.optimizers import make_optimizer, make_scheduler
from hwcore.train.spec import RunSpec


def seeds(spec: RunSpec, purpose: str, replicates: Sequence[int]) -> list[int]:
    return [seed(spec.study, spec.experiment, spec.model, r, purpose) for r in replicates]


class Replicates:
    """Some replicates as stacked tensors, of which those that stop are taken out.

    Each has its own initial weights, order of samples, augmentations and dropout masks from seeds of its own.  All
    optimizers are elementwise, so one of them on stacked parameters is as many independent ones.
    """

    def __init__(self, spec: RunSpec, numbers: range, where: torch.device) -> None:
        self._training = spec.training
        self.going = torch.arange(len(numbers), device=where)  # those left, (r,), by place in `numbers`
        weights, buffers = initialize(spec.network, seeds(spec, "init", numbers))
        self.parameters = {name: value.to(where).requires_grad_() for name, value in weights.items()}
        self.buffers = {name: value.to(where) for name, value in buffers.items()}
        self.orders = [Generator().manual_seed(s) for s in seeds(spec, "order", numbers)]
        self.masks = [Generator(device=where).manual_seed(s) for s in seeds(spec, "dropout", numbers)]
        self.changes = [Generator(device=where).manual_seed(s) for s in seeds(spec, "augment", numbers)]
        self._stopped: Parameters = {}  # the weights (R, ...) of replicates that stopped, buffers included
        self._optimize()

    def _optimize(self) -> None:
        self._optimizer = make_optimizer(self._training, self.parameters.values())
        self._scheduler = make_scheduler(self._training, self._optimizer)

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def update(self) -> None:
        """One step by the gradients that the parameters have."""
        self._optimizer.step()
        self._optimizer.zero_grad()

    def end_epoch(self) -> None:
        """Go on to the learning rate of the next epoch."""
        if self._scheduler:
            self._scheduler.step()

    def weights(self) -> Parameters:
        """Parameters and buffers of all replicates, those that stopped included: each (R, ...), on the CPU."""
        now = {name: value.detach().cpu() for name, value in {**self.parameters, **self.buffers}.items()}
        if not self._stopped:
            return {name: value.clone() for name, value in now.items()}
        places = self.going.cpu()
        return {name: value.index_copy(0, places, now[name]) for name, value in self._stopped.items()}

    def keep(self, places: Tensor) -> None:
        """Go on with some of those left, by their places among these; the others' weights stay as they are now."""
        self._stopped = self.weights()
        self._take(places)

    def _take(self, places: Tensor) -> None:
        optimizer = self._optimizer.state_dict()
        schedule = self._scheduler.state_dict() if self._scheduler else None
        self.going = self.going[places]
        self.orders = [self.orders[i] for i in places.tolist()]
        self.masks = [self.masks[i] for i in places.tolist()]
        self.changes = [self.changes[i] for i in places.tolist()]
        self.buffers = {name: value[places] for name, value in self.buffers.items()}
        self.parameters = {name: value.detach()[places].requires_grad_() for name, value in self.parameters.items()}
        for state in optimizer["state"].values():
            # the moments have a row for each replicate; the number of steps is one for all
            state.update({name: value[places] for name, value in state.items() if value.dim()})
        self._restore(optimizer, schedule)

    def _restore(self, optimizer: dict[str, Any], schedule: dict[str, Any] | None) -> None:
        self._optimize()
        self._optimizer.load_state_dict(optimizer)
        if self._scheduler and schedule:
            self._scheduler.load_state_dict(schedule)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; the inverse is ``load``."""
        return {
            "going": self.going,
            "stopped": self._stopped,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "buffers": self.buffers,
            "optimizer": self._optimizer.state_dict(),
            "scheduler": self._scheduler.state_dict() if self._scheduler else None,
            "orders": [generator.get_state() for generator in self.orders],
            "masks": [generator.get_state() for generator in self.masks],
            "changes": [generator.get_state() for generator in self.changes],
        }

    def load(self, state: dict[str, Any]) -> None:
        where = self.going.device
        if len(state["going"]) < len(self.going):
            self._take(state["going"].to(where))
        self._stopped = state["stopped"]
        self.parameters = {name: value.to(where).requires_grad_() for name, value in state["parameters"].items()}
        self.buffers = {name: value.to(where) for name, value in state["buffers"].items()}
        self._restore(state["optimizer"], state["scheduler"])
        for name in ("orders", "masks", "changes"):
            for generator, saved in zip(getattr(self, name), state[name], strict=True):
                generator.set_state(saved.cpu())
