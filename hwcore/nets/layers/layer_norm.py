from collections.abc import Sequence

import torch.nn.functional as F
from torch import Generator, Tensor

from hwcore.nets.layer import Parameters, Pass, constant, from_images, to_images
from hwcore.nets.spec import Shape
from hwcore.nets.specs.layer_norm import LayerNorm

_EPSILON = 1e-5  # as torch.nn.LayerNorm has it


def initialize(layer: LayerNorm, shape: Shape, generators: Sequence[Generator]) -> tuple[Parameters, Parameters]:
    return constant(layer.tensors(shape), {"weight": 1.0, "bias": 0.0}, len(generators)), {}


def forward(layer: LayerNorm, name: str, x: Tensor, run: Pass) -> Tensor:
    """Layer normalisation (Ba et al. 2016, arXiv:1607.06450) of each sample."""
    weight, bias = (run.parameters[f"{name}.{each}"].unsqueeze(1) for each in ("weight", "bias"))
    samples = from_images(x, run.replicates)
    normalized = F.layer_norm(samples, samples.shape[2:], eps=_EPSILON) * weight + bias
    return to_images(normalized) if x.dim() == 4 else normalized
