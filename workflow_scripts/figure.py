"""Draw one figure.

In: the Parquet tables that it shows.  Out: the figure as SVG, PDF and PNG, the numbers that it shows as
JSON and CSV, and its recipe.
"""

from importlib import import_module

from hwcore.figures.drawn import save_numbers
from hwcore.figures.output import save
from hwcore.files import write_json
from hwcore.jobs import Job, run
from hwcore.provenance import recipe
from hwcore.tables import read_tables


def work(job: Job) -> None:
    kind = import_module(f"hwcore.figures.{job.spec['kind']}")
    names = {key: value for key, value in job.spec.items() if key not in ("kind", "options", "style")}
    figure = kind.draw(read_tables(job.inputs), **names, **job.spec["options"])
    stem = job.outputs["svg"].with_suffix("")
    save(figure, stem)
    save_numbers(figure, stem)
    write_json(job.outputs["recipe"], recipe(job.spec, ["matplotlib", "numpy", "pandas"]))


if __name__ == "__main__":
    run("figure", work)
