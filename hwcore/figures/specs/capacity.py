from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure, bars


class Options(TableFigure):
    """Training and test metrics, and their gap, against the number of parameters."""

    def columns(self) -> tuple[str, ...]:
        return ("parameters", "loss", "accuracy", "loss_gap", "accuracy_gap")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return bars(replicates)
