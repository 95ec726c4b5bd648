"""Images of one's own, in train/<class>/* and test/<class>/*: a folder or an archive."""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from hwcore.data import archives
from hwcore.data.pixels import Part, Pixels, check_size, pixels, stack
from hwcore.errors import HwcoreError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}


def read(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> tuple[Part, Part, list[str]]:
    """The training part, the test part and the names of the classes; see ``hwcore.data.prepare``.

    Images lie in a random order that their paths decide, whatever their order in an archive: as in published sets, the
    first thousand are of all classes.  Raises HwcoreError for an archive that is missing, cannot be read or has
    another sha256, and for images that cannot be read or have no class.
    """
    images: dict[tuple[str, str], list[tuple[str, Pixels]]] = {}
    for path, content in _files(name, identity, places):
        place = _place(path)
        if place:
            image = _decode(name, path, content, identity.get("size"))
            images.setdefault(place, []).append((path, image))
            # at once: a large folder of photographs would fill the memory before it is stacked
            check_size(name, next(iter(images.values()))[0][1], image)
    classes = sorted({label for part, label in images if part == "train"})
    for part in ("train", "test"):
        missing = [label for label in classes if (part, label) not in images]
        if missing or not classes:
            raise HwcoreError(
                f"data set {name}: no images in {part}/{missing[0] if missing else '<class>'}/; "
                f"it needs train/<class>/* and test/<class>/* for every class"
            )
    for label in sorted(label for _, label in images if label not in classes):
        raise HwcoreError(f"data set {name}: test/{label}/ has no train/{label}/")
    parts = []
    for part in ("train", "test"):
        members = [(path, image, i) for i, label in enumerate(classes) for path, image in images[part, label]]
        members.sort(key=lambda member: _shuffled(member[0]))
        parts.append(stack(name, ((image, label) for _, image, label in members)))
    return parts[0], parts[1], classes


def _shuffled(path: str) -> bytes:
    """The key by which images are sorted: it depends on part, class and name alone, and scatters neighbours."""
    return hashlib.sha256("/".join(PurePosixPath(path).parts[-3:]).encode()).digest()


def _files(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> Iterable[tuple[str, bytes]]:
    """The path and content of every file."""
    if "archive" not in places:
        root = Path(places["root"])
        return (
            (path.relative_to(root).as_posix(), path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()
        )
    archive = Path(places["archive"])
    if not archive.is_file():
        raise HwcoreError(f"datasets.{name}.archive: there is no file {places['archive']!r}")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != identity["sha256"]:
        raise HwcoreError(
            f"datasets.{name}.archive: {archive} has the sha256 {actual}, not {identity['sha256']}: fetch it again, "
            f"or state the new sum if you trust the file"
        )
    # read from the archive itself; nothing is unpacked
    return ((path, content.read()) for path, content in archives.files(archive))


def _place(path: str) -> tuple[str, str] | None:
    """("train" or "test", class) of an image's path, whatever folders lie above; None of other files."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[-3] not in ("train", "test") or parts[-1].startswith("."):
        return None
    return (parts[-3], parts[-2]) if PurePosixPath(path).suffix.lower() in _SUFFIXES else None


def _decode(name: str, path: str, content: bytes, size: Sequence[int] | None) -> Pixels:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith(("I", "F")):
                # Pillow would cut off whatever is above 255
                raise HwcoreError(f"data set {name}: {path} has more than 8 bits a channel; save it with 8")
            return pixels(image, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise HwcoreError(f"data set {name}: {path} is not an image that can be read; remove or replace it") from None
