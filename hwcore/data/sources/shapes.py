"""Coloured shapes in ten classes: a stand-in for CIFAR-10 that needs no download."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hwcore.data.pixels import Part, pixels, stack
from hwcore.data.sources.specs.shapes import Settings

CLASSES = ("disc", "ring", "square", "frame", "triangle", "plus", "cross", "diamond", "stripes", "dots")
_SIDE = 32


def read(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> tuple[Part, Part, list[str]]:
    """The training part, the test part and the names of the classes; see ``hwcore.data.prepare``."""
    parts = [_part(name, count, seed, identity.get("size")) for seed, count in enumerate((Settings.train_samples, 500))]
    return parts[0], parts[1], list(CLASSES)


def _part(name: str, count: int, seed: int, size: Sequence[int] | None) -> Part:
    images, labels = draw(count, seed=seed)
    scaled = (pixels(Image.fromarray(image.transpose(1, 2, 0)), size) for image in images)
    return stack(name, zip(scaled, labels, strict=True))


def draw(count: int, *, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``count`` images, uint8 of shape (count, 3, 32, 32), and their labels, equally often each.

    Place, size, angle, the colours of shape and ground and the noise are random, so that colour
    says nothing about the class.
    """
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % len(CLASSES))
    images = np.stack([_image(CLASSES[label], random) for label in labels])
    return images, labels.astype(np.int64)


def _image(shape: str, random: np.random.Generator) -> NDArray[np.uint8]:
    centre = random.uniform(11, 20, size=(2, 1, 1))
    radius, angle = random.uniform(6, 11), random.uniform(-0.35, 0.35)
    y, x = (np.mgrid[:_SIDE, :_SIDE] - centre) / radius
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    # the share of each pixel that the shape covers, from a signed distance in pixels
    cover = np.clip(_distance(shape, x, y) * radius + 0.5, 0, 1)
    colours = random.uniform(0, 255, size=(2, 3, 1, 1))
    image = colours[0] * cover + colours[1] * (1 - cover)
    image = image + random.normal(0, 24, size=image.shape)
    pixels: NDArray[np.uint8] = np.clip(image, 0, 255).astype(np.uint8)
    return pixels


def _distance(shape: str, x: Any, y: Any) -> Any:
    """How deep a point lies inside a shape of radius 1 (negative outside)."""
    round_, square = np.hypot(x, y), np.maximum(abs(x), abs(y))
    thin = 0.28
    inside = {
        "disc": lambda: 1 - round_,
        "ring": lambda: thin / 1.4 - abs(round_ - 0.8),
        "square": lambda: 0.85 - square,
        "frame": lambda: thin / 1.4 - abs(square - 0.7),
        "triangle": lambda: np.minimum(0.6 - y, (y + 1.1) / 2 - abs(x) * 0.95),
        "plus": lambda: np.minimum(1 - square, thin - np.minimum(abs(x), abs(y))),
        "cross": lambda: np.minimum(1 - square, thin - abs(abs(x) - abs(y)) / np.sqrt(2)),
        "diamond": lambda: 1 - abs(x) - abs(y),
        "stripes": lambda: np.minimum(1 - square, 0.17 - abs((y + 1) % 0.66 - 0.33)),
        "dots": lambda: 0.34 - np.hypot(abs(x) - 0.55, abs(y) - 0.55),
    }
    return inside[shape]()
