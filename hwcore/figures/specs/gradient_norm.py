from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Loss and gradient norm of each step."""

    needed = ("step", "loss", "grad_norm")

    def columns(self) -> tuple[str, ...]:
        return ("loss", "grad_norm")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        if replicates == 1:
            return "A single replicate is shown."
        return "A thick line is one replicate; thin lines are others of the {replicates}, nine at most."
