"""The colours of figures on white, and what each becomes on the dark ground of a page."""

from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

GREY = "#868686"
DARK = "#404040"
GROUND = "#15181c"  # that of report/style.css in the dark

# OKLab (Ottosson 2020): linear sRGB to cone responses, and their cube roots to lightness and two hues
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Lightness on white and on the dark ground: of black, of the lightest colours of lines (3:1 on white), and of white.
_LIGHTNESS = ((0.0, 0.66, 1.0), (0.93, 0.6, 0.2076))
_MANY = (0.42, 0.64)  # lightness of the colours of many things
_TEXT = 0.53  # the most lightness of words: 4.5:1 on white


def spread(count: int) -> list[Any]:
    """Colours for ``count`` things: distinct ones for a few, for many those of a rainbow, light and dark in turn."""
    few = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    if count <= len(few):
        return list(few[:count])
    hues = mpl.colormaps["turbo"](np.linspace(0.02, 0.98, count))[:, :3]
    # neighbours on the scale differ in lightness too, also for who sees few hues
    return [_at(_MANY[i % 2], hue) for i, hue in enumerate(hues)]


def ink(colour: Any) -> str:
    """The colour for words: darker, where these would be hard to read."""
    lightness, *hue = _to_lab(np.array(to_rgb(colour)))
    return _hex(min(lightness, _TEXT), hue)


@cache
def on_dark(colour: str) -> str:
    """The partner of a colour of a figure on white: dark for light, and of the same hue."""
    if to_rgb(colour) == (1, 1, 1):
        return GROUND
    lightness, *hue = _to_lab(np.array(to_rgb(colour)))
    return _hex(np.interp(lightness, *_LIGHTNESS), hue)


def _at(lightness: float, rgb: NDArray[np.float64]) -> str:
    return _hex(lightness, _to_lab(rgb)[1:].tolist())


def _hex(lightness: float, hue: list[float]) -> str:
    """A colour as saturated as screens allow."""
    for share in np.linspace(1, 0, 41):
        rgb = _to_rgb(np.array([lightness, *(share * np.array(hue))]))
        if rgb.min() > -1e-3 and rgb.max() < 1 + 1e-3:
            break
    red, green, blue = np.clip(rgb, 0, 1).tolist()
    return str(to_hex((red, green, blue)))


def _to_lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(_LAB @ np.cbrt(_CONES @ linear))


def _to_rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.linalg.solve(_CONES, np.linalg.solve(_LAB, lab) ** 3)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.clip(linear, 0, None) ** (1 / 2.4) - 0.055)
