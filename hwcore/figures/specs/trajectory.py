from typing import Literal

from pydantic import Field

from hwcore.figures.spec import TableFigure
from hwcore.spec import Count


class Options(TableFigure):
    """Weight trajectories: a line per replicate from an open circle to a full one."""

    along: Literal["components", "half_sums", "tsne"] = Field(
        "components",
        description="principal components, the sums of the two halves of the weights, or the coordinates of t-SNE",
    )
    every: Count = Field(1, description="every so many of the recorded weights, from the first; all are in the fit")
