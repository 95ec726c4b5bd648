from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

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
from hwcore.claims.samples import Groups, NoSuchDataError, Shape


class Kind(MeasureOfCandidates):
    """Which of several models, batch sizes, values of α, … has the largest or smallest number."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    best: str = Field(description="the column")
    is_: Annotated[
        list[Value],
        BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
        Field(alias="is", min_length=1, description="the candidate that is said to be best, or a list of them"),
        WithJsonSchema({"type": ["boolean", "number", "string", "array"], "minItems": 1}),
    ]
    at: Literal["max", "min"] = Field("max", description="whether the largest or the smallest number is meant")

    @property
    def shape(self) -> Shape:
        return "a best of several"

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, None
        yield from ((self.experiment, str(name)) for name in self.is_ if self.by == "model")

    def describe(self) -> str:
        which = "highest" if self.at == "max" else "lowest"
        by = words(self.by)
        # a page begins a sentence with it, and a capital alpha is another letter
        by = f"value of {by}" if by == "α" else by
        return f"{by} with the {which} {self.quantity()}"

    def named(self, names: Names) -> Self:
        return self.model_copy(update={"is_": self.called(self.is_, names)})

    def read(self, tables: Tables) -> Groups:
        rows = self.rows(tables, self.best)
        said = candidates(rows, self.by, self.is_)
        samples, paired = samples_by(rows, self.by, self.best)
        best = tuple(candidate(value) for value in rows[self.by].unique() if value in said)
        if len(best) == len(samples):
            raise NoSuchDataError(f"`is` names every {self.by} that there is, so nothing is left to be better than")
        return Groups(samples, best, self.at == "max", paired, self.by)
