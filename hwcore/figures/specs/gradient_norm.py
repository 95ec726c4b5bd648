from hwcore.figures.spec import TableFigure


class Options(TableFigure):
    """Loss and gradient norm of each step."""

    def columns(self) -> tuple[str, ...]:
        return ("loss", "grad_norm")

    def replication(self) -> str:
        return "A thick line is one replicate; thin lines are up to nine others of {replicates}."
