from hwcore.figures.spec import BANDS, TableFigure


class Options(TableFigure):
    """The minimal ratio against the tolerance below which an eigenvalue counts as zero."""

    def replication(self) -> str:
        return BANDS
