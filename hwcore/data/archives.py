"""Archives from others, read and unpacked without what could leave their folder or fill the machine."""

import bz2
import gzip
import io
import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hwcore.data.fetch import DISK
from hwcore.errors import HwcoreError

ENTRIES = 2_000_000
# What an archive may unpack to: so many times its own size, and always so many bytes.
_RATIO, _ALWAYS = 20, 2**30
_HEADER = 2**20  # bytes of a long name or of what else a header of tar says
_ZIP_LIST = 2**28  # bytes of the list of entries at the end of a zip, which is read as a whole
_CHUNK = 2**20
_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".tgz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".tar": lambda path: path.open("rb"),
}
# What the readers raise for damaged archives, for encrypted ones and for compression that they do not have.
_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError),
    *(RuntimeError, struct.error, ValueError, OverflowError),
)


def files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The path of each file in a .zip or a .tar, which may be compressed, and its content, to be read at once.

    Raises HwcoreError for an archive that cannot be read, and for one that holds links, devices or paths that lead
    outside, has more than two million entries, or unpacks to more than 1 GiB and 20 times its own size.
    """
    with _readable(archive):
        yield from _zip_files(archive) if archive.suffix == ".zip" else _tar_files(archive)


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of an archive into ``folder``; their owners, modes and times are not taken over.

    Raises HwcoreError as ``files`` does, and OSError if the disk is full.
    """
    for name, content in files(archive):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)


def decompress(compressed: Path, target: Path) -> None:
    """Write what one file with the suffix .gz, .bz2 or .xz holds.  Raises HwcoreError and OSError as ``unpack``."""
    with _readable(compressed), _opened(compressed) as content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        # a full disk is no fault of the archive
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        raise HwcoreError(f"{archive}: the archive cannot be read ({' '.join(str(error).split())})") from None


def _refuse(archive: Path, why: str) -> HwcoreError:
    return HwcoreError(f"{archive}: {why}; the archive is refused, use another copy of it")


def _limit(archive: Path) -> int:
    return max(_ALWAYS, _RATIO * archive.stat().st_size)


def _too_large(archive: Path) -> HwcoreError:
    return _refuse(archive, f"unpacks to more than {_limit(archive) / 2**30:,.0f} GiB")


def _check_name(archive: Path, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or re.match("[A-Za-z]:", name) or "\0" in name:
        raise _refuse(archive, f"holds the path {name!r}, which leads outside")


class _Limited(io.RawIOBase):
    """What an archive decompresses to, up to its limit."""

    def __init__(self, archive: Path, content: IO[bytes]) -> None:
        self._archive, self._content, self._left = archive, content, _limit(archive)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(min(len(buffer), _CHUNK))
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._archive)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _opened(archive: Path) -> Iterator[IO[bytes]]:
    opener = _OPENERS.get(archive.suffix)
    if opener is None:
        raise HwcoreError(f"{archive}: is neither .zip, .tar, .tgz, .gz, .bz2 nor .xz")
    with opener(archive) as content:
        yield io.BufferedReader(_Limited(archive, content), _CHUNK)


def _tar_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    limit, entries = _limit(archive), 0

    class Header(tarfile.TarInfo):
        """Checked before any of its content is read."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Header":
            nonlocal entries
            header = super().frombuf(buf, encoding, errors)
            entries += 1
            if entries > ENTRIES:
                raise _refuse(archive, f"has more than {ENTRIES:,} entries")
            if header.size < 0:
                raise tarfile.ReadError("an entry of negative size")
            if header.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and header.size > _HEADER:
                raise _refuse(archive, f"has a header of {header.size:,} bytes")
            return header

    total = 0
    with _opened(archive) as content, tarfile.open(fileobj=content, mode="r|", tarinfo=Header) as tar:
        for member in tar:
            _check_name(archive, member.name)
            if not (member.isfile() or member.isdir()):
                kind = "a link" if member.issym() or member.islnk() else "a device"
                raise _refuse(archive, f"holds {kind}, {member.name!r}")
            # a sparse file is longer than what the archive holds of it
            total += member.size
            if total > limit:
                raise _too_large(archive)
            file = tar.extractfile(member)
            if file is not None:
                yield member.name, file
            # each member is remembered otherwise
            tar.members.clear()  # type: ignore[attr-defined]


class _Zip(io.FileIO):
    """A zip, whose list of entries is read as a whole and therefore has a limit."""

    bound: int | None = _ZIP_LIST

    def read(self, size: int | None = -1, /) -> bytes:
        if self.bound and size is not None and size > self.bound:
            raise _refuse(Path(str(self.name)), f"has more than {ENTRIES:,} entries")
        return super().read(size)


def _zip_files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with _Zip(archive) as file, zipfile.ZipFile(file) as opened:
        file.bound = None
        members = opened.infolist()
        if len(members) > ENTRIES:
            raise _refuse(archive, f"has more than {ENTRIES:,} entries")
        if sum(member.file_size for member in members) > _limit(archive):
            raise _too_large(archive)
        for member in members:
            _check_name(archive, member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refuse(archive, f"holds {'a link' if stat.S_ISLNK(kind) else 'a device'}, {member.filename!r}")
        for member in members:
            if not member.is_dir():
                # no more than the size that the list says is read
                with opened.open(member) as content:
                    yield member.filename, content
