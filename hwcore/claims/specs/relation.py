from typing import ClassVar

from pydantic import model_validator

from hwcore.claims.rule import FEWEST_NETWORKS, Z95, Bounds, first_enough
from hwcore.claims.samples import Shape


class Options(Bounds):
    """Whether two numbers go together from network to network: where Kendall's rank correlation τ lies."""

    judges: ClassVar[tuple[Shape, ...]] = ("networks",)

    @model_validator(mode="after")
    def _correlations(self) -> "Options":
        for bound in filter(None, (self.above, self.below, *(self.within or ()))):
            if not -1 < bound < 1:
                raise ValueError(f"{bound:g} is no bound of a rank correlation: it must lie between -1 and 1")
        return self

    def least(self, models: int) -> int:
        return first_enough(lambda replicates: self._decides(replicates * models, 1))

    def _decides(self, networks: int, tied: int) -> bool:
        """Whether the strongest correlation, 1 or -1, would decide; ``tied`` networks of a model share their x."""
        n, models = networks, networks // tied
        pairs = (n * (n - 1) - models * tied * (tied - 1)) / 2
        if pairs == 0 or networks < FEWEST_NETWORKS:
            return False
        # the variance of S, n(n - 1)(2n + 5)/18 less that of the ties (Kendall 1970, ch. 4)
        ties = models * tied * (tied - 1) * (2 * tied + 5)
        variance = (n * (n - 1) * (2 * n + 5) - ties) / 18 / pairs**2
        low, high = (min(1.0, max(-1.0, bound)) for bound in self.region)

        # at a bound τ the variance is 1 - τ² of that without a relation
        def shows(bound: float, extreme: float) -> bool:
            return abs(bound) < 1 and (extreme - bound) ** 2 > Z95**2 * variance * (1 - bound**2)

        return any(shows(bound, extreme) for bound in (low, high) for extreme in (-1.0, 1.0))
