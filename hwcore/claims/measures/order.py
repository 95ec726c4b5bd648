from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field

from hwcore.claims.measure import (
    MeasureOfCandidates,
    Names,
    Tables,
    Value,
    candidate,
    candidates,
    samples_by,
    words,
)
from hwcore.claims.samples import Groups, Shape
from hwcore.claims.words import listed, several


class Kind(MeasureOfCandidates):
    """The order of several models, batch sizes, values of α, … by a number."""

    order: str = Field(description="the column")
    of: Annotated[list[Value], Field(min_length=2)] = Field(description="the candidates, the one with the most first")

    @property
    def shape(self) -> Shape:
        return "an order"

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield from ((self.experiment, str(name) if self.by == "model" else None) for name in self.of)

    def describe(self) -> str:
        names = [candidate(name) for name in self.of]
        if self.by != "model":
            names = [f"{words(self.by)} {name}" for name in names]
        return f"{listed(several(names))}, from the highest {self.quantity()} to the lowest"

    def named(self, names: Names) -> Self:
        return self.model_copy(update={"of": self.called(self.of, names)})

    def read(self, tables: Tables) -> Groups:
        rows = self.rows(tables, self.order)
        said = candidates(rows, self.by, self.of)
        samples, paired = samples_by(rows[rows[self.by].isin(said)], self.by, self.order)
        names = tuple(map(candidate, said))
        return Groups({name: samples[name] for name in names}, names, largest=True, paired=paired, by=self.by)
