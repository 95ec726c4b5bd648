"""Accuracies of networks that diverged."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def without_guesses(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table without the accuracies of networks that diverged, whose loss beside it is not finite.

    Outputs that are not numbers are all taken for the first class, which is right for some of the samples.
    """
    finite = {}
    for column in map(str, table.columns):
        loss = column.replace("accuracy", "loss")
        if loss != column and loss in table:
            finite[column] = table[column].where(table[loss].abs() < float("inf"))
    return table.assign(**finite)
