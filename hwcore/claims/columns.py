"""On which scale the numbers of a column vary, by the name of the column."""

import math
from typing import Literal

# The scale on which the noise of a quantity is closest to symmetric: a plain one, log for positive quantities,
# logit for fractions, Fisher's z (1915) for correlations, and log(1 + x) for numbers of events, which may be none.
Scale = Literal["linear", "log", "logit", "fisher", "count"]

# The least and the largest number that a quantity of each scale can have.
RANGES: dict[Scale, tuple[float, float]] = {
    "linear": (-math.inf, math.inf),
    "log": (0.0, math.inf),
    "logit": (0.0, 1.0),
    "fisher": (-1.0, 1.0),
    "count": (0.0, math.inf),
}

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
