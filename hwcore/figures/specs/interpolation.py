from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.spec import TableFigure, bands


class Options(TableFigure):
    """Metrics on the lines between trained networks, against α."""

    def columns(self) -> tuple[str, ...]:
        return ("loss", "accuracy")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return bands(replicates)
