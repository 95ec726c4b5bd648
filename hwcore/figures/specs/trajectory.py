from typing import Literal

from pydantic import Field

from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Weight trajectories: a line per replicate from an open circle to a full one."""

    along: Literal["components", "half_sums"] = Field(
        "components", description="principal components, or the sums of the two halves of the weights"
    )

    def replication(self) -> str:
        return "A line is one of {replicates} replicates; an open circle marks its start, a full one its end."
