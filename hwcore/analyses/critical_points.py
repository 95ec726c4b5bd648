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

from hwcore.analyses.curvature import Surface, start, surface
from hwcore.analyses.limits import EXACT_HESSIAN
from hwcore.analyses.run import Run
from hwcore.analyses.stationary import Outcome, Solver, levenberg_marquardt, newton, polish, root
from hwcore.errors import HwcoreError
from hwcore.nets.network import flatten, initialize
from hwcore.nets.spec import Network
from hwcore.nets.specs.activation import Activation
from hwcore.nets.specs.linear import Linear
from hwcore.seeds import seed

# Solvers in turn with the most steps of each, for `steps` of 300: from where a smooth network starts, from where
# another does, and from its restarts.  A descent that has come to a kink gains nothing from more of them.
_STEPS = 300
Turns = tuple[tuple[Solver, int], ...]
_SMOOTH_TURNS: Turns = ((levenberg_marquardt, 300), (newton, 250), (root, 40))
_KINKED_TURNS: Turns = ((levenberg_marquardt, 100), (newton, 20), (root, 5))
_KINKED_RESTARTS: Turns = ((levenberg_marquardt, 80), (newton, 5), (root, 2))
_POLISH_STEPS, _POLISH_TOLERANCE = 40, 1e-14
# The length of a restart's random step as a share of the length of the weights: twice that before, up to a limit.
_RESTART_LENGTH, _RESTART_LIMIT = 0.05, 0.8
_REPORTS_TOLERANCE = 1e-3  # the gradient norm at which the reports stop
_PERTURBATIONS = 100
_PERTURBATION = 1e-3  # of the norm of the weights
_DISTANCE = 1e-5  # of the norm of the weights: where the change of H is measured
TAUS = (0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)  # of λ_max


@dataclass(frozen=True)
class Effort:
    """How short the gradient is to be, and what a search may cost, as of ``analyse``."""

    tolerance: float
    restarts: int = 8
    steps: int = _STEPS

    def turns(self, turns: Turns) -> Turns:
        """The solvers in turn with their share of ``steps``."""
        return tuple((solver, math.ceil(limit * self.steps / _STEPS)) for solver, limit in turns)


@dataclass(frozen=True)
class _Search:
    """Where the search for a critical point ended, each with a leading dimension R.

    ``first`` is where ‖∇L‖ was below what the reports call zero, or where the first descent ended.  ``solved`` is false
    where the trained weights were taken as they are.
    """

    weights: Tensor
    outcome: Tensor
    steps: Tensor
    restarts: Tensor
    first: Tensor
    solved: bool = True

    @property
    def converged(self) -> Tensor:
        return self.outcome == Outcome.CONVERGED


def analyse(
    runs: dict[str, Run],
    *,
    solver: str,
    tolerance: float,
    activation: str = "none",
    weight_decay: float = 0.0,
    saddles: bool = False,
    restarts: int = 8,
    steps: int = _STEPS,
) -> pd.DataFrame:
    """The signs of the eigenvalues of the Hessian of L + λ/2 ‖θ‖² where each replicate ends.

    ``solver`` "none" takes the trained weights as they are, as the reports did; "levenberg-marquardt" goes
    on from there until ‖∇L‖ ≤ ``tolerance``: Levenberg-Marquardt, then Newton's method with |H|, then damped
    Gauss-Newton on the gradient.  From there, in smooth networks, Newton's method goes on to the last digits.
    A replicate that still has not converged starts again from its trained weights plus a random step, up to
    ``restarts`` times with longer and longer steps: a descent of a ReLU network often ends where a sample lies on the
    kink of a unit, and the gradient there jumps by about 2 |error| |weight| / N instead of vanishing.

    ``steps`` is the most that Levenberg-Marquardt takes from a start in a smooth network, and from the trained weights
    twice as many: before and after a gradient of 10⁻³, where the reports stop.  Newton's method takes up to 5/6 and the
    last solver up to 2/15 of that; in a network with kinks, where more of them gain nothing, the three take up to 1/3,
    1/15 and 1/60, and 4/15, 1/60 and 1/150 from a restart.

    ``activation`` other than "none" puts that function in the place of each hidden activation and
    starts from the replicate's own initial weights; λ is ``weight_decay``.  ``saddles`` adds, for
    tanh, saddles of known index: converged networks with fewer units in the last hidden layer,
    padded with units of zero weights.

    ``outcome`` of a replicate is that of its last solver, in the first descent if no restart converged:
    "converged"; "step limit", which more ``steps`` may change; "stuck", where no step leads on, however short;
    "not finite", of a replicate that diverged in training; "rounding", where ‖∇L‖ is at most the tolerance in the
    solver's sums and not in those of H; "unsolved" without a solver.

    The change of H is estimated in random directions, so a certificate is as good as that.  H of a ReLU network
    is that of the smooth piece around the point; without λ it is singular, for its weights can be
    rescaled, and nothing is certified.

    Raises HwcoreError for a network with more parameters than an exact Hessian allows.
    """
    effort = Effort(tolerance, restarts, steps)
    tables = [_examine(name, run, solver, effort, activation, weight_decay, saddles) for name, run in runs.items()]
    return pd.concat(tables, ignore_index=True)


