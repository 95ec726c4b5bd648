"""How training images may be changed at random, as a study file says it.

Each kind is a class here, with the module hwcore/data/augmentations/<kind>.py beside it that does it.  Of a class,
``words`` are for pages, filled with its settings, and ``main`` is the setting that may follow the name in the short
form: `- flip: 0.5`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from hwcore.spec import Count, Fraction, Spec


class Base(Spec):
    """What all have in common."""

    @property
    def border(self) -> int:
        """Pixels on each side of an image that stand in memory with it, where the augmentation comes first."""
        return 0


class Crop(Base):
    """The image in a frame of ``padding`` pixels, cut back to its size at a random place."""

    words: ClassVar[str] = "random crop after padding by {padding} ({padding_mode})"
    main: ClassVar[str] = "padding"

    kind: Literal["crop"]
    padding: Count = Field(description="pixels on each side")
    padding_mode: Literal["constant", "edge", "reflect"] = Field(
        default="constant",
        description="what the frame holds: black, the nearest pixel of the image, or the image's reflection",
    )

    @property
    def border(self) -> int:
        return self.padding


class Flip(Base):
    """The mirror image, left for right."""

    words: ClassVar[str] = "horizontal flip with probability {p:g}"
    main: ClassVar[str] = "p"

    kind: Literal["flip"]
    p: Fraction = Field(default=0.5, description="the probability")


class Rotate(Base):
    """The image turned about its centre by a random angle; what comes from outside is black."""

    words: ClassVar[str] = "rotation by up to {degrees:g}° ({interpolation})"
    main: ClassVar[str] = "degrees"

    kind: Literal["rotate"]
    degrees: Annotated[float, Field(gt=0, le=180)] = Field(description="the largest angle, either way")
    interpolation: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="the nearest pixel of the image, or the mean of the nearest four by distance"
    )

    @property
    def border(self) -> int:
        return 1


class Cutout(Base):
    """A black square about a random pixel; at the border a part of it lies outside (DeVries & Taylor 2017)."""

    words: ClassVar[str] = "cutout of {size}×{size}"
    main: ClassVar[str] = "size"

    kind: Literal["cutout"]
    size: Count = Field(description="pixels on each side of the square")


Kind = Crop | Flip | Rotate | Cutout
_MAIN: dict[str, str] = {get_args(kind.model_fields["kind"].annotation)[0]: kind.main for kind in get_args(Kind)}


def _long(item: Any) -> Any:
    """``{flip: 0.5}`` and ``{crop: {padding: 4}}`` with the name as their kind."""
    if isinstance(item, Spec) or (isinstance(item, Mapping) and "kind" in item):
        return item
    if not isinstance(item, Mapping) or len(item) != 1 or next(iter(item)) not in _MAIN:
        raise ValueError(f"{item!r} is not an augmentation: each is one of {', '.join(_MAIN)}, e.g. {{flip: 0.5}}")
    [(kind, options)] = item.items()
    return {"kind": kind, **(options if isinstance(options, Mapping) else {_MAIN[kind]: options})}


Augmentation = Annotated[
    Kind, Field(discriminator="kind"), BeforeValidator(_long, json_schema_input_type=dict[str, Any])
]
