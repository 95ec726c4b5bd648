from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hwcore.analyses.spec import AnalysisSpec, of_first, of_test
from hwcore.nets.spec import Network, show
from hwcore.spec import Count, Spec


class Grid(Spec):
    """``count`` evenly spaced values from ``start`` to ``stop``, both included."""

    start: float = Field(description="the first value")
    stop: float = Field(description="the last value")
    count: Annotated[int, Field(ge=2, strict=True)] = Field(description="how many values")

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "Grid":
        if self.start == self.stop:
            raise ValueError(f"start and stop are both {self.start:g}; one of them should be another number")
        return self


class Options(AnalysisSpec):
    """Metrics and barriers on the lines between trained networks."""

    columns = {
        "pair": "the two models, `first → second`",
        "replicate": "the replicate of both, counted from 0",
        "alpha": "α, 0 at the first model and 1 at the second",
        "train_loss": "loss on the training set",
        "test_loss": "loss on the test set",
        "train_accuracy": "accuracy on the training set, as a fraction; classification only",
        "test_accuracy": "accuracy on the test set, as a fraction; classification only",
        "train_barrier": "one number for each pair and replicate: how far the training loss rises above the straight "
        "line between its ends, max of L(θ(α)) − (1 − α) L(θ₁) − α L(θ₂) over the α from 0 to 1 (Entezari et al. "
        "2022, arXiv:2110.06296)",
        "test_barrier": "the same of the test loss",
    }
    of_models: ClassVar[bool] = False

    between: Annotated[tuple[str, ...], Field(min_length=2)] = Field(description="the models, each joined to the next")
    alphas: Grid = Field(description="the values of α: start, stop and count")
    samples: Count | None = Field(
        None,
        description="training samples for the metrics and the running statistics, the first of them; all with null",
    )
    batch_norm: Literal["interpolate", "recompute"] = Field(
        "interpolate",
        description="running statistics at each α: interpolated like weights, or those of the training data there",
    )

    def counts_samples(self, columns: Sequence[str]) -> bool:
        return self.batch_norm == "recompute" or not of_test(columns)

    def explanation(self, table: str, columns: Sequence[str], samples: int | None) -> str | None:
        if self.batch_norm == "recompute":
            # they count in test metrics as well
            measured = "Training metrics and the statistics of batch normalisation"
            return of_first(self.samples, table, (), samples, measured)
        return of_first(self.samples, table, columns, samples)

    def models(self) -> Iterator[tuple[str, str]]:
        yield from (("between", model) for model in self.between)

    def refuses_pair(self, first: Network, second: Network) -> str | None:
        if first.input != second.input:
            return f"the input is {show(first.input)} in one and {show(second.input)} in the other"
        for number, (one, other) in enumerate(zip(first.layers, second.layers, strict=False), start=1):
            if one.kind != other.kind:
                return f"layer {number} is {one.kind} in one and {other.kind} in the other"
            for name in type(one).model_fields:
                if (here := getattr(one, name)) != (there := getattr(other, name)):
                    apart = f": {here} in one and {there} in the other" if isinstance(here, int | float | str) else ""
                    return f"layer {number}, {one.kind}, has another `{name}`{apart}"
        if len(first.layers) != len(second.layers):
            return f"one has {len(first.layers)} layers and the other {len(second.layers)}"
        return None
