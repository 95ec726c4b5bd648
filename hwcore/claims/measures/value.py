from typing import Any, Literal

from pydantic import Field

from hwcore.claims.measure import (
    AT,
    MeasureOfModel,
    Tables,
    of_model,
    require,
    rows_where,
    sample,
    where_words,
    words,
)
from hwcore.claims.samples import Sample, Shape


class Kind(MeasureOfModel):
    """A column of a table, one number per replicate."""

    value: str = Field(description="the column")
    table: str = Field("metrics", description="metrics, steps or an analysis of the experiment")
    where: dict[str, Any] = Field({}, description="values of other columns that choose the rows")
    at: Literal["last", "first", "min", "max", "mean", "sum"] = Field(
        "last", description="which of a replicate's rows counts, or how they are joined"
    )

    @property
    def shape(self) -> Shape:
        return "a number per replicate"

    def describe(self) -> str:
        return f"{AT[self.at]} {words(self.value)}{of_model(self.model, self.experiment)}{where_words(self.where)}"

    def read(self, tables: Tables) -> Sample:
        rows = self.rows(tables)
        require(rows, self.value)
        by = rows_where(rows, self.where).groupby("replicate")[self.value]
        values = by.agg(self.at).astype(float)
        # pandas passes over what is missing, and from where a replicate diverged all is
        return sample(values.mask(by.tail(1).isna().to_numpy()), self.value)
