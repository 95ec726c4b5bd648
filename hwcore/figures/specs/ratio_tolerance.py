from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure, bands


class Options(TableFigure):
    """The minimal ratio against the tolerance below which an eigenvalue counts as zero."""

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return bands(replicates)
