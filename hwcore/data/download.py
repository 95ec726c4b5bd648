"""Downloading torchvision data sets, by torchvision's own classes and checksums."""

import errno
import http.client
import inspect
import os
import shutil
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
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
# Arguments of torchvision's classes that hwcore gives itself, or that no configuration can state.
# QMNIST's `what` would make one set of both parts.
_OURS = {
    *("self", "args", "kwargs", "root", "train", "download", "what"),
    *("transform", "target_transform", "transforms", "loader"),
}


def download(name: str, source: Mapping[str, Any]) -> None:
    """Download the archives of a torchvision set into ``source["root"]`` and verify them.

    A set that is already there is kept.  ``source["mirror"]``, a URL or a folder, takes the place
    of everything before the file name in each address.

    Raises HwcoreError if a file cannot be fetched or has a wrong checksum, and for options that
    the class does not have; then nothing of the attempt stays.  Raises OSError if the disk is full.
    """
    root = Path(source["root"])
    if root.exists() and _complete(name, source, root):
        return
    # a fixed name, so that what a killed attempt left behind is removed by the next
    attempt = root / f".download-{name}"
    shutil.rmtree(attempt, ignore_errors=True)
    try:
        attempt.mkdir(parents=True)
    except (FileExistsError, NotADirectoryError):
        raise HwcoreError(f"datasets.{name}.root: {source['root']!r} must be a folder, but there is a file") from None
    try:
        with _fetching(source) as fetches:
            try:
                for _ in open_splits(name, source, attempt, download=True):
                    pass
            except (HwcoreError, MemoryError):
                raise
            except Exception as error:  # each class fails on damaged archives in its own way
                if isinstance(error, OSError) and error.errno in _DISK:
                    raise
                raise HwcoreError(_reason(name, source, fetches, error)) from None
        for made in attempt.iterdir():
            kept = root / made.name
            if kept.is_dir():
                shutil.rmtree(kept)
            made.rename(kept)
    finally:
        shutil.rmtree(attempt, ignore_errors=True)


def _complete(name: str, source: Mapping[str, Any], root: Path) -> bool:
    try:
        return all(len(part) > 0 for _, part in open_splits(name, source, root))
    except (HwcoreError, MemoryError):
        raise
    except Exception:  # what is missing or damaged is downloaded
        return False


def _reason(name: str, source: Mapping[str, Any], fetches: list[tuple[str, str]], error: Exception) -> str:
    if not fetches:
        at = f"datasets.{name}.options: {source['options']}" if source.get("options") else f"data set {name}"
        return f"{at}: {first_line(error)}"
    address, failure = fetches[-1]
    file, mirror = Path(address).name, f"datasets.{name}.mirror"
    if "mirror" not in source:
        remedy = f"set {mirror} in config.yaml to a URL or a folder that holds the official {file}"
    else:
        remedy = f"let {mirror} ({source['mirror']}) hold the official {file}"
    if failure:
        check = "" if "mirror" in source and "://" not in address else "check the network, or "
        return f"data set {name}: {address} cannot be fetched ({failure}); {check}{remedy}"
    # torchvision's own words for a wrong checksum, in several lines for some classes
    what = "its checksum is wrong" if "corrupted" in str(error) else first_line(error)
    return f"data set {name}: {address} is damaged or incomplete ({what}); run again, or {remedy}"


def first_line(error: Exception) -> str:
    """What an exception says, on one line: its name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def open_splits(
    name: str, source: Mapping[str, Any], root: Path, *, download: bool = False
) -> Iterator[tuple[str, VisionDataset]]:
    """The training and the test set of a torchvision class, or one set named "all" where it has no split.

    Raises HwcoreError for an option that the class does not have, and what torchvision raises.
    """
    kind = getattr(torchvision.datasets, source["class"])
    options = source.get("options", {})
    known = _arguments(kind) - _OURS
    for option in sorted(options.keys() - known):
        has = f"it has {', '.join(sorted(known))}" if known else "it has none"
        raise HwcoreError(f"datasets.{name}.options.{option}: {source['class']} has no such option ({has})")
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
                _fetch(address, target)
            else:
                shutil.copyfile(address, target)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in _DISK:
                # copying names the file that it reads
                raise OSError(error.errno, error.strerror, target) from None
            reason = str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
            if isinstance(error, urllib.error.HTTPError):
                reason = f"{error.code} {reason}"
                error.close()
            fetches[-1] = (address, reason)
            # some sets have several hosts: this makes torchvision try the next
            raise urllib.error.URLError(reason) from error

    with (
        patch.object(torchvision_utils, "_is_remote_location_available", lambda: True),
        patch.object(torchvision_utils, "_download_file_from_remote_location", fetch),
    ):
        yield fetches


def _fetch(address: str, target: str) -> None:
    request = urllib.request.Request(address, headers={"User-Agent": "hwcore"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response, open(target, "wb") as file:
        shutil.copyfileobj(response, file)
        promised = response.headers.get("Content-Length")
    # a connection that ends early is no error to urllib, and not every set has a checksum
    if promised is not None and os.path.getsize(target) < int(promised):
        raise OSError(f"the connection ended after {os.path.getsize(target)} of {promised} bytes")
