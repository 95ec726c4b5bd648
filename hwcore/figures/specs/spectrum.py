from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """The spectral density of the Hessian, with a mark at each of the largest eigenvalues."""

    def replication(self) -> str:
        return "The first replicate of each model is shown."
