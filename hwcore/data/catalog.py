"""Which data sets and functions there are by name, and what decides the content of a data set.

The plan and the configuration read this module, at every call: it loads neither torch nor
torchvision.  No job does: what a job needs from here is in its specification, so that another
name makes nothing stale.
"""

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
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
# The settings of each source, whose module is hwcore/data/sources/<source>.py.
SOURCES: dict[str, set[str]] = {
    "torchvision": {"root", "mirror", "size", "options"},
    "digits": {"size"},
    "shapes": set(),
    "imagefolder": {"root", "archive", "sha256", "size"},
}
# The settings that say where a data set is fetched from and kept, and nothing about its content.
_PLACES = {"root", "mirror", "archive"}
# The sources that make their images themselves are data sets by their own names.
_GENERATED = [kind for kind, settings in SOURCES.items() if not settings & _PLACES]

# The functions of one variable in hwcore/data/functions.py, as a page writes them.
FUNCTIONS = {
    "cos": "cos x",
    "arcsinh": "arcsinh x",
    "sinc5": "sin(5πx)/(5πx)",
    "sign_sin5pi": "sgn(sin(5πx))",
    "sign_sin10pi": "sgn(sin(10πx))",
    "sin3pi": "sin(3πx)",
    "sin5pi": "sin(5πx)",
    "sin_plus_cos": "sin x + cos x",
    "two_cosh": "2 cosh x",
}


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    ``identity`` decides its content: the kind of source under ``source``, ``size``, ``options``, the
    torchvision ``class``, the ``sha256`` of an archive, and of a folder of images a hash over the paths
    and sizes of its ``files``.  ``places`` (``root``, ``mirror``, ``archive``) do not.
    """

    identity: dict[str, Any]
    places: dict[str, str]

    @property
    def kind(self) -> str:
        kind: str = self.identity["source"]
        return kind


def resolve(name: str, entry: Mapping[str, Any]) -> Source:
    """The source of the data set ``name``; ``entry`` is what the configuration says of it.

    A generated set or a torchvision class needs no entry.  The names of torchvision classes may be
    written in any case, with or without `-` and `_`.

    Raises HwcoreError for a name that nothing answers to and for settings that do not go together.
    """
    settings = {key: value for key, value in entry.items() if value not in (None, {}, [])}
    settings |= {key: os.path.expanduser(settings[key]) for key in _PLACES & settings.keys()}
    if not settings:
        settings = {"source": name if name in _GENERATED else "torchvision"}
    kind = settings["source"]
    for surplus in sorted(settings.keys() - SOURCES[kind] - {"source"}):
        raise HwcoreError(
            f"datasets.{name}.{surplus}: the source {kind} has no such setting "
            f"(it has {', '.join(sorted({'source', *SOURCES[kind]}))})"
        )
    if kind == "torchvision":
        settings = {"root": f"resources/data/{name}", **settings, "class": _torchvision_class(name)}
    elif kind == "imagefolder":
        _check_folder(f"datasets.{name}", settings)
    identity = {key: value for key, value in settings.items() if key not in _PLACES}
    if kind == "imagefolder" and "root" in settings:
        identity["files"] = _listing(Path(settings["root"]))
    return Source(identity, {key: value for key, value in settings.items() if key in _PLACES})


def _torchvision_class(name: str) -> str:
    classes = {_plain(known): known for known in TORCHVISION}
    if _plain(name) not in classes:
        known = [*_GENERATED, *(known.lower() for known in TORCHVISION)]
        close = difflib.get_close_matches(name.lower(), known, n=1)
        raise HwcoreError(
            f"data set {name!r} is unknown{f' (did you mean `{close[0]}`?)' if close else ''}: "
            f"name a torchvision classification set or {' or '.join(_GENERATED)}, "
            f"or describe it in config.yaml under datasets.{name}"
        )
    return classes[_plain(name)]


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _check_folder(at: str, settings: Mapping[str, Any]) -> None:
    if ("archive" in settings) == ("root" in settings):
        raise HwcoreError(f"{at}: an imagefolder needs either `archive` (with its sha256) or `root` (a folder)")
    if "archive" in settings:
        if not settings["archive"].endswith((".tar.gz", ".tgz", ".zip")):
            raise HwcoreError(f"{at}.archive: {settings['archive']!r} is neither .tar.gz, .tgz nor .zip")
        if "sha256" not in settings:
            raise HwcoreError(
                f"{at}.sha256: is missing; an archive is used only if its SHA-256 is stated (see `sha256sum`)"
            )
    elif not os.path.isdir(settings["root"]):
        raise HwcoreError(f"{at}.root: there is no folder {settings['root']!r}")
    elif "sha256" in settings:
        raise HwcoreError(f"{at}.sha256: goes with `archive`, not with a folder")


def _listing(root: Path) -> str:
    files = sorted(
        f"{os.path.relpath(os.path.join(folder, name), root)} {os.path.getsize(os.path.join(folder, name))}"
        for folder, _, names in os.walk(root)
        for name in names
    )
    return hashlib.sha256("\n".join(files).encode()).hexdigest()
