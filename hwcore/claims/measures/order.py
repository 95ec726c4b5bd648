from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from hwcore.claims.measure import Measure, Tables, require, rows_where, samples_by, where_words, words
from hwcore.claims.samples import Groups, NoSuchDataError, NoSuchValueError, Shape


class Kind(Measure):
    """The order of several models, batch sizes, values of α, … by a number."""

    order: str = Field(description="the column")
    of: Annotated[list[Any], Field(min_length=2)] = Field(description="the candidates, the one with the most first")
    table: str = Field("metrics", description="metrics, steps or an analysis of the experiment")
    by: str = Field("model", description="the column that tells the candidates apart")

    where: dict[str, Any] = Field({}, description="values of other columns that choose the rows")

    @property
    def shape(self) -> Shape:
        return "an order"

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield from ((self.experiment, str(name) if self.by == "model" else None) for name in self.of)

    def describe(self) -> str:
        return f"order of {' > '.join(map(str, self.of))} by {words(self.order)}{where_words(self.where)}"

    def read(self, tables: Tables) -> Groups:
        rows = rows_where(tables(self.experiment, self.table), self.where)
        require(rows, self.order, self.by)
        for value in self.of:
            if not (rows[self.by] == value).any():
                known = ", ".join(map(str, rows[self.by].unique()))
                error = NoSuchDataError if self.by == "model" else NoSuchValueError
                raise error(f"no row has {self.by} = {value!r}; there are {known}")
        rows = rows[rows[self.by].isin(self.of)]
        samples, paired = samples_by(rows, self.by, self.order)
        names = tuple(map(str, self.of))
        return Groups({name: samples[name] for name in names}, names, largest=True, paired=paired)
