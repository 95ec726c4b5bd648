"""Points of zero gradient: finding them, proving them, and the signs of the curvature there.

All replicates are solved at once, in float64 and on the full batch.  A replicate that does not
converge is a row like the others, marked as such.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Generator, Tensor
from torch.func import jvp, vmap

from hwcore.analyses.run import Run
from hwcore.errors import HwcoreError
from hwcore.nets.network import flatten, forward, unflatten
from hwcore.seeds import seed
from hwcore.train.loss import losses

# An exact Hessian of more parameters does not fit on a laptop with a hundred replicates.
_LARGEST = 2000
_DESCENT_STEPS = 100  # Levenberg-Marquardt on the loss
_POLISH_STEPS = 50  # Levenberg-Marquardt on the gradient
_STUCK = 1e14  # a damping at which no step changes anything
_COLUMNS = 1024  # columns of Hessians, of all replicates together, that are computed at once
_PERTURBATIONS = 100
_PERTURBATION = 1e-3  # of the norm of the weights

# A function of the weights (r, P) of the replicates in a list of indices (r,).
Objective = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Solution:
    """Where a solver ended: weights (R, P), whether each replicate converged (R,), steps taken (R,)."""

    weights: Tensor
    converged: Tensor
    steps: Tensor


def analyse(runs: dict[str, Run], *, solver: str, tolerance: float) -> pd.DataFrame:
    """The signs of the eigenvalues of the Hessian where each replicate ends.

    ``solver`` "none" takes the trained weights as they are, as the reports did;
    "levenberg-marquardt" goes on from there until ‖∇L‖ ≤ ``tolerance``.

    Columns: model, replicate, trained_loss, loss, grad_norm (‖∇L‖); flatness r = ‖H∇L‖ / (λ_max
    ‖∇L‖), small where the gradient lies in a flat direction (Frye et al. 2021, arXiv:2003.10397);
    lipschitz (a local estimate ρ of the Lipschitz constant of H); tau, the tolerance for an
    eigenvalue to count as zero, max(P ε λ_max, √(ρ ‖∇L‖)); positive, zero and negative (counts of
    eigenvalues); minimal_ratio, the share of positive ones; perturbation_ratio, the share of random
    perturbations by a thousandth of the weights' norm that raise the loss; largest and smallest
    eigenvalue; converged (‖∇L‖ ≤ tolerance); certified: converged, and by Newton-Kantorovich
    (ρ ‖∇L‖ / min |λ|² ≤ ½) an exact critical point is near; steps of the solver.

    Raises HwcoreError for a network with more parameters than an exact Hessian allows.
    """
    return pd.concat([_examine(name, run, solver, tolerance) for name, run in runs.items()], ignore_index=True)


def _examine(name: str, run: Run, solver: str, tolerance: float) -> pd.DataFrame:
    count = run.network.parameters()
    if count > _LARGEST:
        raise HwcoreError(
            f"critical_points: model {name} has {count:,} parameters; an exact Hessian takes at most {_LARGEST:,}"
        )
    loss, residuals = objectives(run)
    trained = flatten({key: value.double() for key, value in run.parameters.items()})
    everyone = torch.arange(run.replicates, device=trained.device)
    if solver == "none":
        at_rest = _norm(gradient(loss, trained, everyone)) <= tolerance
        found = Solution(trained, at_rest, torch.zeros_like(everyone))
    elif residuals is None:
        raise HwcoreError(f"critical_points: model {name}: levenberg-marquardt needs the loss mse")
    else:
        descended = levenberg_marquardt(residuals, trained, _DESCENT_STEPS, tolerance)
        polished = polish(loss, descended.weights, _POLISH_STEPS, tolerance)
        found = Solution(polished.weights, polished.converged, descended.steps + polished.steps)
    return _describe(name, run, loss, trained, found)


def objectives(run: Run) -> tuple[Objective, Objective | None]:
    """The training loss (r, P) → (r,) and, for mse, its residuals (r, P) → (r, N) with L = Σ residual²."""
    data = run.data
    x = data.train_x.double()
    y = data.train_y if data.classes else data.train_y.double()
    buffers = {key: value.double() for key, value in run.buffers.items()}

    def outputs(weights: Tensor, chosen: Tensor) -> Tensor:
        own = {key: value[chosen] for key, value in buffers.items()}
        return forward(run.network, unflatten(run.network, weights), own, x)

    def loss(weights: Tensor, chosen: Tensor) -> Tensor:
        targets = y[chosen] if data.own_train_labels else y
        return losses(run.job.training.loss, outputs(weights, chosen), targets)

    def residuals(weights: Tensor, chosen: Tensor) -> Tensor:
        differences: Tensor = outputs(weights, chosen) - y
        return differences.flatten(1) / math.sqrt(y.numel())

    return loss, residuals if run.job.training.loss == "mse" else None


def gradient(loss: Objective, weights: Tensor, chosen: Tensor) -> Tensor:
    """∇L of each replicate: (r, P)."""
    weights = weights.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(weights, chosen).sum(), weights)
    return slope


def hessian(loss: Objective, weights: Tensor, chosen: Tensor) -> Tensor:
    """The exact Hessian of each replicate, symmetrised: (r, P, P).

    Vectorised backward passes through the gradient give some columns of all replicates at a time.
    """
    weights = weights.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(weights, chosen).sum(), weights, create_graph=True)
    basis = torch.eye(weights.shape[1], dtype=weights.dtype, device=weights.device)
    columns = []
    for part in basis.split(max(1, _COLUMNS // weights.shape[0])):
        directions = part.unsqueeze(1).expand(-1, *weights.shape)
        columns.append(torch.autograd.grad(slope, weights, directions, is_grads_batched=True, retain_graph=True)[0])
    full = torch.cat(columns).movedim(0, 2)
    return (full + full.mT) / 2


def jacobian(residuals: Objective, weights: Tensor, chosen: Tensor) -> Tensor:
    """∂residual/∂θ of each replicate: (r, N, P), by one forward-mode pass per parameter for all replicates."""

    def column(direction: Tensor) -> Tensor:
        tangent: Tensor = jvp(lambda w: residuals(w, chosen), (weights,), (direction.expand_as(weights),))[1]
        return tangent

    basis = torch.eye(weights.shape[1], dtype=weights.dtype, device=weights.device)
    found: Tensor = vmap(column, chunk_size=16)(basis)
    return found.permute(1, 2, 0)


def levenberg_marquardt(residuals: Objective, weights: Tensor, steps: int, tolerance: float) -> Solution:
    """Minimise the sum of squared ``residuals`` of every replicate (Levenberg 1944, Marquardt 1963)."""

    def system(weights: Tensor, chosen: Tensor) -> Tensor:
        return jacobian(residuals, weights, chosen)

    return _least_squares(
        residuals, system, weights, steps, lambda r, jac: 2 * (jac.mT @ r[:, :, None])[:, :, 0], tolerance
    )


def polish(loss: Objective, weights: Tensor, steps: int, tolerance: float) -> Solution:
    """Levenberg-Marquardt on the gradient: minimise ‖∇L‖² with its Jacobian, the Hessian.

    Near a critical point of any index it is Newton's method.
    """

    def residuals(weights: Tensor, chosen: Tensor) -> Tensor:
        return gradient(loss, weights, chosen)

    def system(weights: Tensor, chosen: Tensor) -> Tensor:
        return hessian(loss, weights, chosen)

    return _least_squares(residuals, system, weights, steps, lambda g, _: g, tolerance)


def _least_squares(
    residuals: Objective,
    system: Objective,
    weights: Tensor,
    steps: int,
    loss_gradient: Callable[[Tensor, Tensor], Tensor],
    tolerance: float,
) -> Solution:
    """Levenberg-Marquardt for all replicates at once; those that are done are left out.

    Each step solves min ‖J δ + r‖² + μ ‖δ‖² by QR of the augmented system [J; √μ I], and μ follows
    the ratio of actual to predicted decrease (Nielsen 1999, IMM-REP-1999-05).  A replicate stops
    when ``loss_gradient`` (of r and J) is at most ``tolerance``, or when no damping finds a decrease.
    """
    weights = weights.clone()
    replicates, device = weights.shape[0], weights.device
    everyone = torch.arange(replicates, device=device)
    r = residuals(weights, everyone).detach()
    damping = _Damping(replicates, device)
    converged = torch.zeros(replicates, dtype=torch.bool, device=device)
    taken = torch.zeros(replicates, dtype=torch.int64, device=device)
    active = everyone[torch.isfinite(r).all(1)]
    for step in range(steps + 1):
        jac = system(weights[active], active)
        done = _norm(loss_gradient(r[active], jac)) <= tolerance
        converged[active[done]] = True
        going = ~done & (damping.mu[active] < _STUCK)
        active, jac = active[going], jac[going]
        if len(active) == 0 or step == steps:
            break
        if step == 0:
            damping.start(active, jac)
        mu, here = damping.mu[active], r[active]
        delta = _augmented_step(jac, here, mu)
        tried = residuals(weights[active] + delta, active).detach()
        actual = here.square().sum(1) - tried.square().sum(1)
        slope = 2 * (jac.mT @ here[:, :, None])[:, :, 0]
        predicted = mu * delta.square().sum(1) - (delta * slope).sum(1) / 2
        better = damping.update(active, actual, predicted)
        weights[active[better]] += delta[better]
        r[active[better]] = tried[better]
        taken[active] += 1
    return Solution(weights, converged, taken)


class _Damping:
    """Nielsen's rule for μ, for each replicate by itself."""

    def __init__(self, replicates: int, device: torch.device) -> None:
        self.mu = torch.zeros(replicates, dtype=torch.float64, device=device)
        self.factor = torch.full((replicates,), 2.0, dtype=torch.float64, device=device)

    def start(self, active: Tensor, jac: Tensor) -> None:
        """μ = 10⁻³ of the largest diagonal element of JᵀJ."""
        self.mu[active] = (1e-3 * jac.square().sum(1).amax(1)).clamp(min=1e-12)

    def update(self, active: Tensor, actual: Tensor, predicted: Tensor) -> Tensor:
        """Which of the active replicates take their step: those whose objective it decreases."""
        better = (actual > 0) & (predicted > 0)
        gain = torch.where(better, actual / predicted, 0.0)
        shrink = (1 - (2 * gain - 1) ** 3).clamp(min=1 / 3)
        factor = self.factor[active]
        self.mu[active] *= torch.where(better, shrink, factor)
        self.factor[active] = torch.where(better, 2.0, 2 * factor)
        return better


