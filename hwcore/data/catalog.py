"""Which data sets there are, and what decides their content.

This module loads neither torch nor torchvision: the workflow reads it at every call.
"""

import difflib
import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError

# torchvision's classification sets that it downloads itself, from addresses that a mirror can replace
TORCHVISION = (
    "CIFAR10",
    "CIFAR100",
    "Caltech101",
    "Caltech256",
    "Country211",
    "DTD",
    "EMNIST",
    "EuroSAT",
    "FGVCAircraft",
    "FashionMNIST",
    "Flowers102",
    "Food101",
    "GTSRB",
    "Imagenette",
    "KMNIST",
    "MNIST",
    "OxfordIIITPet",
    "QMNIST",
    "RenderedSST2",
    "SEMEION",
    "STL10",
    "SUN397",
    "SVHN",
    "USPS",
)
GENERATED = ("digits", "shapes")

# The keys of a data set's configuration that each source understands.
_KEYS = {
    "torchvision": {"source", "root", "mirror", "size", "options"},
    "digits": {"source", "size"},
    "shapes": {"source"},
    "imagefolder": {"source", "root", "archive", "sha256", "size"},
}


def resolve(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The complete source of the data set ``name``; ``said`` is its entry in the configuration.

    A generated set or a torchvision class needs no entry.  torchvision classes are found whatever
    the case, with or without `-` and `_`.

    Raises HwcoreError for a name that nothing answers to and for keys that do not go together.
    """
    said = {key: value for key, value in said.items() if value not in (None, {}, [])}
    said |= {key: os.path.expanduser(said[key]) for key in ("root", "mirror", "archive") if key in said}
    classes = {_plain(known): known for known in TORCHVISION}
    if not said:
        said = {"source": name if name in GENERATED else "torchvision"}
    source = said["source"]
    at = f"datasets.{name}"
    surplus = sorted(said.keys() - _KEYS[source])
    if surplus:
        raise HwcoreError(
            f"{at}.{surplus[0]}: the source {source} has no such setting (it has {', '.join(sorted(_KEYS[source]))})"
        )
    if source == "torchvision":
        if _plain(name) not in classes:
            raise _unknown(name)
        return {"root": f"resources/data/{name}", **said, "class": classes[_plain(name)]}
    if source == "imagefolder":
        return _resolve_folder(at, dict(said))
    return dict(said)


def identity(name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the content of a data set: neither where it is downloaded from nor where it is kept.

    Of a folder of images it is the paths and sizes of its files.
    """
    kept = {key: value for key, value in source.items() if key not in ("root", "mirror", "archive")}
    if source["source"] == "imagefolder" and "root" in source:
        kept["files"] = _listing(Path(source["root"]))
    return kept


def identity_of(prepared: Path) -> Any:
    """The identity in a prepared file, read from the head of the safetensors format alone.

    None if the file has none, for instance because it is cut short.
    """
    with prepared.open("rb") as file:
        try:
            (size,) = struct.unpack("<Q", file.read(8))
            # what is no safetensors file may claim a head of any size
            head = file.read(min(size, prepared.stat().st_size))
            return json.loads(json.loads(head)["__metadata__"]["about"])["identity"]
        except (struct.error, ValueError, LookupError, TypeError):
            return None


def _unknown(name: str) -> HwcoreError:
    known = [*GENERATED, *(known.lower() for known in TORCHVISION)]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f" (did you mean `{close[0]}`?)" if close else ""
    return HwcoreError(
        f"data set {name!r} is unknown{hint}: name a torchvision classification set or {' or '.join(GENERATED)}, "
        f"or describe it in config.yaml under datasets.{name}"
    )


def _resolve_folder(at: str, said: dict[str, Any]) -> dict[str, Any]:
    if ("archive" in said) == ("root" in said):
        raise HwcoreError(f"{at}: an imagefolder needs either `archive` (with its sha256) or `root` (a folder)")
    if "archive" in said:
        if not said["archive"].endswith((".tar.gz", ".tgz", ".zip")):
            raise HwcoreError(f"{at}.archive: {said['archive']!r} is neither .tar.gz, .tgz nor .zip")
        if "sha256" not in said:
            raise HwcoreError(
                f"{at}.sha256: is missing; an archive is used only if its SHA-256 is stated (see `sha256sum`)"
            )
    elif not os.path.isdir(said["root"]):
        raise HwcoreError(f"{at}.root: there is no folder {said['root']!r}")
    elif "sha256" in said:
        raise HwcoreError(f"{at}.sha256: goes with `archive`, not with a folder")
    return said


def _listing(root: Path) -> str:
    files = sorted(
        f"{os.path.relpath(os.path.join(folder, name), root)} {os.path.getsize(os.path.join(folder, name))}"
        for folder, _, names in os.walk(root)
        for name in names
    )
    return hashlib.sha256("\n".join(files).encode()).hexdigest()


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
