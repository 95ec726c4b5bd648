"""One file from a server that may be slow, break off or be down for a moment: whole, or an error."""

import errno
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_TIMEOUT = 60.0  # seconds without a byte, and over which the speed is measured
_SLOWEST = 1_000  # bytes a second
_PAUSES = (1.0, 4.0)  # seconds before a further try
_CHUNK = 2**16
# A host that is busy or restarting, and one that cannot go on where a transfer ended.
_PASSING = {408, 416, 429, 500, 502, 503, 504}
# By which a server tells whether a file is still the one whose beginning is there.
_VALIDATORS = ("ETag", "Last-Modified")


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS alone: urllib's own would read local files and data addresses too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def fetch(address: str, target: Path, kept: Path) -> None:
    """Fetch the file at ``address`` (http or https).

    What arrived before a transfer broke off stays in the folder ``kept``, which is on the disk of ``target``: the next
    try, in this call or a later one, goes on there if the server says that its file has not changed.

    Raises OSError or http.client.HTTPException; ``reason`` puts them in words.
    """
    kept.mkdir(parents=True, exist_ok=True)
    part = kept / hashlib.sha256(address.encode()).hexdigest()[:16]
    try:
        for pause in (*_PAUSES, None):
            try:
                _receive(address, part)
                break
            except (OSError, http.client.HTTPException) as error:
                if pause is None or not _may_pass(error):
                    raise
            time.sleep(pause)
        part.replace(target)
        _validator(part).unlink(missing_ok=True)
    finally:
        if not _validator(part).exists():
            part.unlink(missing_ok=True)
        if not any(kept.iterdir()):
            kept.rmdir()


def reason(error: Exception) -> str:
    """Why a file could not be fetched, on one line."""
    said = str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error) or type(error).__name__
    code = f"{error.code} " if isinstance(error, urllib.error.HTTPError) else ""
    return code + " ".join(said.split())


def _receive(address: str, part: Path) -> None:
    """Once: from where ``part`` ends if the server can go on there, else from the beginning."""
    headers, validator = {"User-Agent": "hwcore"}, _validator(part)
    have = part.stat().st_size if part.is_file() and validator.is_file() else 0
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator.read_text(encoding="utf-8")}
    validator.unlink(missing_ok=True)
    try:
        opened = _opener().open(urllib.request.Request(address, headers=headers), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    with opened as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0
        elif not re.match(rf"bytes {have}-", response.headers.get("Content-Range", "")):
            raise OSError(f"the server sent another part than was asked for, after {have} bytes")
        promised = response.length
        with part.open("ab" if have else "wb") as file:
            known = next((response.headers[name] for name in _VALIDATORS if response.headers[name]), "")
            # a weak one says that two files mean the same, not that they have the same bytes
            if known and not known.startswith("W/"):
                validator.write_text(known, encoding="utf-8")
            began, received, counted = time.monotonic(), 0, 0
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                received += len(chunk)
                counted += len(chunk)
                passed = time.monotonic() - began
                if passed > _TIMEOUT:
                    if counted < _SLOWEST * passed:
                        raise OSError(f"the connection is too slow: {counted / passed:.0f} bytes a second")
                    began, counted = time.monotonic(), 0
    # to urllib a connection that ends early is no error, and not every set has a checksum
    if promised is not None and received < promised:
        raise OSError(f"the connection ended after {have + received} of {have + promised} bytes")


def _validator(part: Path) -> Path:
    return part.with_suffix(".validator")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _PASSING
    # nobody answers at that address, or the disk is full
    return not isinstance(error, urllib.error.URLError) and getattr(error, "errno", None) not in DISK


def is_address(place: str) -> bool:
    """Whether a mirror is an address; anything else is a folder."""
    return "://" in place


def join(mirror: str, name: str) -> str:
    return os.path.join(mirror, name) if not is_address(mirror) else f"{mirror.rstrip('/')}/{name}"
