from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.replicates import lines
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Metrics on the lines between trained networks, against α."""

    needed = ("pair", "alpha", "train_loss", "test_loss")

    def columns(self) -> tuple[str, ...]:
        return ("loss", "accuracy")

    def guessed(self) -> bool:
        return True

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return lines(replicates, log=True)