def _examine(
    name: str, run: Run, solver: str, effort: Effort, activation: str, weight_decay: float, saddles: bool
) -> pd.DataFrame:
    count = run.parameter_count
    if count > EXACT_HESSIAN:
        raise HwcoreError(
            f"critical_points: model {name} has {count:,} parameters; an exact Hessian takes at most {EXACT_HESSIAN:,}"
        )
    network = run.network if activation == "none" else with_activation(run.network, activation)
    function, plain = surface(run, network, weight_decay), surface(run, run.network, 0.0)
    trained = start(run)
    everyone = torch.arange(run.replicates, device=trained.device)
    if solver == "none":
        none = torch.zeros_like(everyone)
        # whether the gradient is zero there is told with the rest
        search = _Search(trained, torch.full_like(everyone, Outcome.CONVERGED), none, none, trained, solved=False)
        variant = "as-trained"
    else:
        begin = trained if activation == "none" else _initial(run, network)
        # a replicate that diverged has nothing to go on from, whatever the activation
        begin = torch.where(torch.isfinite(trained).all(1, keepdim=True), begin, math.nan)
        search = _search(run, function, begin, effort)
        variant = "levenberg-marquardt" if activation == "none" else activation
    table = _describe(run, function, surface(run, network, 0.0), search, effort.tolerance)
    table.insert(0, "trained_loss", plain.loss(trained, everyone).cpu().numpy())
    tables = [table.assign(kind="found", padded_units=0)]
    if saddles:
        tables += [
            _describe(run, function, surface(run, network, 0.0), padded, effort.tolerance).assign(
                trained_loss=math.nan, kind="padded", padded_units=units
            )
            for units, padded in padded_saddles(run, network, weight_decay, effort)
        ]
    whole = pd.concat(tables, ignore_index=True).assign(model=name, variant=variant, weight_decay=weight_decay)
    first = ["model", "replicate", "kind", "padded_units", "variant", "weight_decay"]
    return whole[[*first, *(column for column in whole.columns if column not in first)]]


def with_activation(network: Network, kind: str) -> Network:
    """The same network with ``kind`` in the place of each of its activations but a last one."""
    last = len(network.layers) - 1
    layers = [
        {"kind": kind} if isinstance(layer, Activation) and i < last else layer.model_dump()
        for i, layer in enumerate(network.layers)
    ]
    return Network.model_validate({"input": network.input, "layers": layers})


def _initial(run: Run, network: Network) -> Tensor:
    """The weights that training started from, in float64: (R, P)."""
    spec = run.spec
    seeds = [seed(spec.study, spec.experiment, spec.model, r, "init") for r in range(run.replicates)]
    return flatten(initialize(network, seeds)[0]).double().to(run.device)


