"""The spectrum of the Hessian of networks that are too large for the matrix itself.

Everything here needs only products H v, one for each vector, in a number of passes over the data
that does not grow with the number of parameters.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Generator, Tensor

from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import Parameters, flatten, forward, unflatten
from hwcore.nets.spec import Network
from hwcore.seeds import seed
from hwcore.train.loss import losses

Product = Callable[[Tensor], Tensor]

_CHUNK = 2**20  # numbers in the widest activations of one pass over a part of the data
_KEPT = 2**25  # numbers in all activations of all samples up to which they are kept: some 400 MB with gradients
_GRID = 400  # points of the spectral density
_TRACE_ERROR = 0.01  # the standard error of the trace, as a share of it, at which Hutchinson's estimate ends
_MOST = 10  # times as many probes as asked for, at most, for that
_WIDTH = 0.01  # of the kernel of the density, as a share of the range of the spectrum


@dataclass(frozen=True)
class Tridiagonal:
    """What Lanczos found: diagonal (m,), off-diagonal (m,) whose last is the residual's norm, vectors (m, P)."""

    diagonal: Tensor
    off: Tensor
    vectors: Tensor

    def eigen(self) -> tuple[Tensor, Tensor]:
        """Ritz values (m,), ascending, and the eigenvectors (m, m) of the tridiagonal matrix."""
        inner = self.off[:-1]
        found: tuple[Tensor, Tensor] = torch.linalg.eigh(
            torch.diag(self.diagonal) + torch.diag(inner, 1) + torch.diag(inner, -1)
        )
        return found


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


def hessian_product(run: Run, replicate: int, *, samples: int | None = None, dtype: torch.dtype) -> Product:
    """V (P,) → H v (P,), of the mean loss of a replicate over the training samples."""
    data = run.data.of_replicates([replicate]).training(samples)
    x, y = data.train_x.to(dtype), data.train_y if data.classes else data.train_y.to(dtype)
    weights = flatten({name: value[replicate : replicate + 1].to(dtype) for name, value in run.parameters.items()})
    buffers = {name: value[replicate : replicate + 1].to(dtype) for name, value in run.buffers.items()}
    return product_of(run.network, run.job.training.loss, weights, buffers, x, y)


