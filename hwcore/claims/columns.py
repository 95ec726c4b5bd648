"""On which scale the numbers of a column vary, by the name of the column."""

from typing import Literal

# The scale on which the noise of a quantity is closest to symmetric: a plain one, log for positive quantities,
# logit for fractions, Fisher's z (1915) for correlations, and log(1 + x) for numbers of events, which may be none.
Scale = Literal["linear", "log", "logit", "fisher", "count"]

# In the names of columns that may have either sign.
SIGNED = {"gap", "change", "decrease"}


def column_scale(column: str) -> Scale:
    """The scale on which replicates of a column are compared.

    Losses, norms and times are positive and vary by factors, accuracies and shares are fractions; what may have either
    sign (gaps, changes) stays as it is.
    """
    words = {*column.split("_")}
    if SIGNED & words:
        return "linear"
    if {"accuracy", "share", "ratio"} & words:
        return "logit"
    if {"relation", "correlation"} & words:
        return "fisher"
    return "log" if {"loss", "norm", "epoch", "epochs", "step", "steps", "seconds"} & words else "linear"
