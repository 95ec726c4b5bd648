from pydantic import Field

from hwcore.claims.measure import MeasureOfModel, Tables, TwoColumns, of_model, require, require_numbers, words
from hwcore.claims.samples import Blocks, NoSuchDataError, NoSuchValueError, Shape
from hwcore.claims.words import stated


class Kind(MeasureOfModel):
    """A column over the points of another one (α, share of random labels) within each replicate."""

    along: TwoColumns = Field(description="the column of the points, and the column that is measured there")
    within: tuple[float, float] | None = Field(None, description="the points that count, both ends included")

    @property
    def shape(self) -> Shape:
        return "points within replicates"

    def describe(self) -> str:
        part = f" from {stated(self.within[0])} to {stated(self.within[1])}" if self.within else ""
        return f"{words(self.along[1])} along {words(self.along[0])}{part}{of_model(self.model, self.experiment)}"

    def read(self, tables: Tables) -> Blocks:
        rows = self.rows(tables)
        require(rows, "replicate")
        require_numbers(rows, *self.along)
        points, column = self.along
        if self.within:
            rows = rows[rows[points].between(*self.within)]
        if rows[points].nunique() < 3:
            raise NoSuchValueError(f"{points} has {rows[points].nunique()} points there; a trend needs three")
        if rows.duplicated(["replicate", points]).any():
            raise NoSuchDataError(f"{self.table} has several rows of a replicate at one {points}; name a model")
        return Blocks(rows.pivot_table(index="replicate", columns=points, values=column, dropna=False).astype(float))
