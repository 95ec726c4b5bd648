from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The spectral density of the Hessian or its kin, with a mark at each of the largest eigenvalues."""
