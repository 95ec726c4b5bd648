from typing import ClassVar

from hwcore.claims.rule import first_enough
from hwcore.claims.samples import Shape
from hwcore.claims.specs import relation


class Options(relation.Options):
    """Whether a number rises or falls from model to model: where Kendall's τ lies, above 0 for a rise."""

    judges: ClassVar[tuple[Shape, ...]] = ("networks",)

    def least(self, models: int) -> int:
        # two models make a comparison, and the normal approximation is too rough for them
        return first_enough(lambda replicates: self._decides(replicates * models, replicates)) if models > 2 else -1
