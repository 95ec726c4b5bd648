"""What all measures of claims share.

A measure says which number is taken of each replicate; how it is judged is the matter of a rule.  Each kind has a
module in hwcore/claims/measures/ with its class ``Kind``, which has a field of the name of the kind.  None loads
pandas or SciPy: the grammar of studies imports them all.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field

from hwcore.claims.columns import SIGNED, column_scale
from hwcore.claims.samples import Data, NoSuchDataError, NoSuchValueError, Sample, Shape
from hwcore.claims.words import PERCENT, PLAIN, POINTS, Unit, stated
from hwcore.spec import Spec
from hwcore.validation import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

# The table of an experiment by (experiment, name); None is the experiment of the claim.
Tables = Callable[[str | None, str], "pd.DataFrame"]


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"{value!r} is neither a number nor a word")
    return value


# What tells a row, or one of several candidates, apart in a column.
Value = Annotated[bool | int | float | str, BeforeValidator(_scalar)]
# What pages call a model, by (experiment, id), and an experiment, by (experiment, None).
Names = Callable[[str | None, str | None], str]


class Measure(Spec):
    """One kind of measure.  The first line of a subclass's docstring says what it measures."""

    experiment: str | None = Field(None, description="the experiment that is measured, if not that of the claim")

    @property
    def shape(self) -> Shape:
        """The form of what it yields, which decides which rules can judge it."""
        raise NotImplementedError

    def reads(self) -> Iterator[tuple[str | None, str]]:
        """The tables that it reads, each as (experiment, table)."""
        raise NotImplementedError

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        """The models that it measures, each as (experiment, model); None for all models of the experiment."""
        raise NotImplementedError

    def columns(self) -> Iterator[str]:
        """The columns that it measures: what its field of the name of its kind says."""
        named = getattr(self, self.kind())
        yield from [named] if isinstance(named, str) else named

    def reads_columns(self) -> Iterator[tuple[str | None, str, str]]:
        """The columns that it names, each as (experiment, table, column)."""
        for experiment, table in self.reads():
            yield from ((experiment, table, column) for column in (*self.columns(), *self.chooses()))

    def chooses(self) -> Iterator[str]:
        """The columns that it names beside those that it measures: which choose or tell apart the rows."""
        yield from getattr(self, "where", ())
        if (by := getattr(self, "by", None)) is not None:
            yield by

    @classmethod
    def kind(cls) -> str:
        """The name of the kind, which is that of its module and of a field."""
        return cls.__module__.rpartition(".")[2]

    def single(self) -> Iterator["Measure"]:
        """Those parts that are of one model, and must name it where an experiment has several."""
        yield from ()

    def describe(self) -> str:
        """The measure in words."""
        raise NotImplementedError

    def named(self, names: "Names") -> Self:
        """The same with what pages call models and experiments instead of their ids, only to be described."""
        return self

    def renamed(self, field: str, names: "Names") -> Self:
        """The same with the names of its experiment and of the model in ``field``, as far as it has these."""
        model = getattr(self, field)
        return self.model_copy(
            update={
                "experiment": self.experiment and names(self.experiment, None),
                field: model and names(self.experiment, model),
            }
        )

    def read(self, tables: Tables) -> Data:
        """What is measured.  Raises NoSuchDataError with the names that there are."""
        raise NotImplementedError


class MeasureOfModel(Measure):
    """A measure of the rows that a table has of one model."""

    table: str = Field(description="metrics, steps or an analysis of the experiment")
    model: str | None = Field(None, description="the model; needed where the experiment has several")

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.model

    def single(self) -> Iterator[Measure]:
        yield self

    def named(self, names: "Names") -> Self:
        return self.renamed("model", names)

    def rows(self, tables: Tables) -> "pd.DataFrame":
        """The rows of the model, or all of a table that has no models."""
        return rows_of(tables(self.experiment, self.table), self.model)


