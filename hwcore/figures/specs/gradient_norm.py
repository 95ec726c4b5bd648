from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Loss and gradient norm of each step."""

    def columns(self) -> tuple[str, ...]:
        return ("loss", "grad_norm")