def _search(run: Run, function: Surface, begin: Tensor, effort: Effort) -> _Search:
    everyone = torch.arange(len(begin), device=begin.device)
    smooth = bool(torch.isinf(function.kink_distance(begin.nan_to_num())).all())
    turns = effort.turns(_SMOOTH_TURNS if smooth else _KINKED_TURNS)
    again = effort.turns(_SMOOTH_TURNS if smooth else _KINKED_RESTARTS)
    early = levenberg_marquardt(
        function, begin, everyone, steps=turns[0][1], tolerance=max(_REPORTS_TOLERANCE, effort.tolerance)
    )
    weights, outcome, taken = _solve(function, early.weights, everyone, turns, effort.tolerance)
    taken = taken + early.steps
    restarts = torch.zeros_like(everyone)
    for attempt in range(effort.restarts):
        left = ((outcome != Outcome.CONVERGED) & torch.isfinite(begin).all(1)).nonzero().squeeze(1)
        if len(left) == 0:
            break
        length = min(_RESTART_LENGTH * 2**attempt, _RESTART_LIMIT)
        away = directions(run, begin, left, f"restart {attempt}", 1)[0]
        ends, outcomes, more = _solve(function, begin[left] + length * away, left, again, effort.tolerance)
        taken[left] += more
        restarts[left] += 1
        # one that finds no critical point stays where its first descent ended
        there = outcomes == Outcome.CONVERGED
        weights[left[there]] = ends[there]
        outcome[left[there]] = Outcome.CONVERGED
    rest = (outcome == Outcome.CONVERGED).nonzero().squeeze(1)
    if smooth and len(rest):
        # a certificate needs a smaller gradient than convergence
        last = polish(function, weights[rest], rest, steps=_POLISH_STEPS, tolerance=_POLISH_TOLERANCE)
        weights[rest] = last.weights
        taken[rest] += last.steps
    return _Search(weights, outcome, taken, restarts, early.weights)