class CountOfModel(Measure):
    """An exact number of a network, whose model the field of the name of the kind names."""

    @property
    def shape(self) -> Shape:
        return "a count"

    @property
    def model(self) -> str:
        return str(getattr(self, self.kind()))

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, "models"

    def columns(self) -> Iterator[str]:
        yield from ()

    def networks(self) -> Iterator[tuple[str | None, str | None]]:
        yield self.experiment, self.model

    def named(self, names: "Names") -> Self:
        return self.renamed(self.kind(), names)

    def rows(self, tables: Tables) -> "pd.DataFrame":
        """The row of the model in the table of all models."""
        return rows_of(tables(self.experiment, "models"), self.model)


class MeasureOfCandidates(Measure):
    """A measure of several models, batch sizes, values of α, …, beside each other."""

    table: str = Field("metrics", description="metrics, steps or an analysis of the experiment")
    by: str = Field("model", description="the column that tells the candidates apart")
    where: dict[str, Value] = Field({}, description="values of other columns that choose the rows")

    def reads(self) -> Iterator[tuple[str | None, str]]:
        yield self.experiment, self.table

    def quantity(self) -> str:
        """The number by which they are compared, in words."""
        return f"{of_network(*self.columns())}{where_words(self.where)}"

    def rows(self, tables: Tables, column: str) -> "pd.DataFrame":
        """The rows of all candidates, which have ``column``."""
        rows = rows_where(tables(self.experiment, self.table), self.where)
        require(rows, self.by)
        require_numbers(rows, column)
        return rows

    def called(self, values: list[Value], names: Names) -> list[Value]:
        """Candidates by the names of models by which pages call them; others as they are."""
        return [names(self.experiment, str(value)) for value in values] if self.by == "model" else values


def _two(columns: tuple[str, str]) -> tuple[str, str]:
    if columns[0] == columns[1]:
        raise ValueError(f"both columns are {columns[0]!r}")
    return columns


TwoColumns = Annotated[tuple[str, str], AfterValidator(_two)]


def rows_of(table: "pd.DataFrame", model: str | None) -> "pd.DataFrame":
    """The rows of a model, or all."""
    if model is None:
        return table
    require(table, "model")
    rows = table[table["model"] == model]
    if rows.empty:
        raise NoSuchDataError(f"there is no model {model!r}; there are {', '.join(map(str, table['model'].unique()))}")
    return rows


def rows_where(rows: "pd.DataFrame", where: dict[str, Value]) -> "pd.DataFrame":
    """The rows with the given values."""
    require(rows, *where)
    for column, value in where.items():
        table, rows = rows, rows[equals(rows[column], value)]
        if rows.empty:
            raise NoSuchValueError(_lacking(table, column, value))
    return rows


def _lacking(rows: "pd.DataFrame", column: str, value: Value) -> str:
    if column in ("epoch", "step") and not isinstance(value, str) and len(rows) and (rows[column] < value).all():
        return f"training ends before {column} {value}"
    return f"no row has {column} = {value!r}"


def equals(column: "pd.Series[Any]", value: Value) -> "pd.Series[bool]":
    """Which values are this one; decimal fractions need agree to nine digits only."""
    if isinstance(value, int | float) and not isinstance(value, bool) and column.dtype.kind in "iuf":
        same: pd.Series[bool] = (column - value).abs() <= 1e-9 * max(1.0, abs(value))
    else:
        same = column == value
    return same


def candidates(rows: "pd.DataFrame", by: str, values: list[Value]) -> list[Any]:
    """The values that a column has of those that a study names, which may write 1 for 1.0."""
    found = []
    for value in values:
        known = rows.loc[equals(rows[by], value), by].unique()
        if len(known) == 0:
            error = NoSuchDataError if by == "model" else NoSuchValueError
            raise error(f"no row has {by} = {value!r}; there are {', '.join(map(candidate, rows[by].unique()))}")
        found.append(known[0])
    return found


def candidate(value: Any) -> str:
    """The name of a model, batch size, value of α, …"""
    return str(value) if isinstance(value, str | bool) else stated(float(value))


