"""Loss, gradient and exact Hessian of all replicates at once, in float64 on the full batch.

Multi-layer perceptrons under the mean squared error have them in closed form (``Perceptron``); any
other network and loss goes through automatic differentiation (``Differentiated``).  Both give the
same numbers to rounding.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import jvp, vmap

from hwcore.analyses.forms import is_perceptron
from hwcore.analyses.run import Run
from hwcore.nets.network import count, flatten, forward, unflatten
from hwcore.nets.spec import Network
from hwcore.nets.specs.activation import Activation
from hwcore.nets.specs.linear import Linear
from hwcore.train.loss import losses

_COLUMNS = 1024  # columns of Hessians, of all replicates together, that are computed at once
# Numbers in the largest tensor of the closed form: 2 MB, the cache of a core (32 MB takes three times as long).
_NUMBERS = 2**18
_FEWEST = 128  # samples of a chunk: of fewer, calling the operations takes longer than they do

# A function of the weights (r, P) of the replicates in a list of indices (r,).
Objective = Callable[[Tensor, Tensor], Tensor]


class Surface(Protocol):
    """A function L of the weights (r, P) of the replicates with indices ``chosen`` (r,)."""

    def loss(self, weights: Tensor, chosen: Tensor) -> Tensor:
        """L: (r,)."""

    def gauss_newton(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L (r,), ∇L (r, P) and the Gauss-Newton matrix 2 JᵀJ + λ I (r, P, P), for a sum of squares."""

    def hessian(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """L (r,), ∇L (r, P) and the exact Hessian (r, P, P), symmetric."""

    def kink_distance(self, weights: Tensor) -> Tensor:
        """How far the weights are from those where L is not smooth: (r,), 0 where that is not known."""


class Perceptron:
    """L = mean (f(x) − y)² + λ/2 ‖θ‖² of perceptrons, with derivatives in closed form.

    One forward pass carries the derivatives of each preactivation z by all weights up to its layer;
    one backward pass carries g = ∂L/∂z.  With J = ∂f/∂θ and M the number of outputs,

        H = 2/M JᵀJ + Σ g_a σ''(z) (∂z/∂θ)(∂z/∂θ)ᵀ + Σ g_z (∂W/∂θ ⊗ ∂a/∂θ + transposed) + λ I,

    where a are the activations that W acts on (Bishop 1992, Neural Computation 4, 494, summed over
    the samples before it is formed).  The second derivative of ReLU is taken as zero: this is the Hessian
    of the smooth piece that the weights lie in.
    """

    def __init__(self, network: Network, x: Tensor, y: Tensor, weight_decay: float = 0.0) -> None:
        """``x`` of shape (N, inputs) and ``y`` of (N, outputs), both in float64."""
        self._x, self._y, self._decay = x.T.contiguous(), y.T.contiguous(), weight_decay
        self._layers: list[tuple[int, int, Activation | None]] = []
        fan_in = math.prod(network.input)
        for layer in network.layers:
            if isinstance(layer, Linear):
                self._layers.append((fan_in, layer.out, None))
                fan_in = layer.out
            elif isinstance(layer, Activation):
                self._layers[-1] = (*self._layers[-1][:2], layer)
        widest = max(out for _, out, _ in self._layers)
        # samples whose derivatives the cache holds, and networks with all of their samples
        self._chunk = max(_FEWEST, _NUMBERS // (widest * count(network)))
        self._together = max(1, self._chunk // x.shape[0])

    @staticmethod
    def fits(network: Network, loss: str) -> bool:
        """Whether the closed form holds for a network and its loss."""
        return loss == "mse" and is_perceptron(network)

    def loss(self, weights: Tensor, chosen: Tensor) -> Tensor:
        a = self._x.expand(weights.shape[0], *self._x.shape)
        for (weight, bias), (_, _, activation) in zip(self._split(weights), self._layers, strict=True):
            z = torch.baddbmm(bias.unsqueeze(2), weight, a)
            a = _activate(activation, z)[0]
        return (a - self._y).square().mean((1, 2)) + self._decay / 2 * weights.square().sum(1)

    def gauss_newton(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        together = max(1, _NUMBERS // (weights.shape[1] * self._y.numel()))
        return _joined(self._gauss_newton(part) for part in weights.split(together))

    def hessian(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _joined(self._hessian(part) for part in weights.split(self._together))

    def kink_distance(self, weights: Tensor) -> Tensor:
        """How far the weights are, to first order, from those where L is not smooth: (r,).

        The least |z| / ‖∂z/∂θ‖ over units and samples; infinite for smooth activations.
        """
        found = []
        for part in weights.split(self._together):
            nearest = part.new_full((len(part),), math.inf)
            for x in self._x.split(self._chunk, 1):
                for layer, (_, _, activation) in zip(self._preactivations(part, x), self._layers, strict=True):
                    if activation is not None and activation.kind in {"relu", "leaky_relu"}:
                        # what no weight moves stays on its side
                        ratio = layer.z.abs() / torch.linalg.vector_norm(layer.dz, dim=3)
                        nearest = torch.minimum(nearest, ratio.nan_to_num(math.inf).amin((1, 2)))
            found.append(nearest)
        return torch.cat(found)

    def _split(self, weights: Tensor) -> list[tuple[Tensor, Tensor]]:
        """W (r, out, in) and bias (r, out) of each layer."""
        found, start = [], 0
        for fan_in, out, _ in self._layers:
            middle, end = start + out * fan_in, start + out * fan_in + out
            found.append((weights[:, start:middle].unflatten(1, (out, fan_in)), weights[:, middle:end]))
            start = end
        return found

    def _preactivations(self, weights: Tensor, x: Tensor) -> Iterator["_Layer"]:
        """The layers from first to last, at samples ``x`` of shape (inputs, n)."""
        r, samples = weights.shape[0], x.shape[1]
        a = x.expand(r, *x.shape)
        da = weights.new_zeros(r, a.shape[1], samples, 0)
        for (weight, bias), (fan_in, out, activation) in zip(self._split(weights), self._layers, strict=True):
            z = torch.baddbmm(bias.unsqueeze(2), weight, a)
            before = da.shape[3]
            dz = weights.new_zeros(r, out, samples, before + out * fan_in + out)
            if before:
                dz[..., :before] = (weight @ da.flatten(2)).unflatten(2, (samples, before))
            own = dz[..., before : before + out * fan_in].unflatten(3, (out, fan_in))
            own.diagonal(dim1=1, dim2=3).copy_(a.mT.unsqueeze(3).expand(r, samples, fan_in, out))
            dz[..., before + out * fan_in :].diagonal(dim1=1, dim2=3).fill_(1.0)
            a, slope, bend = _activate(activation, z)
            after = dz if slope is None else slope.unsqueeze(3) * dz
            yield _Layer(z, a, slope, bend, dz, da, after)
            da = after

    def _gauss_newton(self, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """By one backward pass for each output, which costs a pass of the network and not of all its derivatives."""
        split = self._split(weights)
        a = self._x.expand(weights.shape[0], *self._x.shape)
        passed = []
        for (weight, bias), (_, _, activation) in zip(split, self._layers, strict=True):
            below = a
            a, slope, _ = _activate(activation, torch.baddbmm(bias.unsqueeze(2), weight, below))
            passed.append((weight, below, slope))
        error = a - self._y
        outputs, samples = self._y.shape
        jac = weights.new_empty(*weights.shape, outputs, samples)
        for m in range(outputs):
            upper = weights.new_zeros(error.shape)
            upper[:, m] = 1
            end = weights.shape[1]
            for weight, below, slope in reversed(passed):
                at_z = upper if slope is None else upper * slope
                out, fan_in = weight.shape[1:]
                biases = end - out
                jac[:, biases:end, m] = at_z
                end = biases - out * fan_in
                jac[:, end:biases, m] = (at_z.unsqueeze(2) * below.unsqueeze(1)).flatten(1, 2)
                upper = weight.mT @ at_z
        return self._decayed(weights, *self._of_squares(error, jac.flatten(2)))

    def _of_squares(self, error: Tensor, jac: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What n samples add to the mean of squares, its gradient and 2/(M N) J Jᵀ.

        Of errors (r, M, n) and J = ∂f/∂θ (r, P, M·n).
        """
        scale = 2 / self._y.numel()
        gradient = scale * (jac @ error.flatten(1).unsqueeze(2)).squeeze(2)
        return error.square().sum((1, 2)) / self._y.numel(), gradient, scale * (jac @ jac.mT)

    def _decayed(
        self, weights: Tensor, loss: Tensor, gradient: Tensor, curvature: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same with what the weight decay adds."""
        curvature.diagonal(dim1=1, dim2=2).add_(self._decay)
        return loss + self._decay / 2 * weights.square().sum(1), gradient + self._decay * weights, curvature

    def _hessian(self, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        r, size = weights.shape
        loss, gradient, curvature = weights.new_zeros(r), torch.zeros_like(weights), weights.new_zeros(r, size, size)
        for x, y in zip(self._x.split(self._chunk, 1), self._y.split(self._chunk, 1), strict=True):
            layers = list(self._preactivations(weights, x))
            error = layers[-1].a - y
            own_loss, own_gradient, squares = self._of_squares(error, layers[-1].da.flatten(1, 2).mT)
            loss += own_loss
            gradient += own_gradient
            curvature += squares
            self._bend(curvature, 2 / self._y.numel() * error, weights, layers)
        loss, gradient, curvature = self._decayed(weights, loss, gradient, curvature)
        return loss, gradient, (curvature + curvature.mT) / 2

    def _bend(self, h: Tensor, upper: Tensor, weights: Tensor, layers: list["_Layer"]) -> None:
        """Add to ``h`` what the curvature of the networks themselves gives; ``upper`` is ∂L/∂f (r, outputs, N)."""
        for (weight, _), layer in zip(reversed(self._split(weights)), reversed(layers), strict=True):
            if layer.bend is not None:
                flat = layer.dz.flatten(1, 2)
                q = flat.shape[2]
                h[:, :q, :q] += flat.mT @ (flat * (upper * layer.bend).flatten(1).unsqueeze(2))
            upper = upper if layer.slope is None else upper * layer.slope
            fan_in, before = layer.below.shape[1], layer.below.shape[3]
            if before:
                cross = (upper @ layer.below.transpose(1, 2).flatten(2)).unflatten(2, (fan_in, before)).flatten(1, 2)
                own = slice(before, before + cross.shape[1])
                h[:, own, :before] += cross
                h[:, :before, own] += cross.mT
                upper = weight.mT @ upper


def _joined(parts: Iterable[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    loss, slope, curvature = (torch.cat(found) for found in zip(*parts, strict=True))
    return loss, slope, curvature


class _Layer(NamedTuple):
    """One linear layer and its activation: z, a = σ(z), σ' and σ'' (r, width, N); None as ``_activate`` has it."""

    z: Tensor
    a: Tensor
    slope: Tensor | None
    bend: Tensor | None
    dz: Tensor  # ∂z/∂θ: (r, width, N, weights up to here)
    below: Tensor  # ∂a/∂θ of the layer before: (r, inputs, N, weights up to there)
    da: Tensor  # ∂a/∂θ: as dz


def _activate(layer: Activation | None, z: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """σ(z), σ'(z) and σ''(z); None for a slope of one, and for a σ'' that is zero wherever it is defined."""
    if layer is None:
        return z, None, None
    if layer.kind == "relu":
        return z.clamp(min=0), (z > 0).to(z.dtype), None
    if layer.kind == "leaky_relu":
        slope = torch.where(z > 0, torch.ones_like(z), layer.slope)
        return z * slope, slope, None
    if layer.kind == "tanh":
        value = torch.tanh(z)
        slope = 1 - value.square()
        return value, slope, -2 * value * slope
    share = torch.sigmoid(z)
    slope = share * (1 - share)
    if layer.kind == "sigmoid":
        return share, slope, slope * (1 - 2 * share)
    return F.softplus(z), share, slope


class Differentiated:
    """L = loss + λ/2 ‖θ‖² of any network, by automatic differentiation."""

    def __init__(
        self, loss: Objective, residuals: Objective | None, weight_decay: float = 0.0, *, smooth: bool = False
    ) -> None:
        self._loss, self._residuals, self._decay, self._smooth = loss, residuals, weight_decay, smooth

    def loss(self, weights: Tensor, chosen: Tensor) -> Tensor:
        with torch.no_grad():
            return self._loss(weights, chosen) + self._decay / 2 * weights.square().sum(1)

    def gauss_newton(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._residuals is None:
            raise ValueError("the Gauss-Newton matrix is that of a sum of squares")
        jac = jacobian(self._residuals, weights, chosen)
        r = self._residuals(weights, chosen).detach()
        slope = 2 * (jac.mT @ r.unsqueeze(2)).squeeze(2) + self._decay * weights
        square = 2 * (jac.mT @ jac)
        square.diagonal(dim1=1, dim2=2).add_(self._decay)
        return self.loss(weights, chosen), slope, square

    def hessian(self, weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = hessian(self._loss, weights, chosen)
        h.diagonal(dim1=1, dim2=2).add_(self._decay)
        return self.loss(weights, chosen), gradient(self._loss, weights, chosen) + self._decay * weights, h

    def kink_distance(self, weights: Tensor) -> Tensor:
        return weights.new_full((len(weights),), math.inf if self._smooth else 0.0)


def surface(run: Run, network: Network, weight_decay: float) -> Surface:
    """The training loss of ``network`` (the run's own or one of its shape) plus λ/2 ‖θ‖²."""
    data = run.data
    if Perceptron.fits(network, run.spec.training.loss):
        return Perceptron(network, data.train_x.double().flatten(1), data.train_y.double(), weight_decay)
    smooth = all(layer.smooth() for layer in network.layers)
    return Differentiated(*objectives(run, network), weight_decay, smooth=smooth)


def start(run: Run) -> Tensor:
    """The trained weights of each replicate, in float64: (R, P)."""
    return flatten({key: value.double() for key, value in run.parameters.items()})


def objectives(run: Run, network: Network | None = None) -> tuple[Objective, Objective | None]:
    """The training loss (r, P) → (r,) and, for mse, its residuals (r, P) → (r, N) with L = Σ residual²."""
    network = network or run.network
    data = run.data
    x = data.train_x.double()
    y = data.train_y if data.classes else data.train_y.double()
    buffers = {key: value.double() for key, value in run.buffers.items()}

    def outputs(weights: Tensor, chosen: Tensor) -> Tensor:
        own = {key: value[chosen] for key, value in buffers.items()}
        return forward(network, unflatten(network, weights), own, x)

    def loss(weights: Tensor, chosen: Tensor) -> Tensor:
        targets = y[chosen] if data.own_train_labels else y
        return losses(run.spec.training.loss, outputs(weights, chosen), targets)

    def residuals(weights: Tensor, chosen: Tensor) -> Tensor:
        differences: Tensor = outputs(weights, chosen) - y
        return differences.flatten(1) / math.sqrt(y.numel())

    return loss, residuals if run.spec.training.loss == "mse" else None


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
    for part in basis.split(max(1, _COLUMNS // max(1, weights.shape[0]))):
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
