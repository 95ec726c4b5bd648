"""The spectrum of the Hessian of networks that are too large for the matrix itself."""

import math

import pandas as pd
import torch
from torch import Generator

from hwcore.analyses.krylov import density, largest, trace
from hwcore.analyses.products import hessian_product
from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.seeds import seed


def analyse(
    runs: dict[str, Run], *, count: int, tolerance: float, steps: int, probes: int, samples: int | None
) -> pd.DataFrame:
    """Eigenvalues, trace and spectral density of the Hessian of the mean training loss.

    Rows by ``measure``: "eigenvalue" (``at`` is the rank by size, 1 to ``count``; Lanczos with full
    reorthogonalisation, until the residual ‖H u − θ u‖ is at most ``tolerance`` · |θ|, or ``steps``
    are done), "trace" (Hutch++, Meyer et al. 2021, arXiv:2010.09649, by 3 to 12 · ``probes`` products), "trace
    error" (its standard error) and "density" (``at`` is λ; stochastic Lanczos quadrature over
    ``probes`` random vectors, Ghorbani et al. 2019, arXiv:1901.10159; it integrates to 1).
    ``converged`` says so of eigenvalues.  Products are in float32, Lanczos' own sums in float64.
    ``samples`` takes the first of the training samples only; every sample weighs the same, those of a
    shorter last part too.  A replicate whose weights are not finite has NaN.

    Columns: model, replicate, measure, at, value, converged.
    """
    tables = [
        _spectrum(name, run, r, count, tolerance, steps, probes, samples)
        for name, run in runs.items()
        for r in range(run.replicates)
    ]
    return pd.concat(tables, ignore_index=True)


def _spectrum(
    name: str, run: Run, r: int, count: int, tolerance: float, steps: int, probes: int, samples: int | None
) -> pd.DataFrame:
    parameters, spec = run.parameter_count, run.spec
    if count > parameters:
        raise HwcoreError(f"hessian_spectrum: count: {count}, but model {name} has {parameters} parameters")
    draw = Generator().manual_seed(seed(spec.study, spec.experiment, spec.model, r, "spectrum"))
    rows: list[tuple[str, float, float, bool]]
    if all(bool(value[r].isfinite().all()) for value in run.parameters.values()):
        product = hessian_product(run, r, samples=samples, dtype=torch.float32)
        start = torch.randn(parameters, generator=draw, dtype=torch.float64)
        values, converged = largest(product, start, count, tolerance, steps)
        rows = [("eigenvalue", i + 1.0, float(values[i]), bool(converged[i])) for i in range(len(values))]
        found, error = trace(product, parameters, probes, draw)
        rows += [("trace", math.nan, found, True), ("trace error", math.nan, error, True)]
        grid, height = density(product, parameters, probes, steps, draw)
        rows += [("density", float(at), float(value), True) for at, value in zip(grid, height, strict=True)]
    else:
        measures = ["eigenvalue", "trace", "trace error", "density"]
        rows = [(measure, math.nan, math.nan, False) for measure in measures]
    table = pd.DataFrame(rows, columns=["measure", "at", "value", "converged"])
    table.insert(0, "replicate", r)
    table.insert(0, "model", name)
    return table
