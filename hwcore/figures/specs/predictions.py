from hwcore.figures.spec import BANDS, TableFigure


class Options(TableFigure):
    """Predictions of networks of one input beside the function that they learn."""

    def replication(self) -> str:
        return BANDS
