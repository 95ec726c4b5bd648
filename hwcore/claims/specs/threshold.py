from typing import ClassVar, Literal

from pydantic import Field

from hwcore.claims.rule import Bounds
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether the typical number of a replicate lies above, below or between bounds."""

    judges: ClassVar[tuple[Shape, ...]] = ("a number per replicate",)

    scale: Literal["auto", "linear", "log", "logit", "fisher", "count"] = Field(
        "auto", description="the scale on which replicates are averaged; auto: by the name of the column"
    )
