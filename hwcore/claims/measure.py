"""What all measures of claims share.

A measure says which number is taken of each replicate; how it is judged is the matter of a rule.  Each kind has a
module in hwcore/claims/measures/ with its class ``Kind``, which has a field of the name of the kind.  None loads
pandas or SciPy: the grammar of studies imports them all.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from hwcore.claims.samples import Data, NoSuchDataError, NoSuchValueError, Sample, Scale, Shape
from hwcore.claims.words import PERCENT, PLAIN, POINTS, Unit
from hwcore.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

# The table of an experiment by (experiment, name); None is the experiment of the claim.
Tables = Callable[[str | None, str], "pd.DataFrame"]


# In the names of columns that may have either sign.
_SIGNED = {"gap", "change", "decrease"}


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

    def single(self) -> Iterator["Measure"]:
        """Those parts that are of one model, and must name it where an experiment has several."""
        yield from ()

    def describe(self) -> str:
        """The measure in words."""
        raise NotImplementedError

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

    def rows(self, tables: Tables) -> "pd.DataFrame":
        """The rows of the model, or all of a table that has no models."""
        return rows_of(tables(self.experiment, self.table), self.model)


def rows_of(table: "pd.DataFrame", model: str | None) -> "pd.DataFrame":
    """The rows of a model, or all."""
    if model is None:
        return table
    require(table, "model")
    rows = table[table["model"] == model]
    if rows.empty:
        raise NoSuchDataError(f"there is no model {model!r}; there are {', '.join(map(str, table['model'].unique()))}")
    return rows


def rows_where(rows: "pd.DataFrame", where: dict[str, Any]) -> "pd.DataFrame":
    """The rows with the given values; decimal fractions need agree to nine digits only."""
    require(rows, *where)
    for column, value in where.items():
        close = (rows[column] - value).abs() <= 1e-9 * max(1.0, abs(value)) if isinstance(value, float) else None
        rows = rows[rows[column] == value if close is None else close]
        if rows.empty:
            raise NoSuchValueError(f"no row has {column} = {value!r}")
    return rows


def samples_by(rows: "pd.DataFrame", by: str, column: str) -> tuple[dict[str, Sample], bool]:
    """A sample for each value of ``by``, and whether they are numbers of the same networks.

    Several rows of a network at one value (epochs, say) count by their last.
    """
    network = [name for name in ("model", "replicate") if name in rows and name != by]
    if not {"epoch", "step"} & {*rows.columns} and rows.duplicated([by, *network]).any():
        raise NoSuchDataError(f"a network has several rows with one {by}; choose one with `where`")
    last = rows.groupby([by, *network], sort=False).tail(1)
    samples = {
        str(value): sample(own.set_index(network)[column].astype(float), column)
        for value, own in last.groupby(by, sort=False)
    }
    # where each value has models of its own, as batch sizes have, the networks differ
    paired = by != "model" and not ("model" in rows and (rows.groupby("model")[by].nunique() == 1).all())
    return samples, paired


def require(table: "pd.DataFrame", *names: str) -> None:
    """Raises NoSuchDataError for a column that is not there."""
    for name in names:
        if name not in table:
            raise NoSuchDataError(f"there is no column {name!r}; there are {', '.join(table.columns)}")


def sample(values: "pd.Series[float]", column: str) -> Sample:
    """Numbers of a column, on the scale and in the unit of that column."""
    return Sample(values, column_scale(column), column_unit(column))


def column_unit(column: str) -> Unit:
    """In which unit numbers of a column are written, by its name: accuracies in per cent."""
    words = {*column.split("_")}
    if "accuracy" not in words:
        return PLAIN
    return POINTS if _SIGNED & words else PERCENT


def column_scale(column: str) -> Scale:
    """The scale on which replicates of a column are compared, by the name of the column.

    Losses and norms are positive and vary by factors, accuracies and shares are fractions; what may have either
    sign (gaps, changes) stays as it is.
    """
    words = {*column.split("_")}
    if _SIGNED & words:
        return "linear"
    if {"accuracy", "share", "ratio"} & words:
        return "logit"
    return "log" if {"loss", "norm"} & words else "linear"


# Abbreviations in the names of columns.
_FULL = {"train": "training", "grad": "gradient", "lr": "learning rate"}


def words(column: str) -> str:
    """The name of a column in words: `training loss` of `train_loss`."""
    return " ".join(_FULL.get(part, part) for part in column.split("_"))


def where_words(where: dict[str, Any]) -> str:
    return "".join(
        f" at {key} {value:g}" if isinstance(value, float) else f" at {key} {value}" for key, value in where.items()
    )


def of_model(model: str | None, experiment: str | None) -> str:
    """` of shallow in function-cos`, as far as either is named."""
    return (f" of {model}" if model else "") + (f" in {experiment}" if experiment else "")


AT = {"last": "final", "first": "first", "min": "lowest", "max": "highest", "mean": "mean", "sum": "total"}
