from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The spectral density of the Hessian or its kin, with a mark at each of the largest eigenvalues."""

    needed = ("measure", "at", "value")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return "The first replicate of each model is shown."
