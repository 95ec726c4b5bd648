"""Which data sets there are by name, and what decides the content of each.

A source of data sets is a module in hwcore/data/sources/ and its settings one of the same name in
hwcore/data/sources/specs/: a new one needs no line here.  The plan and the configuration read this module, at every
call: it loads neither torch nor torchvision.  No job does: what a job needs from here is in its specification, so
that another source makes nothing stale.
"""

import difflib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hwcore.data.sources.spec import SourceSpec
from hwcore.data.sources.specs import torchvision
from hwcore.errors import HwcoreError
from hwcore.validation import did_you_mean, validate

_PACKAGE = "hwcore.data.sources.specs"
SOURCES: dict[str, type[SourceSpec]] = {
    module.name: import_module(f"{_PACKAGE}.{module.name}").Settings
    for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__)
}
# The training images of well-known data sets by their names, without `-` and `_`, whatever the source of their images.
_IMAGES = {"mnist": 60_000, "fashionmnist": 60_000, "kmnist": 60_000, "qmnist": 60_000, "cifar10": 50_000}
_IMAGES |= {"cifar100": 50_000, "svhn": 73_257, "usps": 7_291, "stl10": 5_000, "food101": 75_750}
# The sources that make their images themselves are data sets by their own names.
_GENERATED = [kind for kind, settings in SOURCES.items() if not settings.places]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    ``identity`` decides its content: the kind of source under ``source`` and its settings, with what follows from
    them, e.g. the torchvision ``class``, or of a folder of images a hash over the paths and sizes of its ``files``.
    ``places`` (``root``, ``mirror``, ``archive``) do not.
    """

    identity: dict[str, Any]
    places: dict[str, str]
    downloads: bool

    @property
    def kind(self) -> str:
        kind: str = self.identity["source"]
        return kind

    @property
    def archives(self) -> dict[str, Any]:
        """What decides which files are downloaded: the identity without the size of the images."""
        return {key: value for key, value in self.identity.items() if key != "size"}


def settings(name: str, entry: Any, file: str) -> SourceSpec:
    """What the configuration says of the data set ``name`` under `datasets`.

    Raises HwcoreError naming the file, the key, the value and what would be right.
    """
    at = f"datasets.{name}"
    kind = entry.get("source") if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or kind not in SOURCES:
        raise HwcoreError(f"{file}: {at}.source: unknown source {kind!r}{did_you_mean(str(kind), SOURCES)}")
    return validate(SOURCES[kind], dict(entry), file, at)


def training_images(name: str, entry: Mapping[str, Any]) -> int | None:
    """How many training images the data set ``name`` has, None where neither its source nor its name tells."""
    source = entry.get("source", name)
    known = SOURCES[source].train_samples if source in SOURCES else None
    return known or (None if entry.get("options") else _IMAGES.get(torchvision.plain(name)))


def resolve(name: str, entry: Mapping[str, Any], size: Sequence[int] | None = None) -> Source:
    """The source of the data set ``name``; ``entry`` is what the configuration says of it.

    A generated set or a torchvision class needs no entry.  The names of torchvision classes may be
    written in any case, with or without `-` and `_`.  Images have the ``size`` (H, W), if it is given.

    Raises HwcoreError for a name that nothing answers to and for settings that do not go together.
    """
    entry = {**(entry or {"source": name if name in _GENERATED else "torchvision"}), **({"size": size} if size else {})}
    spec = settings(name, entry, "config.yaml")
    if spec.source == "torchvision":
        _check_name(name)
    try:
        resolved = spec.resolve(name)
    except ValueError as error:
        raise HwcoreError(f"datasets.{name}.{error}") from None
    identity = {key: value for key, value in resolved.items() if key not in spec.places}
    places = {key: value for key, value in resolved.items() if key in spec.places}
    return Source(identity, places, spec.downloads)


def _check_name(name: str) -> None:
    if torchvision.plain(name) not in map(torchvision.plain, torchvision.CLASSES):
        known = [*_GENERATED, *(known.lower() for known in torchvision.CLASSES)]
        close = difflib.get_close_matches(name.lower(), known, n=1)
        raise HwcoreError(
            f"data set {name!r} is unknown{f' (did you mean `{close[0]}`?)' if close else ''}: "
            f"name a torchvision classification set or {' or '.join(_GENERATED)}, "
            f"or describe it in config.yaml under datasets.{name}"
        )
