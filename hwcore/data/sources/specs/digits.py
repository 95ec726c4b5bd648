from typing import ClassVar, Literal

from pydantic import Field

from hwcore.data.sources.spec import SourceSpec
from hwcore.spec import Count


class Settings(SourceSpec):
    """scikit-learn's 1,797 handwritten digits."""

    train_samples: ClassVar[int] = 1438

    source: Literal["digits"]
    size: tuple[Count, Count] | None = Field(default=None, description="[height, width] to which images are scaled")