def _augmented_step(jac: Tensor, r: Tensor, mu: Tensor) -> Tensor:
    """Argmin ‖J δ + r‖² + μ ‖δ‖² for each replicate, by QR of the augmented matrix: (R, P)."""
    count = jac.shape[2]
    damping = mu.sqrt()[:, None, None] * torch.eye(count, dtype=jac.dtype, device=jac.device)
    right = torch.cat([-r, torch.zeros(jac.shape[0], count, dtype=r.dtype, device=r.device)], dim=1)
    q, upper = torch.linalg.qr(torch.cat([jac, damping], dim=1))
    step: Tensor = torch.linalg.solve_triangular(upper, q.mT @ right.unsqueeze(2), upper=True)
    return step.squeeze(2)


def _describe(name: str, run: Run, loss: Objective, trained: Tensor, found: Solution) -> pd.DataFrame:
    weights = found.weights
    everyone = torch.arange(weights.shape[0], device=weights.device)
    finite = torch.isfinite(weights).all(1)
    # a diverged replicate is described as far as it can be: NaN
    safe = torch.where(finite.unsqueeze(1), weights, 0.0)
    g, h = gradient(loss, safe, everyone), hessian(loss, safe, everyone)
    norm = _norm(g)
    values = torch.linalg.eigvalsh(h)
    largest = values.abs().amax(1)
    flatness = _norm((h @ g.unsqueeze(2)).squeeze(2)) / (largest * norm)
    rho = _lipschitz(run, loss, safe, h)
    count = values.shape[1]
    tau = torch.maximum(count * torch.finfo(torch.float64).eps * largest, (rho * norm).sqrt())
    positive, negative = (values > tau[:, None]).sum(1), (values < -tau[:, None]).sum(1)
    kantorovich = rho * norm / values.abs().amin(1).square()
    columns = {
        "trained_loss": loss(trained, everyone),
        "loss": loss(safe, everyone),
        "grad_norm": norm,
        "flatness": flatness,
        "lipschitz": rho,
        "tau": tau,
        "positive": positive,
        "zero": count - positive - negative,
        "negative": negative,
        "minimal_ratio": positive.double() / count,
        "perturbation_ratio": _perturbation_ratio(run, loss, safe),
        "largest": values[:, -1],
        "smallest": values[:, 0],
    }
    table = pd.DataFrame({key: value.detach().cpu().numpy() for key, value in columns.items()})
    table.loc[~finite.cpu().numpy(), [*columns]] = float("nan")
    table["converged"] = (found.converged & finite).cpu().numpy()
    table["certified"] = (found.converged & finite & (kantorovich <= 0.5)).cpu().numpy()
    table["steps"] = found.steps.cpu().numpy()
    table.insert(0, "replicate", range(run.replicates))
    table.insert(0, "model", name)
    return table


