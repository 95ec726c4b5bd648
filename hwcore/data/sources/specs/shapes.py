from typing import ClassVar, Literal

from pydantic import Field

from hwcore.data.sources.spec import SourceSpec
from hwcore.spec import Count


class Settings(SourceSpec):
    """Coloured shapes in ten classes from a seeded generator, 32 × 32."""

    train_samples: ClassVar[int] = 2000

    source: Literal["shapes"]
    size: tuple[Count, Count] | None = Field(default=None, description="[height, width] to which images are scaled")
