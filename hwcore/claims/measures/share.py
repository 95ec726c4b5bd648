from collections.abc import Iterator

from pydantic import Field

from hwcore.claims.measure import Measure, Tables, column_unit, of_model, require, rows_of, rows_where, words
from hwcore.claims.samples import Hits, NoSuchDataError, Shape


class Kind(Measure):
    """The share of networks of which a column is true, or lies within bounds; a diverged network is no hit."""

    share: str = Field(description="the column")
    table: str = Field(description="metrics, steps or an analysis of the experiment")
    model: str | None = Field(None, description="the model; the networks of all if left out")
    within: tuple[float, float] | None = Field(None, description="the bounds, both included")
    where: dict[str, object] = Field({}, description="values of other columns that choose the rows")

    @property
    def shape(self) -> Shape:
        return "hits"

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.model

    def describe(self) -> str:
        within = f" {column_unit(self.share).region(*self.within)}" if self.within else ""
        return f"share of networks with {words(self.share)}{within}{of_model(self.model, self.experiment)}"

    def read(self, tables: Tables) -> Hits:
        rows = rows_where(rows_of(tables(self.experiment, self.table), self.model), self.where)
        require(rows, self.share)
        network = [name for name in ("model", "replicate") if name in rows]
        if rows.duplicated(network).any():
            raise NoSuchDataError(
                f"{self.table} has several rows of a network, which are not independent; choose one with `where`"
            )
        column = rows[self.share]
        return Hits(column.between(*self.within) if self.within else column.astype(bool))
