"""What each replicate in training owns: weights, the state of its optimizer, random generators."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from hwcore.nets.network import Parameters, initialize
from hwcore.seeds import seed
from hwcore.train.optimizers import make_optimizer
from hwcore.train.schedules import LearningRate
from hwcore.train.spec import RunSpec


def seeds(spec: RunSpec, purpose: str, replicates: Sequence[int]) -> list[int]:
    return [seed(spec.study, spec.experiment, spec.model, r, purpose) for r in replicates]


class Replicates:
    """Some replicates as stacked tensors, of which those that stop are taken out.

    Each has its own initial weights, order of samples, augmentations and dropout masks from seeds of its own.  All
    optimizers are elementwise, so one of them on stacked parameters is as many independent ones.
    """

    def __init__(self, spec: RunSpec, numbers: range, steps_per_epoch: int, where: torch.device) -> None:
        self._training, self._steps_per_epoch = spec.training, steps_per_epoch
        self.going = torch.arange(len(numbers), device=where)  # those left, (r,), by place in `numbers`
        weights, buffers = initialize(spec.network, seeds(spec, "init", numbers))
        self.parameters = {name: value.to(where).requires_grad_() for name, value in weights.items()}
        self.buffers = {name: value.to(where) for name, value in buffers.items()}
        self.orders = [Generator().manual_seed(s) for s in seeds(spec, "order", numbers)]
        self.masks, self.evaluation_masks, self.changes = (
            [Generator(device=where).manual_seed(s) for s in seeds(spec, purpose, numbers)]
            for purpose in ("dropout", "evaluation dropout", "augment")
        )
        self._stopped: Parameters = {}  # the weights (R, ...) of replicates that stopped, buffers included
        self._optimize()

    def _optimize(self) -> None:
        self._optimizer = make_optimizer(self._training, self.parameters.values())
        self._rate = LearningRate(self._training, self._optimizer, self._steps_per_epoch)

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self._rate.now

    def clip(self, norms: Tensor, longest: float) -> None:
        """Shorten the gradients, of ``norms`` (r,), that are longer than ``longest``.

        As torch.nn.utils.clip_grad_norm_ does it to each replicate alone.
        """
        factors = (longest / (norms + 1e-6)).clamp(max=1.0)
        for value in self.parameters.values():
            if value.grad is not None:
                value.grad.mul_(factors.view(-1, *[1] * (value.dim() - 1)))

    def update(self) -> None:
        """One step by the gradients that the parameters have."""
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._rate.end_step()

    def end_epoch(self) -> None:
        """Go on to the learning rate of the next epoch."""
        self._rate.end_epoch()

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
        rate = self._rate.state()
        self.going = self.going[places]
        self.orders = [self.orders[i] for i in places.tolist()]
        self.masks = [self.masks[i] for i in places.tolist()]
        self.evaluation_masks = [self.evaluation_masks[i] for i in places.tolist()]
        self.changes = [self.changes[i] for i in places.tolist()]
        self.buffers = {name: value[places] for name, value in self.buffers.items()}
        self.parameters = {name: value.detach()[places].requires_grad_() for name, value in self.parameters.items()}
        for state in optimizer["state"].values():
            # the moments have a row for each replicate; the number of steps is one for all
            state.update({name: value[places] for name, value in state.items() if value.dim()})
        self._restore(optimizer, rate)

    def _restore(self, optimizer: dict[str, Any], rate: list[dict[str, Any]]) -> None:
        self._optimize()
        self._optimizer.load_state_dict(optimizer)
        self._rate.load(rate)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; the inverse is ``load``."""
        return {
            "going": self.going,
            "stopped": self._stopped,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "buffers": self.buffers,
            "optimizer": self._optimizer.state_dict(),
            "rate": self._rate.state(),
            "orders": [generator.get_state() for generator in self.orders],
            "masks": [generator.get_state() for generator in self.masks],
            "evaluation_masks": [generator.get_state() for generator in self.evaluation_masks],
            "changes": [generator.get_state() for generator in self.changes],
        }

    def load(self, state: dict[str, Any]) -> None:
        where = self.going.device
        if len(state["going"]) < len(self.going):
            self._take(state["going"].to(where))
        self._stopped = state["stopped"]
        self.parameters = {name: value.to(where).requires_grad_() for name, value in state["parameters"].items()}
        self.buffers = {name: value.to(where) for name, value in state["buffers"].items()}
        self._restore(state["optimizer"], state["rate"])
        for name in ("orders", "masks", "evaluation_masks", "changes"):
            for generator, saved in zip(getattr(self, name), state[name], strict=True):
                generator.set_state(saved.cpu())
