"""Downloading torchvision data sets, by torchvision's own classes and checksums."""

import http.client
import inspect
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torchvision.datasets
from torchvision.datasets import VisionDataset
from torchvision.datasets import utils as torchvision_utils

from hwcore.errors import HwcoreError

_TIMEOUT = 60  # seconds without a byte


def download(name: str, source: Mapping[str, Any]) -> None:
    """Download the archives of a torchvision set into ``source["root"]`` and verify them.

    A set that is already there is kept.  ``source["mirror"]``, a URL or a folder, takes the place
    of everything before the file name in each address.

    Raises HwcoreError if a file cannot be fetched or has a wrong checksum; then nothing of the
    attempt stays.
    """
    root = Path(source["root"])
    if root.exists() and _complete(source, root):
        return
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as attempt, _fetching(source) as fetches:
        try:
            for _ in open_splits(source, Path(attempt), download=True):
                pass
        except (RuntimeError, OSError, EOFError, ValueError) as error:
            raise HwcoreError(f"data set {name}: {_reason(name, fetches, error)}") from None
        for made in Path(attempt).iterdir():
            kept = root / made.name
            if kept.is_dir():
                shutil.rmtree(kept)
            made.rename(kept)


def _complete(source: Mapping[str, Any], root: Path) -> bool:
    try:
        return all(len(part) > 0 for _, part in open_splits(source, root))
    except (RuntimeError, OSError, EOFError, ValueError):
        return False


def _reason(name: str, fetches: list[tuple[str, str]], error: Exception) -> str:
    if not fetches:
        return str(error)
    address, failure = fetches[-1]
    file = Path(address).name
    if failure:
        return (
            f"{address} cannot be fetched ({failure}). Check the network, or set datasets.{name}.mirror in "
            f"config.yaml to a URL or a folder that holds {file}"
        )
    return (
        f"{address} is damaged or incomplete: its checksum is not the official one ({str(error).rstrip('.')}). "
        f"Run again, or set datasets.{name}.mirror in config.yaml to a place with the official {file}"
    )


def open_splits(
    source: Mapping[str, Any], root: Path, *, download: bool = False
) -> Iterator[tuple[str, VisionDataset]]:
    """The training and the test set of a torchvision class, or one set named "all" where it has no split."""
    kind = getattr(torchvision.datasets, source["class"])
    for part, arguments in splits(kind, source.get("options", {})):
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


@contextmanager
def _fetching(source: Mapping[str, Any]) -> Iterator[list[tuple[str, str]]]:
    """Torchvision's downloads go through here; the list holds each address and why it failed, or "".

    torchvision has a hook for hosts with their own way of downloading: two functions that it asks
    before it uses the address itself.  Its checksums stay in force.
    """
    fetches: list[tuple[str, str]] = []

    def fetch(target: str, url: str) -> None:
        mirror = source.get("mirror")
        address = url if mirror is None else f"{mirror.rstrip('/')}/{Path(url).name}"
        fetches.append((address, ""))
        try:
            if "://" in address:
                request = urllib.request.Request(address, headers={"User-Agent": "hwcore"})
                with urllib.request.urlopen(request, timeout=_TIMEOUT) as response, open(target, "wb") as file:
                    shutil.copyfileobj(response, file)
            else:
                shutil.copyfile(address, target)
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
            fetches[-1] = (address, reason)
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            # some sets have several hosts: this makes torchvision try the next
            raise urllib.error.URLError(reason) from error

    with (
        patch.object(torchvision_utils, "_is_remote_location_available", lambda: True),
        patch.object(torchvision_utils, "_download_file_from_remote_location", fetch),
    ):
        yield fetches
