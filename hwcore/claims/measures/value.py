from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hwcore.claims.measure import (
    AT,
    COUNTS,
    SUMS,
    MeasureOfModel,
    Tables,
    Value,
    equals,
    of_model,
    require,
    require_numbers,
    rows_where,
    sample,
    where_words,
    words,
)
from hwcore.claims.samples import NoSuchValueError, Sample, Shape
from hwcore.claims.words import PERCENT

if TYPE_CHECKING:
    import pandas as pd

# Points that a curve needs in order to turn twice.
_FEWEST = 4


class Kind(MeasureOfModel):
    """A column of a table, one number per replicate."""

    value: str = Field(description="the column")
    table: str = Field("metrics", description="metrics, steps or an analysis of the experiment")
    where: dict[str, Value] = Field({}, description="values of other columns that choose the rows")
    at: Literal["last", "first", "min", "max", "mean", "sum", "excess_variation"] = Field(
        "last",
        description="which of a replicate's rows counts, or how they are joined; `excess_variation` is half of the "
        "total variation from row to row beyond that of a curve with one turn: zero where a number falls, rises, or "
        "does one after the other, and more the more it goes back and forth",
    )

    @property
    def shape(self) -> Shape:
        return "a number per replicate"

    def describe(self) -> str:
        return f"{self._number()}{of_model(self.model, self.experiment)}{where_words(self.where)}"

    def _number(self) -> str:
        if self.value in SUMS and self.at in ("sum", "mean"):
            return SUMS[self.value] if self.at == "sum" else f"share of steps with a {self.value}"
        if self.at in ("first", "last") and self.value in COUNTS:
            return COUNTS[self.value]
        # where a row is chosen by its epoch or α, that there is none after it says nothing
        return words(self.value) if self.where and self.at == "last" else f"{AT[self.at]} {words(self.value)}"

    def read(self, tables: Tables) -> Sample:
        rows = self.rows(tables)
        require(rows, "replicate")
        require_numbers(rows, self.value)
        chosen = rows_where(rows, {column: value for column, value in self.where.items() if column not in SUMS})
        for event in {*SUMS} & {*self.where}:
            # that it never happened is an outcome, and no mistake of the claim
            require(chosen, event)
            chosen = chosen[equals(chosen[event], self.where[event])]
        curves = chosen[self.value].astype(float).groupby(chosen["replicate"])
        if self.at == "excess_variation":
            if len(chosen) and curves.size().max() < _FEWEST:
                raise NoSuchValueError(f"{self.value} has fewer than four points")
            values = curves.agg(excess_variation)
        else:
            values = curves.agg(self.at)
        # pandas passes over what is missing, and from where a replicate diverged all is
        values = values.where(_ends(chosen, self.value).abs() < float("inf"))
        for event in {*SUMS} & {*self.where}:
            values = values.where(_ends(rows, event).notna())
        # a replicate of which no row is chosen has no number either
        found = sample(values.reindex(rows.groupby("replicate").size().index), self.value)
        if self.at == "excess_variation":
            # of a curve that never turns it is zero, which has no logarithm
            return replace(found, scale="count")
        if self.value in SUMS and self.at == "sum":
            return replace(found, scale="count")
        if self.value in SUMS and self.at == "mean":
            return replace(found, scale="logit", unit=PERCENT)
        return found


def _ends(rows: "pd.DataFrame", column: str) -> "pd.Series[float]":
    """The last number of each replicate."""
    return rows.groupby("replicate").tail(1).set_index("replicate")[column].astype(float)


def excess_variation(points: "pd.Series[float]") -> float:
    """Half of the total variation of a curve beyond that of one through its ends that turns once at most.

    Of the curves with one turn, it is the one that goes to the point of ``points`` farthest from both ends.
    """
    total = points.diff().abs().sum()
    once = ((points - points.iloc[0]).abs() + (points - points.iloc[-1]).abs()).max()
    # what rounding may leave of a sum of so many differences
    rounding = len(points) * 2**-52 * points.abs().max()
    return float(total - once) / 2 if total - once > rounding else 0.0
