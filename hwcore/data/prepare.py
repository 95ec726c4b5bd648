"""Turning a data set into one file of tensors."""

import hashlib
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor

from hwcore.data import shapes
from hwcore.data.catalog import identity
from hwcore.data.download import first_line, open_splits
from hwcore.errors import HwcoreError
from hwcore.tensors import write_tensors

# Of a set that is not divided, this share is for testing.
_TEST_SHARE = 0.2
_SPLIT_SEED = 0
_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}

Part = tuple[Tensor, Tensor]  # images uint8 (N, C, H, W), labels int64 (N,)


def prepare(name: str, source: Mapping[str, Any], output: Path) -> None:
    """Write the data set ``name`` as one safetensors file.

    It holds ``train_images`` and ``test_images``, uint8 of shape (N, C, H, W), ``train_labels`` and
    ``test_labels``, int64 of shape (N,), and in the metadata, as the JSON value ``about``, the names of
    the ``classes``, the ``mean`` and ``std`` of each channel of the training images, scaled to 0…1, and
    the ``identity`` of the set.  Equal sources give equal bytes.

    Raises HwcoreError for images that cannot be read, a wrong checksum and images of several sizes.
    """
    makers = {"torchvision": _torchvision, "digits": _digits, "shapes": _shapes, "imagefolder": _imagefolder}
    train, test, classes = makers[source["source"]](name, source)
    _check_size(name, train[0], test[0])
    channels = max(train[0].shape[1], test[0].shape[1])
    train, test = ((images.expand(-1, channels, -1, -1), labels) for images, labels in (train, test))
    flat = train[0].transpose(0, 1).flatten(1)
    mean, std = zip(*(_moments(channel) for channel in flat), strict=True)
    tensors = {"train_images": train[0], "train_labels": train[1], "test_images": test[0], "test_labels": test[1]}
    about = {"classes": classes, "mean": mean, "std": std, "identity": identity(name, source)}
    # one value, because safetensors writes several in random order
    write_tensors(output, tensors, {"about": json.dumps(about)})


