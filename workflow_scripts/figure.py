"""Draw one figure.

In: the Parquet tables that it shows.  Out: the figure as SVG, PDF and PNG, the numbers that it shows as
JSON and CSV, and its recipe.  Of a figure that cannot be drawn the recipe says why, so that its page lacks this figure
alone; the call ends with an error all the same (rules/call.smk).
"""

import sys
import traceback
from importlib import import_module

from matplotlib.figure import Figure

from hwcore.errors import HwcoreError
from hwcore.figures.drawn import beside, save_numbers
from hwcore.figures.output import save
from hwcore.files import write_json
from hwcore.integrity import note
from hwcore.jobs import Job, run
from hwcore.provenance import FAILED, recipe
from hwcore.tables import read_tables


def work(job: Job) -> None:
    figure, failure = _attempt(job)
    stem = job.outputs["svg"].with_suffix("")
    save(figure, stem)
    if failure:
        # the call that ends with it removes the recipe, unless it is killed before
        note(job.outputs["recipe"])
    said = {"axes": save_numbers(figure, stem), "beside": beside(figure), **failure}
    write_json(job.outputs["recipe"], {**recipe(job.spec, ["matplotlib", "numpy", "pandas"]), **said})


def _attempt(job: Job) -> tuple[Figure, dict[str, str]]:
    """The figure, or one that says that it is missing and what it failed with."""
    try:
        return _draw(job), {}
    except HwcoreError as error:
        message = str(error)
    except Exception as error:
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
    print(f"error: {message}", file=sys.stderr)
    missing = Figure(figsize=(4, 1))
    missing.text(0.5, 0.5, "This figure could not be drawn.", ha="center", va="center")
    return missing, {FAILED: message}


def _draw(job: Job) -> Figure:
    kind = import_module(f"hwcore.figures.{job.spec['kind']}")
    names = {key: value for key, value in job.spec.items() if key not in ("kind", "options", "style")}
    figure: Figure = kind.draw(read_tables(job.inputs), **names, **job.spec["options"])
    return figure


if __name__ == "__main__":
    run("figure", work)
