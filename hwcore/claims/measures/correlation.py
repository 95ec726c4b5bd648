from pydantic import Field

from hwcore.claims.measure import MeasureOfModel, Tables, of_model, require, words
from hwcore.claims.samples import Sample, Shape


class Kind(MeasureOfModel):
    """Spearman's rank correlation of two columns over the rows of each replicate: one number per replicate."""

    correlation: tuple[str, str] = Field(description="the two columns")

    @property
    def shape(self) -> Shape:
        return "a number per replicate"

    def describe(self) -> str:
        first, second = map(words, self.correlation)
        return f"rank correlation of {first} and {second}{of_model(self.model, self.experiment)}"

    def read(self, tables: Tables) -> Sample:
        rows = self.rows(tables)
        require(rows, *self.correlation)
        ranks = rows.groupby("replicate")[list(self.correlation)].rank()
        ranks["replicate"] = rows["replicate"]
        first, second = self.correlation
        each = {
            replicate: own[first].corr(own[second]) if own[[first, second]].nunique().min() > 1 else float("nan")
            for replicate, own in ranks.groupby("replicate")
        }
        values = rows.groupby("replicate")[first].first().astype(float)
        return Sample(values.index.to_series().map(each).astype(float), "fisher")
