"""A torch.nn.Module as a layer: one replicate after the other, each with its own parameters, buffers and dropout."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from hwcore.errors import HwcoreError
from hwcore.nets.layer import Parameters, Pass, from_images
from hwcore.nets.spec import LayerSpec, Shape, Shapes, show


class Foreign:
    """What a module of hwcore/nets/layers/ needs, for layers that ``build`` makes a torch.nn.Module of.

    Parameters have the names that the module gives them.  Those that do not require a gradient are kept with the
    buffers.  Buffers are updated only where the module does so in place, as batch normalisation does.
    """

    def __init__(self, build: Callable[[Any], nn.Module]) -> None:
        self._build = build
        self._built: dict[tuple[str, Shape], nn.Module] = {}

    def tensors(self, layer: LayerSpec, shape: Shape) -> Shapes:
        return {name: tuple(value.shape) for name, value in _trained(self._module(layer, shape)).items()}

    def initialize(
        self, layer: LayerSpec, shape: Shape, generators: Sequence[Generator]
    ) -> tuple[Parameters, Parameters]:
        """As the module initialises itself, its random numbers from a seed that each generator draws."""
        modules = []
        for generator in generators:
            with _random_numbers_from(generator, torch.device("cpu")):
                modules.append(self._make(layer, shape))
        parameters, buffers = (
            {name: torch.stack([values(module)[name].detach() for module in modules]) for name in values(modules[0])}
            for values in (_trained, _kept)
        )
        return parameters, buffers

    def forward(self, layer: LayerSpec, name: str, x: Tensor, run: Pass) -> Tensor:
        """The module on each replicate's samples: (R, B, out)."""
        samples = from_images(x, run.replicates)
        module = self._module(layer, tuple(samples.shape[2:]))
        if module.training != run.training:
            module.train(run.training)
        names = {
            **{key: run.parameters[f"{name}.{key}"] for key in _trained(module)},
            **{key: run.buffers[f"{name}.{key}"] for key in _kept(module)},
        }
        outputs = []
        for r, batch in enumerate(samples):
            # the gradient of one of one replicate is the whole, without a copy
            single = {key: value.squeeze(0) if len(value) == 1 else value[r] for key, value in names.items()}
            if not run.drops:
                outputs.append(_call(layer, module, single, batch))
                continue
            with (
                _random_numbers_from(run.generators()[r], x.device),
                _dropping(module),
                _momentum(module, run.momentum),
            ):
                outputs.append(_call(layer, module, single, batch))
        return outputs[0].unsqueeze(0) if len(outputs) == 1 else torch.stack(outputs)

    def _module(self, layer: LayerSpec, shape: Shape) -> nn.Module:
        """One of which only the structure is used; its own weights are never seen."""
        key = (layer.model_dump_json(), shape)
        if key not in self._built:
            with _random_numbers_from(Generator(), torch.device("cpu")):
                self._built[key] = self._make(layer, shape)
        return self._built[key]

    def _make(self, layer: LayerSpec, shape: Shape) -> nn.Module:
        """A new one that has seen two samples of zeros, which makes lazy parameters.

        Raises HwcoreError if it cannot be built, or makes of them what it should not.
        """
        try:
            module = self._build(layer).eval()
            with torch.no_grad():
                made = module(torch.zeros(2, *shape))
        except HwcoreError:
            raise
        except Exception as error:
            places = traceback.extract_tb(error.__traceback__)
            place = next((each for each in reversed(places) if each.filename.endswith("nets.py")), places[-1])
            message = " ".join(str(error).split())
            raise HwcoreError(
                f"{_name(layer)}: cannot be built, or cannot take samples of {show(shape)}: "
                f"{type(error).__name__}: {message} ({place.filename}, line {place.lineno})"
            ) from error
        expected = (2, *layer.output(shape))
        if not isinstance(made, Tensor) or tuple(made.shape) != expected:
            output = show(tuple(made.shape)) if isinstance(made, Tensor) else type(made).__name__
            raise HwcoreError(
                f"{_name(layer)}: makes {output} of two samples of {show(shape)}, but by its `out` it should make "
                f"{show(expected)}"
            )
        return module.train()


def _name(layer: Any) -> str:
    return f"{layer.kind} {layer.name}"


def _trained(module: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


def _kept(module: nn.Module) -> dict[str, Tensor]:
    frozen = {name: value for name, value in module.named_parameters() if not value.requires_grad}
    return {**frozen, **dict(module.named_buffers())}


def _call(layer: LayerSpec, module: nn.Module, tensors: Parameters, batch: Tensor) -> Tensor:
    try:
        output = functional_call(module, tensors, (batch,))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise HwcoreError(
            f"{_name(layer)}: batch normalisation needs two samples, and a batch has one; choose another "
            "training.batch_size"
        ) from None
    if not isinstance(output, Tensor):
        raise HwcoreError(
            f"{_name(layer)}: makes {type(output).__name__} while training, not one tensor; "
            "some networks of torchvision need `options: {aux_logits: false}`"
        )
    return output


@contextmanager
def _random_numbers_from(generator: Generator, device: torch.device) -> Iterator[None]:
    """Torch's own random numbers from a seed that ``generator`` draws; theirs go on afterwards as if nothing had been.

    A module draws its weights and masks from these and takes no generator.
    """
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    used = [torch.default_generator]
    if device.type == "cuda":
        used.append(torch.cuda.default_generators[device.index or 0])
    states = [each.get_state() for each in used]
    try:
        for each in used:
            each.manual_seed(seed)
        yield
    finally:
        for each, state in zip(used, states, strict=True):
            each.set_state(state)


@contextmanager
def _dropping(module: nn.Module) -> Iterator[None]:
    """The dropout layers of a module as in training, also while the others are as in evaluation."""
    parts = [part for part in module.modules() if isinstance(part, nn.modules.dropout._DropoutNd) and not part.training]
    try:
        for part in parts:
            part.train()
        yield
    finally:
        for part in parts:
            part.eval()


@contextmanager
def _momentum(module: nn.Module, momentum: float | None) -> Iterator[None]:
    """Batch normalisation with another ``momentum`` than its own, if there is one."""
    if momentum is None:
        yield
        return
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    before = [part.momentum for part in norms]
    try:
        for part in norms:
            part.momentum = momentum
        yield
    finally:
        for part, value in zip(norms, before, strict=True):
            part.momentum = value