def _moments(channel: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of uint8 values scaled to 0…1, exactly, from their histogram."""
    counts = torch.bincount(channel.int(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts @ values / counts.sum()).item()
    variance = (counts @ (values - mean).square() / counts.sum()).item()
    return mean, variance**0.5


def _torchvision(name: str, source: Mapping[str, Any]) -> tuple[Part, Part, list[str]]:
    parts = {}
    classes: list[str] = []
    try:
        for part, dataset in open_splits(name, source, Path(source["root"])):
            samples = (dataset[i] for i in range(len(dataset)))
            parts[part] = _stack(name, ((_pixels(image, source.get("size")), label) for image, label in samples))
            found = getattr(dataset, "classes", None) or getattr(dataset, "categories", classes)
            # Imagenette has several names for each class
            classes = [label[0] if isinstance(label, tuple) else str(label) for label in found]
    except (HwcoreError, MemoryError):
        raise
    except Exception as error:  # whatever torchvision's many readers raise for damaged files
        raise HwcoreError(
            f"data set {name}: the downloaded files under {source['root']} are gone or damaged ({first_line(error)}); "
            f"delete them and resources/data/{name}.json, and run again"
        ) from None
    if any((labels < 0).any() for _, labels in parts.values()):
        raise HwcoreError(f"datasets.{name}.options: {source['options']} chooses images without labels")
    if "all" in parts:
        parts["train"], parts["test"] = _split(*parts["all"])
    count = int(max(parts["train"][1].max(), parts["test"][1].max())) + 1
    return parts["train"], parts["test"], classes or [str(label) for label in range(count)]


def _stack(name: str, samples: Iterable[tuple[Any, int]]) -> Part:
    """Arrays (C, H, W) with their labels as tensors.  Where some images are in colour, grey ones are too."""
    images, labels = [], []
    for pixels, label in samples:
        images.append(pixels)
        labels.append(label)
        _check_size(name, images[0], pixels)
    if not images:
        raise HwcoreError(f"data set {name}: there are no images")
    if len({len(pixels) for pixels in images}) > 1:
        images = [np.broadcast_to(pixels, (3, *pixels.shape[1:])) for pixels in images]
    return torch.from_numpy(np.stack(images)), torch.tensor(labels, dtype=torch.int64)


def _pixels(image: Image.Image, size: Sequence[int] | None) -> Any:
    """An image as uint8 of shape (C, H, W): one channel for grey, three for colour."""
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    array = np.array(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def _split(images: Tensor, labels: Tensor) -> tuple[Part, Part]:
    """A fixed random fifth of each class is for testing."""
    generator = torch.Generator().manual_seed(_SPLIT_SEED)
    train, test = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = round(len(members) * _TEST_SHARE)
        test.append(members[:count])
        train.append(members[count:])
    chosen = torch.cat(train).sort().values, torch.cat(test).sort().values
    return (images[chosen[0]], labels[chosen[0]]), (images[chosen[1]], labels[chosen[1]])


def _digits(name: str, source: Mapping[str, Any]) -> tuple[Part, Part, list[str]]:
    """scikit-learn's optical recognition of handwritten digits: 1,797 images of 8 × 8 in 17 greys."""
    found = load_digits()
    grey = (found.images * (255 / 16)).round().astype(np.uint8)
    pixels = (_pixels(Image.fromarray(image), source.get("size")) for image in grey)
    images, labels = _stack(name, zip(pixels, found.target, strict=True))
    return *_split(images, labels), [str(digit) for digit in range(10)]


def _shapes(name: str, source: Mapping[str, Any]) -> tuple[Part, Part, list[str]]:
    train = shapes.draw(4000, seed=0)
    test = shapes.draw(1000, seed=1)
    return _tensors(*train), _tensors(*test), list(shapes.CLASSES)


def _tensors(images: Any, labels: Any) -> Part:
    return torch.from_numpy(images), torch.from_numpy(labels)


def _imagefolder(name: str, source: Mapping[str, Any]) -> tuple[Part, Part, list[str]]:
    """train/<class>/* and test/<class>/*, in a folder or an archive; images in the order of their paths."""
    if "archive" in source:
        archive = Path(source["archive"])
        if not archive.is_file():
            raise HwcoreError(f"datasets.{name}.archive: there is no file {source['archive']!r}")
        with archive.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != source["sha256"]:
            raise HwcoreError(
                f"datasets.{name}.archive: {archive} has the sha256 {actual}, not {source['sha256']}: fetch it again, "
                f"or state the new sum if you trust the file"
            )
        files = _zip_files(archive) if archive.suffix == ".zip" else _tar_files(archive)
    else:
        root = Path(source["root"])
        files = (
            (path.relative_to(root).as_posix(), path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()
        )
    found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for path, content in files:
        where = _place(path)
        if where:
            pixels = _decode(name, path, content, source.get("size"))
            found.setdefault(where, []).append((path, pixels))
            # at once: a large folder of photographs would fill the memory before it is stacked
            _check_size(name, next(iter(found.values()))[0][1], pixels)
    classes = sorted({label for part, label in found if part == "train"})
    for part in ("train", "test"):
        missing = [label for label in classes if (part, label) not in found]
        if missing or not classes:
            raise HwcoreError(
                f"data set {name}: no images in {part}/{missing[0] if missing else '<class>'}/; "
                f"it needs train/<class>/* and test/<class>/* for every class"
            )
    strange = sorted(label for part, label in found if label not in classes)
    if strange:
        raise HwcoreError(f"data set {name}: test/{strange[0]}/ has no train/{strange[0]}/")
    parts = []
    for part in ("train", "test"):
        members = [(path, pixels, i) for i, label in enumerate(classes) for path, pixels in found[part, label]]
        members.sort(key=lambda member: member[0])
        parts.append(_stack(name, ((pixels, label) for _, pixels, label in members)))
    return parts[0], parts[1], classes


def _check_size(name: str, one: Any, other: Any) -> None:
    if one.shape[-2:] != other.shape[-2:]:
        shown = " and ".join(f"{height}×{width}" for height, width in (one.shape[-2:], other.shape[-2:]))
        raise HwcoreError(
            f"data set {name}: images differ in size ({shown}, as height × width); "
            f"set datasets.{name}.size in config.yaml, e.g. [32, 32]"
        )


def _place(path: str) -> tuple[str, str] | None:
    """("train" or "test", class) of an image's path, whatever folders lie above."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[-3] not in ("train", "test") or parts[-1].startswith("."):
        return None
    return (parts[-3], parts[-2]) if PurePosixPath(path).suffix.lower() in _SUFFIXES else None


def _decode(name: str, path: str, content: bytes, size: Sequence[int] | None) -> Any:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith(("I", "F")):
                # Pillow would cut off whatever is above 255
                raise HwcoreError(f"data set {name}: {path} has more than 8 bits a channel; save it with 8")
            return _pixels(image, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise HwcoreError(f"data set {name}: {path} is no image that can be read; remove or replace it") from None


def _tar_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Files are read from the archive itself; nothing is extracted."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name, file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise HwcoreError(f"{archive}: the archive cannot be read ({error})") from None


def _zip_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                if not member.is_dir():
                    yield member.filename, opened.read(member)
    except (zipfile.BadZipFile, OSError, zlib.error, RuntimeError) as error:  # RuntimeError: it wants a password
        raise HwcoreError(f"{archive}: the archive cannot be read ({error})") from None
