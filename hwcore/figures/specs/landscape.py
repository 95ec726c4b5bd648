from collections.abc import Mapping

from hwcore.analyses.spec import AnalysisSpec
from hwcore.analyses.specs import landscape
from hwcore.figures.replicates import lines
from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The loss along lines, or as contours in a plane of weights."""

    needed = ("kind", "x", "y", "train_loss")

    def columns(self) -> tuple[str, ...]:
        return ("train_loss", "train_accuracy")

    def explanation(self, replicates: int, analyses: Mapping[str, AnalysisSpec]) -> str:
        shown = analyses.get(self.table)
        if isinstance(shown, landscape.Options) and shown.across == "line":
            # of a scale that has fewer than the analysis takes, it takes all
            setting = f"{self.table}.replicates" if shown.replicates <= replicates else "replicates"
            return lines(min(replicates, shown.replicates), setting, log=True)
        return "The first replicate of each model is shown."
