import math
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from hwcore.claims.measure import (
    Measure,
    Names,
    Tables,
    Value,
    column_unit,
    of_model,
    require_numbers,
    rows_of,
    rows_where,
    where_words,
    with_article,
    words,
)
from hwcore.claims.samples import Hits, NoSuchDataError, Shape

# What is so of the networks of which a column is true.
_TRUE = {"converged": "converged", "fitted": "fit their data", "stopped": "met their stopping rule"}


class Kind(Measure):
    """The share of networks of which a column is true, or lies within bounds; a diverged network is no hit."""

    share: str = Field(description="the column")
    table: str = Field(description="metrics, steps or an analysis of the experiment")
    model: str | None = Field(None, description="the model; the networks of all if left out")
    within: tuple[float, float] | None = Field(None, description="the bounds, both included")
    above: float | None = Field(None, description="it is more than this")
    below: float | None = Field(None, description="it is less than this")
    where: dict[str, Value] = Field({}, description="values of other columns that choose the rows")

    @model_validator(mode="after")
    def _one_condition(self) -> "Kind":
        if sum(value is not None for value in (self.within, self.above, self.below)) > 1:
            raise ValueError("share takes at most one of within, above, below")
        return self

    @property
    def shape(self) -> Shape:
        return "hits"

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.model

    def describe(self) -> str:
        networks, where = f"networks{of_model(self.model, self.experiment)}", where_words(self.where)
        if self.within is None and self.above is None and self.below is None:
            return f"share of {networks} that {_TRUE.get(self.share, f'are {words(self.share)}')}{where}"
        ends = self.within or (
            -math.inf if self.above is None else self.above,
            math.inf if self.below is None else self.below,
        )
        number = f"{with_article(words(self.share))} {column_unit(self.share).region(*ends)}"
        return f"share of {networks} with {number}{where}"

    def named(self, names: Names) -> Self:
        return self.renamed("model", names)

    def read(self, tables: Tables) -> Hits:
        rows = rows_where(rows_of(tables(self.experiment, self.table), self.model), self.where)
        require_numbers(rows, self.share)
        network = [name for name in ("model", "replicate") if name in rows]
        if rows.duplicated(network).any():
            raise NoSuchDataError(
                f"{self.table} has several rows of a network, which are not independent; choose one with `where`"
            )
        column = rows[self.share]
        if self.within is not None:
            return Hits(column.between(*self.within))
        if self.above is not None:
            return Hits(column > self.above)
        if self.below is not None:
            return Hits(column < self.below)
        # what is missing would be true
        return Hits(column.notna() & column.astype(bool))
