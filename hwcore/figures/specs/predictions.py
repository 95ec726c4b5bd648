from hwcore.figures.spec import BANDS, TableFigure


class Options(TableFigure):
    """Predictions of networks of one input beside the function that they learn."""

    def beside(self) -> bool:
        return True

    def replication(self) -> str:
        return BANDS
