from typing import Any, ClassVar, Literal

from pydantic import Field

from hwcore.data.sources.spec import SourceSpec
from hwcore.spec import Count

# torchvision's classification sets that it downloads itself, from addresses that a mirror can replace
CLASSES = (
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


class Settings(SourceSpec):
    """One of torchvision's classification sets, by its name in any case, with or without `-` and `_`."""

    places: ClassVar[frozenset[str]] = frozenset({"root", "mirror"})
    downloads: ClassVar[bool] = True

    source: Literal["torchvision"]
    root: str | None = Field(default=None, description="folder for the downloaded archives; resources/data/<name>")
    mirror: str | None = Field(default=None, description="URL or local folder that holds the official archive files")
    size: tuple[Count, Count] | None = Field(default=None, description="[height, width] to which images are scaled")
    options: dict[str, Any] = Field(
        default={}, description="further arguments of the torchvision class, e.g. {split: letters} for emnist"
    )

    def resolve(self, name: str) -> dict[str, Any]:
        classes = {plain(known): known for known in CLASSES}
        return {"root": f"resources/data/{name}", **super().resolve(name), "class": classes[plain(name)]}


def plain(name: str) -> str:
    """A name without what may be written either way."""
    return name.replace("-", "").replace("_", "").lower()
