"""Downloading torchvision data sets, by torchvision's own classes and checksums."""

import http.client
import shutil
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from torchvision.datasets import utils as torchvision_utils

from hwcore.data import archives
from hwcore.data.fetch import DISK, fetch, is_address, join, reason
from hwcore.data.sources.torchvision import first_line, open_splits
from hwcore.errors import HwcoreError

# Where files lie, below the root of a set, whose transfer broke off.
PARTS = ".partial"


def download(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Download the archives of a torchvision set into ``places["root"]`` and verify them.

    A set that is already there is kept.  ``places["mirror"]``, a URL or a folder, takes the place
    of everything before the file name in each address.

    Raises HwcoreError if a file cannot be fetched or has a wrong checksum, and for options that
    the class does not have; then nothing of the attempt stays but what a later one can go on from.
    Raises OSError if the disk is full.
    """
    root, mirror = Path(places["root"]), places.get("mirror")
    if root.exists() and _complete(name, identity, root):
        return
    # a fixed name, so that what a killed attempt left behind is removed by the next
    attempt = root / f".download-{name}"
    shutil.rmtree(attempt, ignore_errors=True)
    try:
        attempt.mkdir(parents=True)
    except (FileExistsError, NotADirectoryError):
        raise HwcoreError(f"datasets.{name}.root: {places['root']!r} must be a folder, but there is a file") from None
    try:
        with _fetching(mirror, root / PARTS) as fetches:
            try:
                for _ in open_splits(name, identity, attempt, download=True):
                    pass
            except (HwcoreError, MemoryError):
                raise
            except Exception as error:  # each class fails on damaged archives in its own way
                if isinstance(error, OSError) and error.errno in DISK:
                    raise
                _complain(name, identity, mirror, fetches, error)
        for made in attempt.iterdir():
            kept = root / made.name
            if kept.is_dir():
                shutil.rmtree(kept)
            made.rename(kept)
    finally:
        shutil.rmtree(attempt, ignore_errors=True)


def _complete(name: str, identity: Mapping[str, Any], root: Path) -> bool:
    try:
        return all(len(part) > 0 for _, part in open_splits(name, identity, root))
    except (HwcoreError, MemoryError):
        raise
    except Exception:  # what is missing or damaged is downloaded
        return False


def _complain(
    name: str, identity: Mapping[str, Any], mirror: str | None, fetches: list[tuple[str, str]], error: Exception
) -> NoReturn:
    if not fetches:
        raise HwcoreError(
            (f"datasets.{name}.options: {identity['options']}" if identity.get("options") else f"data set {name}")
            + f": {first_line(error)}"
        ) from None
    address, failure = fetches[-1]
    file = Path(address).name
    remote = is_address(address)
    raise HwcoreError(
        f"data set {name}: {address} "
        + (
            f"cannot be fetched ({failure}); {'check the network, or ' if remote else ''}"
            if failure
            # torchvision's own words for a wrong checksum, in several lines for some classes
            else f"is damaged or incomplete "
            f"({'its checksum is wrong' if 'corrupted' in str(error) else first_line(error)}); run again, or "
        )
        + (
            f"set datasets.{name}.mirror in config.yaml to a URL or a folder that holds the official {file}"
            if mirror is None
            else f"let datasets.{name}.mirror ({mirror}) hold the official {file}"
        )
    ) from None


@contextmanager
def _fetching(mirror: str | None, kept: Path) -> Iterator[list[tuple[str, str]]]:
    """Torchvision's downloads go through here; the list holds each address and why it failed, or "".

    torchvision has a hook for hosts with their own way of downloading: two functions that it asks
    before it uses the address itself.  Its checksums stay in force: a downloader of our own would need a
    copy of them and of the addresses, which many classes hold only inside their methods.  Its ways to unpack
    trust the archive, so that ours take their place.
    """
    fetches: list[tuple[str, str]] = []

    def get(target: str, url: str) -> None:
        address = url if mirror is None else join(mirror, Path(url).name)
        fetches.append((address, ""))
        try:
            if is_address(address):
                fetch(address, Path(target), kept)
            else:
                shutil.copyfile(address, target)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in DISK:
                # copying names the file that it reads
                raise OSError(error.errno, error.strerror, target) from None
            fetches[-1] = (address, reason(error))
            # some sets have several hosts: this makes torchvision try the next
            raise urllib.error.URLError(reason(error)) from error

    def unpack(archive: str | Path, folder: str | Path, _: str | None = None) -> None:
        archives.unpack(Path(archive), Path(folder))

    def decompress(compressed: str | Path, target: str | Path | None = None, remove_finished: bool = False) -> Path:
        made = Path(target or Path(compressed).with_suffix(""))
        archives.decompress(Path(compressed), made)
        if remove_finished:
            Path(compressed).unlink()
        return made

    with (
        patch.object(torchvision_utils, "_is_remote_location_available", lambda: True),
        patch.object(torchvision_utils, "_download_file_from_remote_location", get),
        patch.object(torchvision_utils, "_decompress", decompress),
        patch.dict(torchvision_utils._ARCHIVE_EXTRACTORS, {".tar": unpack, ".zip": unpack}),
    ):
        yield fetches
