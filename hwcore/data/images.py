"""Loading a prepared data set of images."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor

from hwcore.data.spec import DatasetData, Moments
from hwcore.errors import HwcoreError
from hwcore.seeds import seed


def tensors(
    spec: DatasetData, prepared: Path, *, study: str, experiment: str, model: str, replicates: int
) -> tuple[dict[str, Tensor], int]:
    """The tensors of ``hwcore.data.load.Data`` by their names, and the number of classes.

    Images are scaled to 0…1 and, where ``spec.normalize``, shifted and scaled by mean and standard deviation:
    those of each channel over the whole training set, or those that it states.  All models and replicates of an
    experiment see the same images; each replicate of each model has its own random labels.

    Raises HwcoreError if the file is missing or not a prepared data set, and where mean and standard deviation are
    stated for other channels than the images have.
    """
    try:
        with safe_open(prepared, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            classes = len(about["classes"])
            parts: dict[str, Tensor] = {}
            for part, count, fraction in (
                ("train", spec.train_samples, spec.random_labels),
                ("test", spec.test_samples, spec.random_test_labels),
            ):
                images, labels = file.get_tensor(f"{part}_images"), file.get_tensor(f"{part}_labels")
                if count is not None and count < len(labels):
                    rows = _subset(len(labels), count, seed(study, experiment, "data", part))
                    images, labels = images[rows], labels[rows]
                if fraction:
                    seeds = [seed(study, experiment, model, r, f"{part} labels") for r in range(replicates)]
                    labels = torch.stack([_randomize(labels, classes, fraction, s) for s in seeds])
                parts |= {f"{part}_x": _scale(images, about, spec), f"{part}_y": labels}
            parts["black"] = _scale(torch.zeros_like(images[:1, :, :1, :1]), about, spec).flatten()
    except (FileNotFoundError, SafetensorError, LookupError):
        raise HwcoreError(
            f"{prepared}: {'is damaged; delete it and' if prepared.exists() else 'is missing;'} "
            f"run `snakemake --cores 1 {prepared}`"
        ) from None
    return parts, classes


def _subset(total: int, count: int, seed: int) -> Tensor:
    return torch.randperm(total, generator=Generator().manual_seed(seed))[:count].sort().values


def _randomize(labels: Tensor, classes: int, fraction: float, seed: int) -> Tensor:
    """``labels`` with a random ``fraction`` of them drawn anew from all classes (Zhang et al. 2017)."""
    generator = Generator().manual_seed(seed)
    drawn = torch.randint(classes, labels.shape, generator=generator)
    count = round(fraction * len(labels))
    replaced = torch.randperm(len(labels), generator=generator)[:count]
    result = labels.clone()
    result[replaced] = drawn[replaced]
    return result


def _scale(images: Tensor, about: dict[str, Any], spec: DatasetData) -> Tensor:
    x = images.float().div_(255)
    if not spec.normalize:
        return x
    if isinstance(spec.normalize, Moments):
        mean, std = torch.tensor(spec.normalize.mean), torch.tensor(spec.normalize.std)
    else:
        mean, std = torch.tensor(about["mean"]), torch.tensor(about["std"]).clamp(min=1e-6)
    channels = images.shape[1]
    for name, value in (("mean", mean), ("std", std)):
        if len(value) not in (1, channels):
            raise HwcoreError(
                f"data.normalize.{name}: there are {len(value)} numbers, but images of {spec.dataset} have "
                f"{channels} channel{'s' if channels > 1 else ''}; state one, or one for each channel"
            )
    shape = (1, -1, 1, 1)
    return x.sub_(mean.reshape(shape)).div_(std.reshape(shape))
