from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The loss along lines, or as contours in a plane of weights."""

    def columns(self) -> tuple[str, ...]:
        return ("train_loss", "train_accuracy")