def product_of(network: Network, loss: str, weights: Tensor, buffers: Parameters, x: Tensor, y: Tensor) -> Product:
    """V (P,) → H v (P,), of the mean loss at ``weights`` (1, P) over all of (x, y) (Pearlmutter 1994).

    Where memory allows, the gradient and how it came about are kept, so that a product costs one more backward
    pass.  The weights are never changed, so no call changes what the next one sees.
    """
    shapes = [math.prod(shape) for shape in network.shapes()]
    size = max(1, _CHUNK // max(shapes))
    parts = [slice(start, start + size) for start in range(0, len(x), size)]

    def slope(rows: slice) -> tuple[Tensor, Tensor]:
        part, targets = x[rows], y[..., rows] if loss != "mse" else y[rows]
        at = weights.clone().requires_grad_()
        outputs = forward(network, unflatten(network, at), buffers, part)
        mean = losses(loss, outputs, targets).sum() * (len(part) / len(x))
        return at, torch.autograd.grad(mean, at, create_graph=True)[0]

    kept = [slope(rows) for rows in parts] if len(x) * sum(shapes) <= _KEPT else None

    def product(vector: Tensor) -> Tensor:
        total = torch.zeros_like(weights)
        direction = vector.to(weights.dtype).unsqueeze(0)
        for at, gradient in kept or map(slope, parts):
            (turned,) = torch.autograd.grad(gradient, at, direction, retain_graph=kept is not None)
            total += turned
        return total.squeeze(0)

    return product


def lanczos(
    product: Product, start: Tensor, steps: int, done: Callable[[Tridiagonal], bool] | None = None
) -> Tridiagonal:
    """Tridiagonalise a symmetric operator from ``start`` (P,), each vector made orthogonal to all before, twice.

    Ends after ``steps`` products, when ``done`` says so, or when the space is exhausted.
    """
    steps = min(steps, len(start))
    vectors = torch.zeros(steps, len(start), dtype=torch.float64, device=start.device)
    diagonal, off = torch.zeros(2, steps, dtype=torch.float64, device=start.device)
    vectors[0] = start.double() / start.double().norm()
    scale = 0.0
    for j in range(steps):
        image = product(vectors[j]).double()
        diagonal[j] = vectors[j] @ image
        known = vectors[: j + 1]
        for _ in range(2):
            image = image - known.T @ (known @ image)
        off[j] = image.norm()
        scale = max(scale, abs(diagonal[j].item()) + off[j].item())
        now = Tridiagonal(diagonal[: j + 1], off[: j + 1], known)
        # relative to the operator itself: a spectrum of 1e-7 is as good as one of 1
        exhausted = off[j].item() <= 1e-12 * scale
        if exhausted or j + 1 == steps or (done is not None and done(now)):
            break
        vectors[j + 1] = image / off[j]
    return now


def largest(product: Product, start: Tensor, count: int, tolerance: float, steps: int) -> tuple[Tensor, Tensor]:
    """The eigenvalues of largest size, and whether each has converged: both (count,), the largest first."""

    def top(found: Tridiagonal) -> tuple[Tensor, Tensor]:
        values, inner = found.eigen()
        chosen = values.abs().argsort(descending=True)[:count]
        residual = found.off[-1] * inner[-1, chosen].abs()
        return values[chosen], residual <= tolerance * values[chosen].abs()

    def done(found: Tridiagonal) -> bool:
        return len(found.diagonal) >= count and bool(top(found)[1].all())

    return top(lanczos(product, start, steps, done))


def trace(product: Product, parameters: int, probes: int, draw: Generator) -> tuple[float, float]:
    """Hutch++: the trace exactly on a random range of H, and by Hutchinson on the rest; with its standard error.

    ``probes`` random vectors each give the range and the rest, and the rest takes up to ten times as many, until
    the error is at most one per cent.
    """
    probes = min(probes, parameters)
    image = torch.stack([product(column).double() for column in _signs(probes, parameters, draw)], dim=1)
    basis = torch.linalg.qr(image).Q
    exact = sum((column @ product(column).double()).item() for column in basis.T)
    each: list[Tensor] = []
    while len(each) < _MOST * probes:
        for column in _signs(probes, parameters, draw):
            outside = column - basis @ (basis.T @ column)
            each.append(outside @ product(outside).double())
        rest = torch.stack(each)
        value = exact + rest.mean().item()
        error = (rest.std() / math.sqrt(len(each))).item() if len(each) > 1 else math.nan
        if error <= _TRACE_ERROR * abs(value) or probes == parameters:
            break
    return value, error


def _signs(count: int, parameters: int, draw: Generator) -> Tensor:
    return torch.randn(count, parameters, generator=draw, dtype=torch.float64).sign()


def density(product: Product, parameters: int, probes: int, steps: int, draw: Generator) -> tuple[Tensor, Tensor]:
    """λ and the spectral density there, both (400,): quadrature nodes of each probe, under a Gaussian kernel."""
    nodes, weights = [], []
    for start in _signs(probes, parameters, draw):
        values, inner = lanczos(product, start, steps).eigen()
        nodes.append(values)
        weights.append(inner[0].square())
    at, weight = torch.cat(nodes), torch.cat(weights) / probes
    extent = (at.max() - at.min()).clamp(min=1e-300)
    width = _WIDTH * extent
    grid = torch.linspace((at.min() - 5 * width).item(), (at.max() + 5 * width).item(), _GRID, dtype=torch.float64)
    kernel = torch.exp(-0.5 * ((grid[:, None] - at) / width).square()) / (width * math.sqrt(2 * math.pi))
    return grid, kernel @ weight


def _spectrum(
    name: str, run: Run, r: int, count: int, tolerance: float, steps: int, probes: int, samples: int | None
) -> pd.DataFrame:
    parameters, job = run.network.parameters(), run.job
    if count > parameters:
        raise HwcoreError(f"hessian_spectrum: count: {count}, but model {name} has {parameters} parameters")
    draw = Generator().manual_seed(seed(job.study, job.experiment, job.model, r, "spectrum"))
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
