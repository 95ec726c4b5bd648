from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.replicates import lines
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Predictions of networks of one input beside the function that they learn."""

    needed = ("x", "target", "prediction")

    def beside(self) -> bool:
        return True

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return lines(replicates)
