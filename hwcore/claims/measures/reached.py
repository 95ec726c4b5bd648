from pydantic import Field, model_validator

from hwcore.claims.measure import (
    MeasureOfModel,
    Tables,
    column_unit,
    of_model,
    require,
    require_numbers,
    with_article,
    words,
)
from hwcore.claims.samples import Shape, Times


class Kind(MeasureOfModel):
    """The first epoch or step at which a column is small or large enough.

    A replicate that never gets there is censored at its last epoch: it takes longer than that.
    """

    reached: str = Field(description="the column")
    table: str = Field("metrics", description="metrics, steps or an analysis of the experiment")
    below: float | None = Field(None, description="reached where the column is at most this")
    above: float | None = Field(None, description="reached where the column is at least this")
    by: str = Field("epoch", description="the column that counts: epoch or step")

    @model_validator(mode="after")
    def _one_bound(self) -> "Kind":
        if (self.below is None) == (self.above is None):
            raise ValueError("reached needs either `below` or `above`")
        return self

    @property
    def shape(self) -> Shape:
        return "times"

    def describe(self) -> str:
        side, bound = ("most", self.below) if self.below is not None else ("least", self.above)
        assert bound is not None
        number = column_unit(self.reached).stated(bound)
        model = of_model(self.model, self.experiment)
        return f"first {self.by}{model} with {with_article(words(self.reached))} of at {side} {number}"

    def read(self, tables: Tables) -> Times:
        rows = self.rows(tables)
        require(rows, "replicate")
        require_numbers(rows, self.reached, self.by)
        column = rows[self.reached]
        there = rows[column <= self.below if self.below is not None else column >= self.above]
        last = rows.groupby("replicate")[self.by].max().astype(float)
        first = there.groupby("replicate")[self.by].min().astype(float).reindex(last.index, fill_value=float("inf"))
        return Times(first, "log", count=self.by, last=last)
