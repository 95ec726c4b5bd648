from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Predictions of networks of one input beside the function that they learn."""
