"""What a report claims, and how it is measured."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from hwcore.spec import Spec


class Parameters(Spec):
    """The number of trained parameters of a model: exact."""

    parameters: str


class Value(Spec):
    """A column of a table, one number per replicate.

    ``model`` and ``where`` choose the rows; ``at`` says which of a replicate's rows counts: the
    last, the first, the one with the smallest or largest value, or the mean or sum of all.
    """

    value: str
    table: str = "metrics"
    model: str | None = None
    where: dict[str, Any] = {}
    at: Literal["last", "first", "min", "max", "mean", "sum"] = "last"


class Reached(Spec):
    """The first ``by`` (epoch or step) at which a column is at most ``below`` or at least ``above``.

    A replicate that never gets there has no number; it is censored at its last epoch.
    """

    reached: str
    table: str = "metrics"
    model: str | None = None
    below: float | None = None
    above: float | None = None
    by: str = "epoch"

    @model_validator(mode="after")
    def _one_bound(self) -> "Reached":
        if (self.below is None) == (self.above is None):
            raise ValueError("reached needs either `below` or `above`")
        return self


class Correlation(Spec):
    """Spearman's rank correlation of two columns over the rows of a replicate: one number for each."""

    correlation: tuple[str, str]
    table: str
    model: str | None = None


class Best(Spec):
    """The share of replicates in which ``is_`` has the largest or smallest value of a column.

    Rows are told apart by the column ``by``; ``is`` is one of its values or a list of them.
    """

    best: str
    table: str
    by: str = "model"
    is_: Annotated[Any, Field(alias="is")]
    at: Literal["max", "min"] = "max"
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Share(Spec):
    """The share of a table's rows in which a column is true, or lies within ``[low, high]``."""

    share: str
    table: str
    model: str | None = None
    within: tuple[float, float] | None = None


Simple = Parameters | Value | Reached | Correlation | Best | Share
_KINDS: dict[str, type[Spec]] = {
    "parameters": Parameters,
    "value": Value,
    "reached": Reached,
    "correlation": Correlation,
    "best": Best,
    "share": Share,
}


class Difference(Spec):
    """The first measure minus the second, over independent replicates."""

    difference: tuple["Measure", "Measure"]


Measure = Simple | Difference


class Expectation(Spec):
    """What the claim says of the measure: exactly one of these."""

    equal: float | None = None
    within: tuple[float, float] | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Expectation":
        said = [name for name, value in self if value is not None]
        if len(said) != 1:
            raise ValueError("needs exactly one of equal, within, above, below")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ValueError(f"within: {list(self.within)} is empty: the first number must be the smaller")
        return self

    def region(self) -> tuple[float, float]:
        """The expected values as an interval."""
        if self.equal is not None:
            return self.equal, self.equal
        if self.within is not None:
            return self.within
        if self.above is not None:
            return self.above, float("inf")
        assert self.below is not None
        return float("-inf"), self.below


class Claim(Spec):
    """A number or statement of a report.

    ``where`` is its section, ``says`` a short quotation, ``reported`` the number if there is one,
    ``note`` how a vague statement is made measurable.  ``alone`` keeps it from being compared with the variants
    of its experiment, where what it expects is in units of the data as described.
    """

    where: str
    says: str
    experiment: str
    reported: float | str | None = None
    measure: Measure
    expect: Expectation
    note: str | None = None
    alone: bool = False

    @model_validator(mode="before")
    @classmethod
    def _known_measure(cls, value: Any) -> Any:
        if isinstance(value, dict) and "measure" in value:
            value = {**value, "measure": _measure(value["measure"])}
        return value

    def tables(self) -> set[str]:
        """The tables that the measure reads."""
        return _tables(self.measure)

    def models(self) -> set[str]:
        """The models that the measure names."""
        return _models(self.measure)


def _measure(value: Any) -> Any:
    """A measure by the one key that names its kind, so that a mistake is told for that kind alone."""
    if not isinstance(value, dict):
        return value
    if "difference" in value:
        if set(value) != {"difference"} or not isinstance(value["difference"], list | tuple):
            raise ValueError("difference is a list of two measures, and nothing else")
        return Difference.model_validate({"difference": [_measure(part) for part in value["difference"]]})
    kinds = [kind for kind in _KINDS if kind in value]
    if len(kinds) != 1:
        raise ValueError(f"measure: {value!r} must have exactly one of {', '.join([*_KINDS, 'difference'])}")
    return _KINDS[kinds[0]].model_validate(value)


def _tables(measure: Measure) -> set[str]:
    if isinstance(measure, Difference):
        return _tables(measure.difference[0]) | _tables(measure.difference[1])
    return {"models"} if isinstance(measure, Parameters) else {measure.table}


def _models(measure: Measure) -> set[str]:
    if isinstance(measure, Difference):
        return _models(measure.difference[0]) | _models(measure.difference[1])
    if isinstance(measure, Parameters):
        return {measure.parameters}
    if isinstance(measure, Best):
        named = measure.is_ if isinstance(measure.is_, list) else [measure.is_]
        return {str(name) for name in named} if measure.by == "model" else set()
    return {measure.model} if measure.model is not None else set()