def _lipschitz(run: Run, loss: Objective, weights: Tensor, h: Tensor) -> Tensor:
    """ρ ≥ ‖H(θ + δ) − H(θ)‖ / ‖δ‖, the largest over a few small random δ: (R,)."""
    everyone = torch.arange(weights.shape[0], device=weights.device)
    rho = torch.zeros(weights.shape[0], dtype=torch.float64, device=weights.device)
    for directions in _directions(run, weights, "lipschitz", 3):
        delta = 1e-4 * directions
        change = hessian(loss, weights + delta, everyone) - h
        rho = torch.maximum(rho, torch.linalg.matrix_norm(change, 2) / _norm(delta))
    return rho


def _perturbation_ratio(run: Run, loss: Objective, weights: Tensor) -> Tensor:
    with torch.no_grad():
        everyone = torch.arange(weights.shape[0], device=weights.device)
        here = loss(weights, everyone)
        higher = torch.zeros_like(here)
        for directions in _directions(run, weights, "perturbation", _PERTURBATIONS):
            higher += loss(weights + _PERTURBATION * directions, everyone) > here
    return higher / _PERTURBATIONS


def _directions(run: Run, weights: Tensor, purpose: str, count: int) -> list[Tensor]:
    """Random directions as long as the weights (at least 1), from each replicate's own seed: each (R, P)."""
    job = run.job
    length = _norm(weights).clamp(min=1.0)
    found = []
    for r in range(weights.shape[0]):
        generator = Generator().manual_seed(seed(job.study, job.experiment, job.model, r, purpose))
        drawn = torch.randn(count, weights.shape[1], generator=generator, dtype=torch.float64)
        found.append(drawn / _norm(drawn).unsqueeze(1))
    stacked = torch.stack(found, dim=1).to(weights.device) * length[:, None]
    return list(stacked)


def _norm(vectors: Tensor) -> Tensor:
    return vectors.square().sum(-1).sqrt()
