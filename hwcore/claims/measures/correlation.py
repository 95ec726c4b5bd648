from typing import TYPE_CHECKING

from pydantic import Field

from hwcore.claims.measure import MeasureOfModel, Tables, TwoColumns, of_model, require, require_numbers, words
from hwcore.claims.samples import Sample, Shape

if TYPE_CHECKING:
    import pandas as pd


class Kind(MeasureOfModel):
    """Spearman's rank correlation of two columns over the rows of each replicate: one number per replicate."""

    correlation: TwoColumns = Field(description="the two columns")

    @property
    def shape(self) -> Shape:
        return "a number per replicate"

    def describe(self) -> str:
        first, second = map(words, self.correlation)
        return f"rank correlation of {first} and {second}{of_model(self.model, self.experiment)}"

    def read(self, tables: Tables) -> Sample:
        rows = self.rows(tables)
        require(rows, "replicate")
        require_numbers(rows, *self.correlation)
        columns = list(self.correlation)
        each = {replicate: _rho(own[columns].astype(float)) for replicate, own in rows.groupby("replicate")}
        replicates = rows["replicate"].drop_duplicates().sort_values()
        return Sample(replicates.set_axis(replicates).map(each).astype(float), "fisher")


def _rho(pairs: "pd.DataFrame") -> float:
    """Spearman's ρ over the rows where both columns have a number; NaN if they end without one, which is to diverge."""
    finite = (pairs.abs() < float("inf")).all(axis=1)
    ranks = pairs[finite].rank()
    if not finite.iloc[-1] or ranks.nunique().min() < 2:
        return float("nan")
    first, second = (ranks[column] for column in ranks)
    rho = float(first.corr(second))
    # rounding leaves a perfect correlation a little below 1, and Fisher's z of that at some large number
    return float(round(rho)) if abs(abs(rho) - 1) < 1e-12 else rho
