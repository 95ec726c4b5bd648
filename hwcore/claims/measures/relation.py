from collections.abc import Iterator

from pydantic import Field

from hwcore.claims.measure import Measure, Tables, of_network, require, require_numbers
from hwcore.claims.samples import Networks, NoSuchDataError, Shape


class Kind(Measure):
    """Two columns over all networks: how one moves with the other from network to network."""

    relation: tuple[str, str] = Field(description="the two columns, each with one number per network")
    table: str | tuple[str, str] = Field(description="the table of both columns, or of each")
    models: list[str] | None = Field(None, description="the models whose networks count; all if left out")

    @property
    def shape(self) -> Shape:
        return "networks"

    def _tables(self) -> tuple[str, str]:
        return (self.table, self.table) if isinstance(self.table, str) else self.table

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield from ((self.experiment, table) for table in self._tables())

    def reads_columns(self) -> Iterator[tuple[str | None, str, str]]:
        for table, column in zip(self._tables(), self.relation, strict=True):
            yield self.experiment, table, column

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield from ((self.experiment, model) for model in (self.models or (None,)))

    def describe(self) -> str:
        return f"{of_network(self.relation[1])} against {of_network(self.relation[0])}"

    def read(self, tables: Tables) -> Networks:
        columns = []
        for name, column in zip(self._tables(), self.relation, strict=True):
            rows = tables(self.experiment, name)
            require(rows, "model")
            require_numbers(rows, column)
            if self.models:
                rows = rows[rows["model"].isin(self.models)]
            # several rows of a network (epochs, say) count by their last
            keys = ["model", "replicate"] if "replicate" in rows else ["model"]
            columns.append(rows.groupby(keys, sort=False).tail(1).set_index(keys, drop=False)[column].astype(float))
        x, y = columns
        if "replicate" not in y.index.names:
            raise NoSuchDataError(f"{self.relation[1]} has one number per model, not one per network")
        joined = y.rename("y").reset_index()
        known = x.rename("x").reset_index()
        keys = [name for name in ("model", "replicate") if name in known]
        return Networks(joined.merge(known, on=keys, how="left")[["model", "replicate", "x", "y"]])
