from hwcore.figures.spec import BANDS, TableFigure


class Options(TableFigure):
    """Metrics on the lines between trained networks, against α."""

    def columns(self) -> tuple[str, ...]:
        return ("loss", "accuracy")

    def replication(self) -> str:
        return BANDS
