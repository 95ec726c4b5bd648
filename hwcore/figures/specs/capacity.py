from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.figures.replicates import points
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Training and test metrics, and their gap, against the number of parameters."""

    needed = ("parameters", "train_loss", "test_loss")

    def columns(self) -> tuple[str, ...]:
        return ("parameters", "loss", "accuracy", "loss_gap", "accuracy_gap")

    def guessed(self) -> bool:
        return True

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        return points(replicates, log=True)
