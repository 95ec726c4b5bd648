from collections.abc import Iterator

from pydantic import Field

from hwcore.claims.measure import COUNTS, CountOfModel, Tables, of_model
from hwcore.claims.samples import Count


class Kind(CountOfModel):
    """The number of trained parameters of a model, which is exact."""

    parameters: str = Field(description="the model")

    def columns(self) -> Iterator[str]:
        yield "parameters"

    def describe(self) -> str:
        return f"{COUNTS['parameters']}{of_model(self.parameters, self.experiment)}"

    def read(self, tables: Tables) -> Count:
        return Count(self.rows(tables)["parameters"].astype(float))
