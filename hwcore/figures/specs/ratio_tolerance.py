from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The minimal ratio against the tolerance below which an eigenvalue counts as zero."""
