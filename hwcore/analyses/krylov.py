"""Eigenvalues, trace and spectral density of a symmetric operator that is known by its products only.

Its products may be in any precision; sums and orthogonality are in float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

# V (P,) → A v (P,), for a symmetric matrix A.
Product = Callable[[Tensor], Tensor]

_TRACE_ERROR = 0.01  # the standard error of the trace, as a share of it, at which Hutchinson's estimate ends
_REPEATS = 10  # times as many probes as asked for, at most, for that
_GRID = 400  # points of the spectral density
_WIDTH = 0.01  # of the kernel of the density, as a share of the range of the spectrum


@dataclass(frozen=True)
class Tridiagonal:
    """What Lanczos found: diagonal (m,), off-diagonal (m,) whose last is the residual's norm, vectors (m, P)."""

    diagonal: Tensor
    off: Tensor
    vectors: Tensor

    @property
    def finite(self) -> bool:
        """Whether all products were, which weights can be too large for."""
        return bool(self.diagonal.isfinite().all() and self.off.isfinite().all())

    def eigen(self) -> tuple[Tensor, Tensor]:
        """Ritz values (m,), ascending, and the eigenvectors (m, m) of the tridiagonal matrix."""
        inner = self.off[:-1]
        found: tuple[Tensor, Tensor] = torch.linalg.eigh(
            torch.diag(self.diagonal) + torch.diag(inner, 1) + torch.diag(inner, -1)
        )
        return found


def lanczos(
    product: Product, start: Tensor, steps: int, done: Callable[[Tridiagonal], bool] | None = None
) -> Tridiagonal:
    """Tridiagonalise a symmetric operator from ``start`` (P,), each vector made orthogonal to all before, twice.

    Ends after ``steps`` products, when ``done`` says so, when the space is exhausted, and at a product that is not
    finite.
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
        goes_on = now.finite and off[j].item() > 1e-12 * scale
        if not goes_on or j + 1 == steps or (done is not None and done(now)):
            break
        vectors[j + 1] = image / off[j]
    return now


def largest(product: Product, start: Tensor, count: int, tolerance: float, steps: int) -> tuple[Tensor, Tensor]:
    """The eigenvalues of largest size, and whether each has converged: both (count,), the largest first.

    By ``steps`` products at most, and at least as many as there are eigenvalues to find.

    NaN, and not converged, where a product is not finite.
    """

    def top(found: Tridiagonal) -> tuple[Tensor, Tensor]:
        values, inner = found.eigen()
        chosen = values.abs().argsort(descending=True)[:count]
        residual = found.off[-1] * inner[-1, chosen].abs()
        return values[chosen], residual <= tolerance * values[chosen].abs()

    def done(found: Tridiagonal) -> bool:
        return len(found.diagonal) >= count and bool(top(found)[1].all())

    found = lanczos(product, start, max(steps, count), done)
    if not found.finite:
        return start.new_full((count,), math.nan, dtype=torch.float64), start.new_zeros(count, dtype=torch.bool)
    return top(found)


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
    while len(each) < _REPEATS * probes:
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
    """λ and the spectral density there, both (400,): quadrature nodes of each probe, under a Gaussian kernel.

    One NaN each where a product is not finite.
    """
    nodes, weights = [], []
    for start in _signs(probes, parameters, draw):
        found = lanczos(product, start, steps)
        if not found.finite:
            unknown = torch.full((1,), math.nan, dtype=torch.float64)
            return unknown, unknown
        values, inner = found.eigen()
        nodes.append(values)
        weights.append(inner[0].square())
        del found  # its vectors, before those of the next probe are made
    at, weight = torch.cat(nodes), torch.cat(weights) / probes
    extent = (at.max() - at.min()).clamp(min=1e-300)
    width = _WIDTH * extent
    grid = torch.linspace((at.min() - 5 * width).item(), (at.max() + 5 * width).item(), _GRID, dtype=torch.float64)
    kernel = torch.exp(-0.5 * ((grid[:, None] - at) / width).square()) / (width * math.sqrt(2 * math.pi))
    return grid, kernel @ weight
