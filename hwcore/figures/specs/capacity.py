from hwcore.figures.spec import POINTS, TableFigure


class Options(TableFigure):
    """Training and test metrics, and their gap, against the number of parameters."""

    def columns(self) -> tuple[str, ...]:
        return ("parameters", "loss", "accuracy", "loss_gap", "accuracy_gap")

    def replication(self) -> str:
        return POINTS
