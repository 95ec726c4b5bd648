from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, SerializeAsAny, WithJsonSchema

from hwcore.claims.measure import Measure, Names, Tables
from hwcore.claims.samples import Count, Data, Pair, Sample, Shape


class Kind(Measure):
    """The first measure minus the second.

    They are paired by replicate where both are of the same model, in the same experiment or in variants of it: its
    replicates have the same seeds in all variants.
    """

    difference: Annotated[
        tuple[SerializeAsAny[Measure], SerializeAsAny[Measure]],
        WithJsonSchema({"type": "array", "items": {"type": "object"}, "minItems": 2, "maxItems": 2}),
    ] = Field(description="two measures of one number per replicate, or two counts")

    @property
    def shape(self) -> Shape:
        return "a count" if self.difference[0].shape == "a count" else "two samples"

    @property
    def paired(self) -> bool:
        (first, second) = (next(part.networks()) for part in self.difference)
        bases = [experiment and experiment.partition("--")[0] for experiment, _ in (first, second)]
        return first[1] == second[1] and bases[0] == bases[1]

    def reads(self) -> Iterator[tuple[str | None, str]]:
        for part in self.difference:
            yield from part.reads()

    def columns(self) -> Iterator[str]:
        for part in self.difference:
            yield from part.columns()

    def reads_columns(self) -> Iterator[tuple[str | None, str, str]]:
        for part in self.difference:
            yield from part.reads_columns()

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        for part in self.difference:
            yield from part.networks()

    def single(self) -> Iterator[Measure]:
        for part in self.difference:
            yield from part.single()

    def describe(self) -> str:
        return f"{self.difference[0].describe()} minus {self.difference[1].describe()}"

    def named(self, names: Names) -> Self:
        return self.model_copy(update={"difference": tuple(part.named(names) for part in self.difference)})

    def read(self, tables: Tables) -> Data:
        first, second = (part.read(tables) for part in self.difference)
        if isinstance(first, Count) and isinstance(second, Count):
            return Count(first.values.reset_index(drop=True) - second.values.reset_index(drop=True))
        assert isinstance(first, Sample)
        assert isinstance(second, Sample)
        return Pair(first, second, self.paired)