def samples_by(rows: "pd.DataFrame", by: str, column: str) -> tuple[dict[str, Sample], bool]:
    """A sample for each value of ``by``, and whether they are numbers of the same networks.

    Several rows of a network at one value (epochs, say) count by their last.
    """
    network = [name for name in ("model", "replicate") if name in rows and name != by]
    if not {"epoch", "step"} & {*rows.columns} and rows.duplicated([by, *network]).any():
        raise NoSuchDataError(f"a network has several rows with one {by}; choose one with `where`")
    last = rows.groupby([by, *network], sort=False).tail(1)
    samples = {
        candidate(value): sample(own.set_index(network)[column].astype(float), column)
        for value, own in last.groupby(by, sort=False)
    }
    # where each value has models of its own, as batch sizes have, the networks differ
    paired = by != "model" and not ("model" in rows and (rows.groupby("model")[by].nunique() == 1).all())
    return samples, paired


def require(table: "pd.DataFrame", *names: str) -> None:
    """Raises NoSuchDataError for a column that is not there."""
    for name in names:
        if name not in table:
            raise NoSuchDataError(f"there is no column {name!r}{did_you_mean(name, table.columns)}")


def require_numbers(table: "pd.DataFrame", *names: str) -> None:
    """Raises NoSuchDataError for a column that is not there, or that holds no numbers."""
    require(table, *names)
    for name in names:
        if table[name].dtype.kind not in "biuf":
            raise NoSuchDataError(f"the column {name!r} holds no numbers")


def sample(values: "pd.Series[float]", column: str) -> Sample:
    """Numbers of a column, on the scale and in the unit of that column."""
    return Sample(values, column_scale(column), column_unit(column))


def column_unit(column: str) -> Unit:
    """In which unit numbers of a column are written, by its name: accuracies in per cent."""
    words = {*column.split("_")}
    if "accuracy" not in words:
        return PLAIN
    return POINTS if SIGNED & words else PERCENT


# Abbreviations in the names of columns, and columns whose names are not what they are called.
_FULL = {"train": "training", "grad": "gradient", "lr": "learning rate", "alpha": "α"}
_CALLED = {
    "distance": "distance moved by the weights",
    "grad_norm_deviation": "standard deviation of the gradient norm",
    "grad_norm_smoothed": "smoothed gradient norm",
    "input_gradient_norm": "norm of the input gradient",
    "jacobian_norm_logits": "norm of the Jacobian of the logits",
    "jacobian_norm_probabilities": "norm of the Jacobian of the probabilities",
    "loss_gradient_norm": "norm of the gradient of the loss",
    "predicted_input_gradient_norm": "norm of the input gradient at the predicted label",
    "train_jacobian_norm_logits": "norm of the Jacobian of the logits at training points",
}
# What the numbers of columns count of a network.
COUNTS = {"dimension": "number of weights", "epoch": "number of epochs", "parameters": "number of parameters"}
SUMS = {"spike": "number of spikes"}


def words(column: str) -> str:
    """A column in words: `training loss` of `train_loss`."""
    return _CALLED.get(column) or " ".join(_FULL.get(part, part) for part in column.split("_"))


def of_network(column: str) -> str:
    """The number that a network has in a column, in words: `number of epochs` of `epoch`."""
    return COUNTS.get(column) or words(column)


def with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def where_words(where: dict[str, Any]) -> str:
    """` at epoch 5`; of a symbol, ` at α = 0.5`, and of an event ` with a spike`."""
    events = "".join(f" with {with_article(key)}" for key, value in where.items() if key in SUMS and value is True)
    where = {key: value for key, value in where.items() if not (key in SUMS and value is True)}
    names = {key: words(key) if words(key).isascii() else f"{words(key)} =" for key in where}
    return "".join(f" at {names[key]} {candidate(value)}" for key, value in where.items()) + events


def of_model(model: str | None, experiment: str | None) -> str:
    """` of shallow in function-cos`, as far as either is named."""
    return (f" of {model}" if model else "") + (f" in {experiment}" if experiment else "")


AT = {
    "last": "final",
    "first": "first",
    "min": "lowest",
    "max": "highest",
    "mean": "mean",
    "sum": "total",
    "excess_variation": "excess variation of",
}
