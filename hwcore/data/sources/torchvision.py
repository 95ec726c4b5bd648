"""The classification sets of torchvision, read by torchvision's own classes."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torchvision.datasets
from torchvision.datasets import VisionDataset

from hwcore.data.pixels import Part, holdout, pixels, stack
from hwcore.errors import HwcoreError

# Arguments of torchvision's classes that hwcore gives itself, or that no configuration can state.
# QMNIST's `what` would make one set of both parts.
_OURS = {
    *("self", "args", "kwargs", "root", "train", "download", "what"),
    *("transform", "target_transform", "transforms", "loader"),
}


def read(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> tuple[Part, Part, list[str]]:
    """The training part, the test part and the names of the classes; see ``hwcore.data.prepare``.

    Raises HwcoreError if the downloaded files are gone or damaged, and for options that choose images without labels.
    """
    parts: dict[str, Part] = {}
    classes: list[str] = []
    try:
        for part, dataset in open_splits(name, identity, Path(places["root"])):
            samples = (dataset[i] for i in range(len(dataset)))
            parts[part] = stack(name, ((pixels(image, identity.get("size")), label) for image, label in samples))
            labels = getattr(dataset, "classes", None) or getattr(dataset, "categories", classes)
            # Imagenette has several names for each class
            classes = [label[0] if isinstance(label, tuple) else str(label) for label in labels]
    except (HwcoreError, MemoryError):
        raise
    except Exception as error:  # whatever torchvision's many readers raise for damaged files
        raise HwcoreError(
            f"data set {name}: the downloaded files under {places['root']} are gone or damaged ({first_line(error)}); "
            f"delete them and resources/data/{name}.json, and run again"
        ) from None
    if any((labels < 0).any() for _, labels in parts.values()):
        raise HwcoreError(f"datasets.{name}.options: {identity['options']} chooses images without labels")
    if "all" in parts:
        parts["train"], parts["test"] = holdout(*parts["all"])
    count = int(max(parts["train"][1].max(), parts["test"][1].max())) + 1
    return parts["train"], parts["test"], classes or [str(label) for label in range(count)]


def open_splits(
    name: str, identity: Mapping[str, Any], root: Path, *, download: bool = False
) -> Iterator[tuple[str, VisionDataset]]:
    """The training and the test set of a torchvision class, or one set named "all" where it has no split.

    Raises HwcoreError for an option that the class does not have, and what torchvision raises.
    """
    kind = getattr(torchvision.datasets, identity["class"])
    options = identity.get("options", {})
    known = _arguments(kind) - _OURS
    for option in sorted(options.keys() - known):
        raise HwcoreError(
            f"datasets.{name}.options.{option}: {identity['class']} has no such option "
            f"(it has {', '.join(sorted(known)) or 'none'})"
        )
    for part, arguments in splits(kind, options):
        yield part, kind(root=str(root), download=download, **arguments)


def splits(kind: type[VisionDataset], options: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """How a torchvision class is asked for its training and test set: names and constructor arguments.

    >>> splits(torchvision.datasets.SVHN, {})
    [('train', {'split': 'train'}), ('test', {'split': 'test'})]
    """
    known = inspect.signature(kind).parameters
    options = dict(options)
    emnist = kind is torchvision.datasets.EMNIST  # its `split` chooses the kind of characters
    if emnist:
        options.setdefault("split", "balanced")
    if "train" in known or emnist:
        return [("train", {"train": True, **options}), ("test", {"train": False, **options})]
    if "split" in known:
        default = known["split"].default
        test = "val" if kind is torchvision.datasets.Imagenette else "test"
        return [("train", {"split": default, **options}), ("test", {**options, "split": test})]
    return [("all", options)]


def _arguments(kind: type[VisionDataset]) -> set[str]:
    """The names that the constructor takes, also those that it passes on to its base class."""
    taken: set[str] = set()
    for base in kind.__mro__:
        known = inspect.signature(base).parameters
        taken |= known.keys()
        if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values()):
            break
    return taken


def first_line(error: Exception) -> str:
    """What an exception says, on one line: its name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
