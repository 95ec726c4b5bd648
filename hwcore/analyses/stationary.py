"""Solvers for points of zero gradient, for all replicates at once.

A ``Solver`` is a way to make a step of a damping μ, and μ follows the ratio of actual to predicted
decrease (Nielsen 1999, IMM-REP-1999-05).  Replicates that are done leave the batch.  That one does
not converge is a result like others: a ``Solution`` says why each ended.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from hwcore.analyses.curvature import Surface

_SHARE_LIMIT = 1e-4  # the share of a Newton step below which there is no point near by
_DAMPING_LIMIT = 1e14  # a damping, relative to the matrix, at which no step changes anything
_FIRST_DAMPING = 1e-3  # relative to the matrix


class Outcome(IntEnum):
    """Why a search for a point of zero gradient ended."""

    CONVERGED = 0  # the gradient is as short as was asked for
    STEP_LIMIT = 1  # after as many steps as were allowed
    STUCK = 2  # no step, however short, leads on
    NOT_FINITE = 3  # weights, loss or gradient are not finite where it began
    ROUNDING = 4  # the gradient is as short in the solver's sums, and not in those of the exact Hessian
    UNSOLVED = 5  # no solver was asked for, and the gradient is longer

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Solution:
    """Where a solver ended: weights (R, P), the ``Outcome`` of each replicate (R,), steps taken (R,)."""

    weights: Tensor
    outcome: Tensor
    steps: Tensor


class Solver(ABC):
    """Damped steps of one kind.  A point is seen as L (r,), ∇L (r, P) and a matrix (r, P, P)."""

    @abstractmethod
    def expand(self, surface: Surface, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L, ∇L and the matrix at ``weights``."""

    @abstractmethod
    def step(self, slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
        """The step (r, P) for a damping μ (r,) and the decrease of merit that it predicts (r,)."""

    def merit(self, loss: Tensor, slope: Tensor) -> Tensor:
        """What is made smaller: (r,)."""
        return loss

    def first_damping(self, slope: Tensor, scale: Tensor) -> Tensor:
        """μ of the first step, (r,), for a matrix whose largest diagonal element is ``scale`` (r,)."""
        return _FIRST_DAMPING * scale

    def damping_limit(self, scale: Tensor) -> Tensor:
        """μ from which on a replicate is stuck: (r,)."""
        return _DAMPING_LIMIT * scale

    def __call__(self, surface: Surface, weights: Tensor, chosen: Tensor, *, steps: int, tolerance: float) -> Solution:
        """Go from ``weights`` (r, P) of the replicates ``chosen`` (r,) until ‖∇L‖ ≤ ``tolerance``."""
        weights = weights.clone()
        outcome = torch.full_like(chosen, Outcome.NOT_FINITE)
        taken = torch.zeros_like(chosen)
        active = torch.isfinite(weights).all(1).nonzero().squeeze(1)
        loss, slope, matrix = self.expand(surface, weights[active], chosen[active])
        scale = matrix.diagonal(dim1=1, dim2=2).abs().amax(1).clamp(min=1e-9)
        mu, limit = self.first_damping(slope, scale), self.damping_limit(scale)
        factor = torch.full_like(mu, 2.0)
        for step in range(steps + 1):
            ends = torch.full_like(active, Outcome.STEP_LIMIT)
            ends[mu >= limit] = Outcome.STUCK
            ends[~torch.isfinite(loss) | ~torch.isfinite(mu)] = Outcome.NOT_FINITE
            ends[slope.norm(dim=1) <= tolerance] = Outcome.CONVERGED
            outcome[active] = ends
            going = ends == Outcome.STEP_LIMIT
            if not going.all():
                active, loss, slope, matrix = active[going], loss[going], slope[going], matrix[going]
                mu, limit, factor = mu[going], limit[going], factor[going]
            if len(active) == 0 or step == steps:
                break
            delta, predicted = self.step(slope, matrix, mu)
            tried = weights[active] + delta
            new_loss, new_slope, new_matrix = self.expand(surface, tried, chosen[active])
            actual = self.merit(loss, slope) - self.merit(new_loss, new_slope)
            better = (actual > 0) & (predicted > 0)
            gain = torch.where(better, actual / predicted, 0.0)
            mu = mu * torch.where(better, (1 - (2 * gain - 1) ** 3).clamp(min=1 / 3), factor)
            factor = torch.where(better, 2.0, 2 * factor)
            weights[active[better]] = tried[better]
            loss = torch.where(better, new_loss, loss)
            slope = torch.where(better[:, None], new_slope, slope)
            matrix = torch.where(better[:, None, None], new_matrix, matrix)
            taken[active] += 1
        return Solution(weights, outcome, taken)


class LevenbergMarquardt(Solver):
    """Minimise a sum of squares (Levenberg 1944, Marquardt 1963): (2 JᵀJ + (λ + μ) I) δ = −∇L.

    The system is solved by Cholesky; where it is singular to rounding, by its eigenvalues.
    """

    def expand(self, surface: Surface, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return surface.gauss_newton(weights, chosen)

    def step(self, slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
        damped = matrix + torch.diag_embed(mu[:, None].expand_as(slope))
        factor, failed = torch.linalg.cholesky_ex(damped)
        delta = -torch.cholesky_solve(slope.unsqueeze(2), factor).squeeze(2)
        bad = failed > 0
        if bad.any():
            values, vectors = torch.linalg.eigh(matrix[bad])
            delta[bad] = _spectral(vectors, -1 / (values.clamp(min=0) + mu[bad, None]), slope[bad])
        return delta, ((delta * (mu[:, None] * delta - slope)).sum(1)) / 2


class SaddleFreeNewton(Solver):
    """Minimise L by δ = −(|H| + μ I)⁻¹ ∇L, which leaves saddles behind (Dauphin et al. 2014, arXiv:1406.2572)."""

    def expand(self, surface: Surface, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return surface.hessian(weights, chosen)

    def step(self, slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(matrix)
        delta = _spectral(vectors, -1 / (values.abs() + mu[:, None]), slope)
        curved = (matrix @ delta.unsqueeze(2)).squeeze(2)
        return delta, -(delta * (slope + curved / 2)).sum(1)


class GradientRoot(Solver):
    """Minimise ½ ‖∇L‖² by damped Gauss-Newton: (H² + μ I) δ = −H ∇L.

    Near a critical point of any index it is Newton's method; a minimum of ‖∇L‖ that is not zero, where
    H ∇L = 0, can hold it up, and then it has not converged.
    """

    def expand(self, surface: Surface, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return surface.hessian(weights, chosen)

    def merit(self, loss: Tensor, slope: Tensor) -> Tensor:
        return slope.square().sum(1) / 2

    def first_damping(self, slope: Tensor, scale: Tensor) -> Tensor:
        """‖∇L‖² (Yamashita & Fukushima 2001): Newton's own steps wherever the gradient is small."""
        return slope.square().sum(1).clamp(min=1e-30)

    def damping_limit(self, scale: Tensor) -> Tensor:
        """Relative to H², which is what is damped."""
        return _DAMPING_LIMIT * scale.square()

    def step(self, slope: Tensor, matrix: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(matrix)
        delta = _spectral(vectors, -values / (values.square() + mu[:, None]), slope)
        uphill = (matrix @ slope.unsqueeze(2)).squeeze(2)
        return delta, (delta * (mu[:, None] * delta - uphill)).sum(1) / 2


levenberg_marquardt, newton, root = LevenbergMarquardt(), SaddleFreeNewton(), GradientRoot()


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
        here, part = at[active], share[active]
        _, slope, h = surface.hessian(here, chosen[active])
        factors, pivots, singular = torch.linalg.lu_factor_ex(h)
        delta = -torch.linalg.lu_solve(factors, pivots, slope.unsqueeze(2)).squeeze(2)
        tried = here + part[:, None] * delta
        there = surface.gauss_newton(tried, chosen[active])[1]
        again = torch.linalg.lu_solve(factors, pivots, there.unsqueeze(2)).squeeze(2)
        better = (singular == 0) & (again.norm(dim=1) <= (1 - part / 2) * delta.norm(dim=1))
        at[active[better]] = tried[better]
        share[active] = torch.where(better, (2 * part).clamp(max=1.0), part / 2)
        taken[active] += 1
        norm = there.norm(dim=1)
        improved = better & (norm < least[active])
        best[active[improved]], least[active[improved]] = tried[improved], norm[improved]
        active = active[(least[active] > tolerance) & (share[active] > _SHARE_LIMIT)]
    outcome = torch.full_like(chosen, Outcome.STUCK)
    outcome[active] = Outcome.STEP_LIMIT
    outcome[~known] = Outcome.NOT_FINITE
    outcome[least <= tolerance] = Outcome.CONVERGED
    return Solution(best, outcome, taken)


def _spectral(vectors: Tensor, values: Tensor, along: Tensor) -> Tensor:
    """Q diag(values) Qᵀ along, for each replicate: (r, P)."""
    return (vectors @ (values.unsqueeze(2) * (vectors.mT @ along.unsqueeze(2)))).squeeze(2)
