from typing import ClassVar

from hwcore.claims.rule import Bounds
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether something is reached before, after or between epochs or steps, in the typical replicate."""

    judges: ClassVar[tuple[Shape, ...]] = ("times",)
