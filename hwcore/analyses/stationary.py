"""Solvers for points of zero gradient, for all replicates at once.

A solver is a way to make a step of a damping μ, and μ follows the ratio of actual to predicted
decrease (Nielsen 1999, IMM-REP-1999-05).  Replicates that are done leave the batch.  That one does
not converge is a result like others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hwcore.analyses.curvature import Surface

_SHORTEST = 1e-4  # the share of a Newton step below which there is no point near by
_STUCK = 1e14  # a damping, relative to the matrix, at which no step changes anything


@dataclass(frozen=True)
class Solution:
    """Where a solver ended: weights (R, P), whether each replicate converged (R,), steps taken (R,)."""

    weights: Tensor
    converged: Tensor
    steps: Tensor


# A method sees L (r,), ∇L (r, P) and a matrix (r, P, P) at each point: its merit function (r,) ...
Merit = Callable[[Tensor, Tensor], Tensor]
# ... and its step (r, P) with the decrease of merit that it predicts (r,), for a damping μ (r,).
Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def levenberg_marquardt(surface: Surface, weights: Tensor, chosen: Tensor, *, steps: int, tolerance: float) -> Solution:
    """Minimise a sum of squares (Levenberg 1944, Marquardt 1963): (2 JᵀJ + (λ + μ) I) δ = −∇L.

    The system is solved by Cholesky; where it is singular to rounding, by its eigenvalues.
    """
    return _damped(surface.gauss_newton, lambda loss, _: loss, _gauss_newton_step, weights, chosen, steps, tolerance)


def newton(surface: Surface, weights: Tensor, chosen: Tensor, *, steps: int, tolerance: float) -> Solution:
    """Minimise L by δ = −(|H| + μ I)⁻¹ ∇L, which leaves saddles behind (Dauphin et al. 2014, arXiv:1406.2572)."""
    return _damped(surface.hessian, lambda loss, _: loss, _saddle_free_step, weights, chosen, steps, tolerance)


def root(surface: Surface, weights: Tensor, chosen: Tensor, *, steps: int, tolerance: float) -> Solution:
    """Minimise ½ ‖∇L‖² by damped Gauss-Newton: (H² + μ I) δ = −H ∇L.

    Near a critical point of any index it is Newton's method; a minimum of ‖∇L‖ that is not zero, where
    H ∇L = 0, can hold it up, and then it has not converged.
    """
    return _damped(
        surface.hessian, lambda _, slope: slope.square().sum(1) / 2, _root_step, weights, chosen, steps, tolerance
    )


def polish(surface: Surface, weights: Tensor, chosen: Tensor, *, steps: int, tolerance: float) -> Solution:
    """Newton's method for ∇L = 0 from points that are close to one: δ = −s H⁻¹ ∇L.

    The share s of a step is halved until the next correction with the same H is shorter, ‖H⁻¹ ∇L(θ + δ)‖ ≤
    (1 − s/2) ‖H⁻¹ ∇L(θ)‖ (the natural monotonicity test of Deuflhard 2004, Newton Methods for Nonlinear Problems,
    section 3.3): along a curved valley ‖∇L‖ itself, which steep directions dominate, would allow only tiny steps.
    A replicate whose ‖∇L‖ is not smaller at the end stays where it was.
    """
    best = weights.clone()
    least = surface.gauss_newton(weights, chosen)[1].norm(dim=1)
    known = torch.isfinite(least)
    taken = torch.zeros_like(chosen)
    active, at = (known & (least > tolerance)).nonzero().squeeze(1), weights.clone()
    share = torch.ones_like(least)
    for _ in range(steps):
        if len(active) == 0:
            break
        here, own = at[active], share[active]
        _, slope, h = surface.hessian(here, chosen[active])
        factors, pivots, singular = torch.linalg.lu_factor_ex(h)
        delta = -torch.linalg.lu_solve(factors, pivots, slope.unsqueeze(2)).squeeze(2)
        tried = here + own[:, None] * delta
        there = surface.gauss_newton(tried, chosen[active])[1]
        again = torch.linalg.lu_solve(factors, pivots, there.unsqueeze(2)).squeeze(2)
        better = (singular == 0) & (again.norm(dim=1) <= (1 - own / 2) * delta.norm(dim=1))
        at[active[better]] = tried[better]
        share[active] = torch.where(better, (2 * own).clamp(max=1.0), own / 2)
        taken[active] += 1
        norm = there.norm(dim=1)
        improved = better & (norm < least[active])
        best[active[improved]], least[active[improved]] = tried[improved], norm[improved]
        active = active[(least[active] > tolerance) & (share[active] > _SHORTEST)]
    return Solution(best, least <= tolerance, taken)


def _damped(
    expand: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    merit: Merit,
    make_step: Step,
    weights: Tensor,
    chosen: Tensor,
    steps: int,
    tolerance: float,
) -> Solution:
    weights = weights.clone()
    converged = torch.zeros(len(weights), dtype=torch.bool, device=weights.device)
    taken = torch.zeros(len(weights), dtype=torch.int64, device=weights.device)
    active = torch.isfinite(weights).all(1).nonzero().squeeze(1)
    loss, slope, matrix = expand(weights[active], chosen[active])
    scale = matrix.diagonal(dim1=1, dim2=2).abs().amax(1).clamp(min=1e-9)
    # for roots as Yamashita & Fukushima 2001: Newton's own steps wherever the gradient is small
    mu = slope.square().sum(1).clamp(min=1e-30) if make_step is _root_step else 1e-3 * scale
    limit = _STUCK * (scale.square() if make_step is _root_step else scale)
    factor = torch.full_like(mu, 2.0)
    for step in range(steps + 1):
        done = slope.norm(dim=1) <= tolerance
        converged[active[done]] = True
        going = ~done & (mu < limit) & torch.isfinite(loss)
        if not going.all():
            active, loss, slope, matrix = active[going], loss[going], slope[going], matrix[going]
            mu, limit, factor = mu[going], limit[going], factor[going]
        if len(active) == 0 or step == steps:
            break
        delta, predicted = make_step(slope, matrix, mu)
        tried = weights[active] + delta
        new_loss, new_slope, new_matrix = expand(tried, chosen[active])
        actual = merit(loss, slope) - merit(new_loss, new_slope)
        better = (actual > 0) & (predicted > 0)
        gain = torch.where(better, actual / predicted, 0.0)
        mu = mu * torch.where(better, (1 - (2 * gain - 1) ** 3).clamp(min=1 / 3), factor)
        factor = torch.where(better, 2.0, 2 * factor)
        weights[active[better]] = tried[better]
        loss = torch.where(better, new_loss, loss)
        slope = torch.where(better[:, None], new_slope, slope)
        matrix = torch.where(better[:, None, None], new_matrix, matrix)
        taken[active] += 1
    return Solution(weights, converged, taken)


def _gauss_newton_step(slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    damped = matrix + torch.diag_embed(mu[:, None].expand_as(slope))
    factor, failed = torch.linalg.cholesky_ex(damped)
    delta = -torch.cholesky_solve(slope.unsqueeze(2), factor).squeeze(2)
    bad = failed > 0
    if bad.any():
        values, vectors = torch.linalg.eigh(matrix[bad])
        delta[bad] = _spectral(vectors, -1 / (values.clamp(min=0) + mu[bad, None]), slope[bad])
    return delta, ((delta * (mu[:, None] * delta - slope)).sum(1)) / 2


def _saddle_free_step(slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    delta = _spectral(vectors, -1 / (values.abs() + mu[:, None]), slope)
    curved = (matrix @ delta.unsqueeze(2)).squeeze(2)
    return delta, -(delta * (slope + curved / 2)).sum(1)


def _root_step(slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    delta = _spectral(vectors, -values / (values.square() + mu[:, None]), slope)
    uphill = (matrix @ slope.unsqueeze(2)).squeeze(2)
    return delta, (delta * (mu[:, None] * delta - uphill)).sum(1) / 2


def _spectral(vectors: Tensor, values: Tensor, along: Tensor) -> Tensor:
    """Q diag(values) Qᵀ along, for each replicate: (r, P)."""
    return (vectors @ (values.unsqueeze(2) * (vectors.mT @ along.unsqueeze(2)))).squeeze(2)
