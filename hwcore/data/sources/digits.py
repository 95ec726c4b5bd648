"""scikit-learn's optical recognition of handwritten digits: 1,797 images of 8 × 8 in 17 greys."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from hwcore.data.pixels import Part, holdout, pixels, stack


def read(name: str, identity: Mapping[str, Any], places: Mapping[str, str]) -> tuple[Part, Part, list[str]]:
    """The training part, the test part and the names of the classes; see ``hwcore.data.prepare``."""
    digits = load_digits()
    greys = (digits.images * (255 / 16)).round().astype(np.uint8)
    images = (pixels(Image.fromarray(grey), identity.get("size")) for grey in greys)
    return *holdout(*stack(name, zip(images, digits.target, strict=True))), [str(digit) for digit in range(10)]
