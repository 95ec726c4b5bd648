from collections.abc import Iterator

from pydantic import Field

from hwcore.claims.measure import Measure, Tables, of_model, require, rows_of, words
from hwcore.claims.samples import Blocks, NoSuchDataError, Shape


class Kind(Measure):
    """A column over the points of another one (α, share of random labels) within each replicate."""

    along: tuple[str, str] = Field(description="the column of the points, and the column that is measured there")
    table: str = Field(description="metrics, steps or an analysis of the experiment")
    model: str | None = Field(None, description="the model; needed where the experiment has several")
    within: tuple[float, float] | None = Field(None, description="the points that count, both ends included")

    @property
    def shape(self) -> Shape:
        return "points within replicates"

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.model

    def single(self) -> Iterator[Measure]:
        yield self

    def describe(self) -> str:
        part = f" from {self.within[0]:g} to {self.within[1]:g}" if self.within else ""
        return f"{words(self.along[1])} along {words(self.along[0])}{part}{of_model(self.model, self.experiment)}"

    def read(self, tables: Tables) -> Blocks:
        rows = rows_of(tables(self.experiment, self.table), self.model)
        require(rows, *self.along)
        points, column = self.along
        if self.within:
            rows = rows[rows[points].between(*self.within)]
        if rows[points].nunique() < 3:
            raise NoSuchDataError(f"{points} has {rows[points].nunique()} points there; a trend needs three")
        if rows.duplicated(["replicate", points]).any():
            raise NoSuchDataError(f"{self.table} has several rows of a replicate at one {points}; name a model")
        return Blocks(rows.pivot_table(index="replicate", columns=points, values=column, dropna=False).astype(float))
