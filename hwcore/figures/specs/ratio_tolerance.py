from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.replicates import lines
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The minimal ratio against the tolerance below which an eigenvalue counts as zero."""

    needed = ("minimal_ratio", "ratio_at_*")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return lines(replicates)
