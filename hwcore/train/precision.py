"""The number format in which networks compute while they train."""

import torch

from hwcore.errors import HwcoreError
from hwcore.train.spec import RunSpec

# Multiplications per sample from which bfloat16 pays; below, converting costs more than it saves.
_MULTIPLICATIONS = 50_000


def number_format(spec: RunSpec, where: torch.device) -> torch.dtype:
    """float32 or bfloat16: what the job says, or for ``auto`` what is faster here without harm.

    bfloat16 is for matrix products and convolutions alone (torch.autocast): weights, gradients of
    weights, optimizer and losses stay float32.  ``auto`` takes it for classification on a device
    that has instructions for it, by networks of at least 50,000 multiplications per sample;
    `make bench NAME=accuracy-mnist-mlp` and others show that test accuracies then agree within the noise of the seeds.
    Regression stays float32: its losses fall below what eight bits of mantissa can tell apart.  So does a
    study's own module, of which nothing is known; `precision: bfloat16` asks for it.

    Raises HwcoreError if bfloat16 is asked of a GPU without it.
    """
    if spec.precision == "bfloat16" and where.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise HwcoreError("config: precision: bfloat16, but this GPU does not have it; use `auto` or `float32`")
    if spec.precision != "auto":
        return getattr(torch, spec.precision)  # type: ignore[no-any-return]
    worthwhile = spec.training.loss != "mse" and spec.network.multiplications() >= _MULTIPLICATIONS
    return torch.bfloat16 if worthwhile and _fast(where) else torch.float32


def _fast(where: torch.device) -> bool:
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
