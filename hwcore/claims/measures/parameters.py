from collections.abc import Iterator
from typing import Self

from pydantic import Field

from hwcore.claims.measure import COUNTS, Measure, Names, Tables, of_model, rows_of
from hwcore.claims.samples import Count, Shape


class Kind(Measure):
    """The number of trained parameters of a model, which is exact."""

    parameters: str = Field(description="the model")

    @property
    def shape(self) -> Shape:
        return "a count"

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, "models"

    def columns(self) -> Iterator[str]:
        yield "parameters"

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.parameters

    def describe(self) -> str:
        return f"{COUNTS['parameters']}{of_model(self.parameters, self.experiment)}"

    def named(self, names: Names) -> Self:
        return self.renamed("parameters", names)

    def read(self, tables: Tables) -> Count:
        return Count(rows_of(tables(self.experiment, "models"), self.parameters)["parameters"].astype(float))
