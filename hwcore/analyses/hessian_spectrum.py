"""The spectrum of the Hessian, and of its kin, of networks that are too large for the matrix itself."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd
import torch
from torch import Generator, Tensor

from hwcore.analyses.krylov import Product, density, largest, trace
from hwcore.analyses.products import curvature_product
from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import shapes
from hwcore.seeds import seed


def analyse(
    runs: dict[str, Run],
    *,
    count: int,
    tolerance: float,
    steps: int,
    probes: int,
    samples: int | None,
    matrix: str = "hessian",
    by: str = "whole",
) -> pd.DataFrame:
    """Eigenvalues, trace and spectral density of the Hessian of the mean training loss.

    Or of another ``matrix`` of it, "ggn" (the generalised Gauss-Newton matrix) or "empirical_fisher".

    Rows by ``measure``: "eigenvalue" (``at`` is the rank by size, 1 to ``count``; Lanczos with full
    reorthogonalisation, until the residual ‖H u − θ u‖ is at most ``tolerance`` · |θ|, or ``steps``
    are done), "trace" (Hutch++, Meyer et al. 2021, arXiv:2010.09649, by 3 to 12 · ``probes`` products), "trace
    error" (its standard error) and "density" (``at`` is λ; stochastic Lanczos quadrature over
    ``probes`` random vectors, Ghorbani et al. 2019, arXiv:1901.10159; it integrates to 1).
    ``converged`` says so of eigenvalues.  Products are in float32, Lanczos' own sums in float64.
    ``samples`` takes the first of the training samples only; every sample weighs the same, those of a
    shorter last part too.  A replicate whose weights are not finite, or so large that products are not, has NaN.

    ``by`` "layer" takes the diagonal blocks of the matrix instead of the whole: that of the weights and biases of
    each linear and convolutional layer, by its number from 1 in a column ``layer``.  Scales and shifts of
    normalisation are in no block.

    Raises HwcoreError if a matrix or a block has fewer than ``count`` rows.
    """
    tables = []
    for name, run in runs.items():
        blocks = _layers(run) if by == "layer" else [_Block(None, 0, run.parameter_count)]
        for block in blocks:
            if count > block.size:
                part = f"layer {block.layer} of " if block.layer else ""
                raise HwcoreError(
                    f"hessian_spectrum: count: {count}, but {part}model {name} has {block.size} parameters"
                )
        for r in range(run.replicates):
            finite = all(bool(value[r].isfinite().all()) for value in run.parameters.values())
            product = (
                curvature_product(run, r, matrix=matrix, samples=samples, dtype=torch.float32) if finite else _unknown
            )
            for block in blocks:
                of_block = block.of(product, run.parameter_count)
                table = _spectrum(of_block, block.size, _draw(run, r, block), count, tolerance, steps, probes)
                tables.append(table.assign(model=name, replicate=r, layer=block.layer))
    columns = ["model", "replicate", *(["layer"] if by == "layer" else []), "measure", "at", "value", "converged"]
    return pd.concat([table[columns] for table in tables], ignore_index=True)


@dataclass(frozen=True)
class _Block:
    """The rows and columns ``start`` to ``start + size`` of a matrix: those of a layer, or all where it is None."""

    layer: int | None
    start: int
    size: int

    def of(self, product: Product, parameters: int) -> Product:
        """The products with the block alone, of vectors (size,)."""
        place = slice(self.start, self.start + self.size)

        def within(vector: Tensor) -> Tensor:
            whole = vector.new_zeros(parameters)
            whole[place] = vector
            return product(whole)[place]

        return product if self.size == parameters else within


def _unknown(vector: Tensor) -> Tensor:
    """The products of a replicate that diverged: infinite weights could have finite ones, of a unit that is off."""
    return torch.full_like(vector, math.nan)


def _layers(run: Run) -> list[_Block]:
    """Those of the layers with weights, which lie one after the other in a row of all parameters."""
    sizes = {key: math.prod(shape) for key, shape in shapes(run.network).items()}
    weighted = run.network.weighted()
    blocks: list[_Block] = []
    start = 0
    for layer, keys in groupby(sizes, key=lambda key: key.rpartition(".")[0]):
        size = sum(sizes[key] for key in keys)
        if layer in weighted:
            blocks.append(_Block(len(blocks) + 1, start, size))
        start += size
    return blocks


def _draw(run: Run, r: int, block: _Block) -> Generator:
    spec, purpose = run.spec, "spectrum" if block.layer is None else f"spectrum of layer {block.layer}"
    return Generator().manual_seed(seed(spec.study, spec.experiment, spec.model, r, purpose))


def _spectrum(
    product: Product, parameters: int, draw: Generator, count: int, tolerance: float, steps: int, probes: int
) -> pd.DataFrame:
    """What the table says of one symmetric matrix, by its products."""
    start = torch.randn(parameters, generator=draw, dtype=torch.float64)
    values, converged = largest(product, start, count, tolerance, steps)
    rows = [("eigenvalue", i + 1.0, float(values[i]), bool(converged[i])) for i in range(len(values))]
    found, error = trace(product, parameters, probes, draw)
    rows += [("trace", math.nan, found, True), ("trace error", math.nan, error, True)]
    grid, height = density(product, parameters, probes, steps, draw)
    rows += [("density", float(at), float(value), True) for at, value in zip(grid, height, strict=True)]
    table = pd.DataFrame(rows, columns=["measure", "at", "value", "converged"])
    return table.assign(converged=table.converged & (table.value.abs() < math.inf))
