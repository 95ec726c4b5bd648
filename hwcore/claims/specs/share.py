from typing import ClassVar

from pydantic import model_validator

from hwcore.claims.rule import LEVEL, Bounds, first_enough
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether the share of networks of which something is so lies above, below or between bounds."""

    judges: ClassVar[tuple[Shape, ...]] = ("hits",)

    @model_validator(mode="after")
    def _fractions(self) -> "Options":
        for bound in filter(None, (self.above, self.below, *(self.within or ()))):
            if not 0 <= bound <= 1:
                raise ValueError(f"{bound:g} is no share: it must lie between 0 and 1")
        return self

    def least(self, models: int) -> int:
        # a single bound is the end of what it expects and of what it does not
        low, high = self.region
        low, high = (low if self.below is None else high), (high if self.above is None else low)

        # the Clopper-Pearson interval is [(α/2)^(1/n), 1] if all are hits and [0, 1 - (α/2)^(1/n)] if none is
        def decides(replicates: int) -> bool:
            edge: float = (LEVEL / 2) ** (1 / (replicates * models))
            return edge > high or 1 - edge < low

        return 1 if decides(1) else first_enough(decides)