def _solve(
    function: Surface, weights: Tensor, chosen: Tensor, turns: Turns, tolerance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (r, P), outcomes (r,) and steps (r,) of the solvers in turn, each on what is left."""
    weights = weights.clone()
    outcome = torch.full_like(chosen, Outcome.STEP_LIMIT)
    taken = torch.zeros_like(chosen)
    for solver, steps in turns:
        left = (outcome != Outcome.CONVERGED).nonzero().squeeze(1)
        if len(left) == 0:
            break
        solution = solver(function, weights[left], chosen[left], steps=steps, tolerance=tolerance)
        weights[left], outcome[left] = solution.weights, solution.outcome
        taken[left] += solution.steps
    return weights, outcome, taken


def padded_saddles(run: Run, network: Network, weight_decay: float, effort: Effort) -> list[tuple[int, _Search]]:
    """Saddles of a tanh network: converged smaller ones with 1, 2, … units of zero weights in its last hidden layer.

    A unit without weights in or out changes nothing, and no gradient reaches it.  With c the
    second derivative by its weights in and out, it adds the eigenvalues λ ± ‖c‖ and, for the
    others of its m inputs and its bias, m times λ: one negative eigenvalue if ‖c‖ > λ.
    """
    places = [i for i, layer in enumerate(network.layers) if isinstance(layer, Linear)]
    last = network.layers[places[-2]]
    assert isinstance(last, Linear)
    whole = _initial(run, network)
    saddles = []
    for units in range(1, last.out):
        keep = last.out - units
        layers = [layer.model_dump() for layer in network.layers]
        layers[places[-2]]["out"] = keep
        small = Network.model_validate({"input": network.input, "layers": layers})
        kept = _kept(network, places, keep).to(whole.device)
        search = _search(run, surface(run, small, weight_decay), whole[:, kept], effort)
        padded = torch.zeros_like(whole)
        padded[:, kept] = search.weights
        first = torch.zeros_like(whole)
        first[:, kept] = search.first
        saddles.append((units, _Search(padded, search.outcome, search.steps, search.restarts, first)))
    return saddles


def _kept(network: Network, places: list[int], keep: int) -> Tensor:
    """The places in θ of the weights of the first ``keep`` units of the last hidden layer and of all before it."""
    shapes = network.shapes()
    marks = []
    for i in places:
        fan_in, out = shapes[i][0], shapes[i + 1][0]
        weight, bias = torch.ones(out, fan_in, dtype=torch.bool), torch.ones(out, dtype=torch.bool)
        if i == places[-2]:
            weight[keep:], bias[keep:] = False, False
        if i == places[-1]:
            weight[:, keep:] = False
        marks += [weight.flatten(), bias]
    return torch.cat(marks).nonzero().squeeze(1)


def _describe(run: Run, function: Surface, plain: Surface, search: _Search, tolerance: float) -> pd.DataFrame:
    """The evidence of each point; a diverged replicate has NaN for all that is a number."""
    everyone = torch.arange(len(search.weights), device=search.weights.device)
    finite = torch.isfinite(search.weights).all(1)
    weights, first = search.weights.nan_to_num(0, 0, 0), search.first.nan_to_num(0, 0, 0)
    objective, g, h = function.hessian(weights, everyone)
    norm = g.norm(dim=1)
    values = torch.linalg.eigvalsh(h)
    largest, least = values.abs().amax(1), values.abs().amin(1)
    count = values.shape[1]
    rounding = count * torch.finfo(torch.float64).eps * largest
    # how much the curvature may still change on the way to a critical point matters only where a solver came near one
    rho = _lipschitz(run, function, weights, h) if search.solved else torch.full_like(norm, torch.nan)
    tau = torch.maximum(rounding, (rho * norm).sqrt()) if search.solved else rounding
    positive, negative = (values > tau[:, None]).sum(1), (values < -tau[:, None]).sum(1)
    converged = search.converged & finite & (norm <= tolerance)
    kantorovich, radius = _of_some(converged, lambda chosen: _kantorovich(run, function, weights, g, h, chosen))
    kinks = function.kink_distance(weights)
    stayed = (search.first == weights).all(1)
    elsewhere = torch.isfinite(search.first).all(1) & ~stayed
    reports_norm, reports_ratio = _of_some(elsewhere, lambda chosen: _reported(function, first[chosen], chosen))
    reports_norm = torch.where(stayed, norm, reports_norm)
    reports_ratio = torch.where(stayed, (values > 0).double().mean(1), reports_ratio)
    columns = {
        "loss": plain.loss(weights, everyone),
        "objective": objective,
        "grad_norm": norm,
        "flatness": (h @ g.unsqueeze(2)).squeeze(2).norm(dim=1) / (largest * norm),
        "lipschitz": rho,
        "tau": tau,
        "positive": positive,
        "zero": count - positive - negative,
        "negative": negative,
        "minimal_ratio": positive.double() / count,
        "negative_share": negative.double() / count,
        "perturbation_ratio": _perturbation_ratio(run, function, weights),
        **{f"ratio_at_{t:g}": (values > t * largest[:, None]).double().mean(1) for t in TAUS},
        "largest": values[:, -1],
        "smallest": values[:, 0],
        "kantorovich": kantorovich,
        "kink_distance": kinks,
        "reports_loss": plain.loss(first, everyone),
        "reports_grad_norm": reports_norm,
        "reports_ratio": reports_ratio,
    }
    table = pd.DataFrame({key: value.cpu().numpy() for key, value in columns.items()})
    table.loc[~finite.cpu().numpy(), [*columns]] = float("nan")
    certified = converged & (kantorovich <= 0.5) & (least > rounding) & (kinks > radius)
    missed = Outcome.ROUNDING if search.solved else Outcome.UNSOLVED
    outcome = torch.where(search.converged & ~converged, missed, search.outcome)
    outcome = torch.where(finite, outcome, Outcome.NOT_FINITE)
    table["converged"] = converged.cpu().numpy()
    table["outcome"] = [Outcome(code).words for code in outcome.tolist()]
    table["certified"] = certified.cpu().numpy()
    table["steps"] = search.steps.cpu().numpy()
    table["restarts"] = search.restarts.cpu().numpy()
    table.insert(0, "replicate", range(len(weights)))
    return table


def _of_some(which: Tensor, measure: Callable[[Tensor], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Two numbers of those replicates that ``which`` (R,) names, NaN of the others; each takes several Hessians."""
    chosen = which.nonzero().squeeze(1)
    found = tuple(torch.full(which.shape, torch.nan, dtype=torch.float64, device=which.device) for _ in range(2))
    if len(chosen):
        for whole, part in zip(found, measure(chosen), strict=True):
            whole[chosen] = part
    return found[0], found[1]


def _reported(function: Surface, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """By the reports' own procedure ‖∇L‖ and the share of eigenvalues above 0, both (r,)."""
    _, slope, h = function.hessian(weights, chosen)
    return slope.norm(dim=1), (torch.linalg.eigvalsh(h) > 0).double().mean(1)


def _kantorovich(
    run: Run, function: Surface, weights: Tensor, g: Tensor, h: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """The bound h = ω ‖∇L‖ of Newton-Kantorovich and the radius around θ that it speaks of, both (R,).

    Its theorem holds in any coordinates (Deuflhard 2004, Newton Methods for Nonlinear Problems, 2.1), and
    in u = |H|^½ θ, where all curvatures are ±1, flat directions do not spoil it: there
    ‖∇L‖ is ‖|H|^-½ ∇L‖, and ω ≥ ‖|H|^-½ (H(θ + δ) − H(θ)) |H|^-½‖ / ‖|H|^½ δ‖ is the largest over random δ
    and Newton's own step twice as long.  The radius is 2 ‖|H|^-½ ∇L‖, in θ at most 2 ‖|H|^-½ ∇L‖ / √min |λ|.
    """
    everywhere, weights, g, h = weights, weights[chosen], g[chosen], h[chosen]
    values, vectors = torch.linalg.eigh(h)
    size = values.abs().clamp(min=torch.finfo(torch.float64).tiny).sqrt()
    back = vectors / size.unsqueeze(1)  # from u to θ
    gradient = (back.mT @ g.unsqueeze(2)).squeeze(2)
    newton = -(vectors @ ((vectors.mT @ g.unsqueeze(2)).squeeze(2) / (values.sign() * size**2)).unsqueeze(2)).squeeze(2)
    omega = torch.zeros_like(values[:, 0])
    tried = [2 * newton]
    for away in directions(run, everywhere, chosen, "kantorovich", 3):
        delta = (back @ away.unsqueeze(2)).squeeze(2)
        tried.append(_DISTANCE * (away.norm(dim=1) / delta.norm(dim=1))[:, None] * delta)
    for delta in tried:
        usable = torch.isfinite(delta).all(1, keepdim=True)
        change = function.hessian(weights + torch.where(usable, delta, 0.0), chosen)[2] - h
        length = (size * (vectors.mT @ delta.unsqueeze(2)).squeeze(2)).norm(dim=1)
        between = (back.mT @ change @ back).nan_to_num(math.inf, math.inf, math.inf)
        known = torch.isfinite(between).all(2).all(1) & (length > 0)
        ratio = torch.linalg.matrix_norm(torch.where(known[:, None, None], between, 0.0), 2) / length
        # at a point whose gradient is zero to the last digit Newton's step has no length
        ratio = torch.where(known, ratio, torch.where(length == 0, 0.0, math.inf))
        omega = torch.maximum(omega, ratio.nan_to_num(math.inf))
    slope = gradient.norm(dim=1)
    return (omega * slope).nan_to_num(math.inf, math.inf), 2 * slope / size.amin(1)


def _lipschitz(run: Run, function: Surface, weights: Tensor, h: Tensor) -> Tensor:
    """ρ ≥ ‖H(θ + δ) − H(θ)‖ / ‖δ‖, the largest over a few small random δ: (R,)."""
    everyone = torch.arange(weights.shape[0], device=weights.device)
    rho = torch.zeros(weights.shape[0], dtype=torch.float64, device=weights.device)
    for away in directions(run, weights, everyone, "lipschitz", 3):
        delta = _DISTANCE * away
        change = function.hessian(weights + delta, everyone)[2] - h
        rho = torch.maximum(rho, torch.linalg.matrix_norm(change, 2) / delta.norm(dim=1))
    return rho


def _perturbation_ratio(run: Run, function: Surface, weights: Tensor) -> Tensor:
    everyone = torch.arange(weights.shape[0], device=weights.device)
    here = function.loss(weights, everyone)
    higher = torch.zeros_like(here)
    for away in directions(run, weights, everyone, "perturbation", _PERTURBATIONS):
        higher += function.loss(weights + _PERTURBATION * away, everyone) > here
    return higher / _PERTURBATIONS


def directions(run: Run, weights: Tensor, chosen: Tensor, purpose: str, count: int) -> list[Tensor]:
    """Random directions as long as the weights (at least 1), from each chosen replicate's own seed.

    ``weights`` is (R, P); ``count`` tensors of shape (len(chosen), P).
    """
    spec = run.spec
    length = weights[chosen].norm(dim=1).clamp(min=1.0)
    found = []
    for r in chosen.tolist():
        generator = Generator().manual_seed(seed(spec.study, spec.experiment, spec.model, r, purpose))
        drawn = torch.randn(count, weights.shape[1], generator=generator, dtype=torch.float64)
        found.append(drawn / drawn.norm(dim=1, keepdim=True))
    return list(torch.stack(found, dim=1).to(weights.device) * length[:, None])
