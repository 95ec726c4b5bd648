"""The five largest Hessian eigenvalues of an MNIST network of 100,760 parameters: two living peers and hwcore.

All on 10,000 training images in float32, on one CPU thread, by Lanczos to residuals of at most 10⁻³ of each
eigenvalue: curvlinops' operator in SciPy's eigsh, whose tolerance means just that, and hessian-eigenthings, which does
as many steps as it is told: the fewest in tens that are enough.  The peers see the images in batches of 1,000 or all at
once, whichever is faster.  `residual` is the largest of a peer, as a share of the eigenvalue, and `same` the largest
relative difference of an eigenvalue from hwcore's.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import hessian_eigenthings as eigenthings
import numpy as np
import torch
from curvlinops import HessianLinearOperator
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn

from benchmarks import plain
from benchmarks.data import prepared
from hwcore.analyses.krylov import largest
from hwcore.analyses.products import product_of
from hwcore.data.load import load
from hwcore.nets.network import count, flatten, shapes
from hwcore.train.device import computing_on
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit

ROUNDS = 3
COUNT, TOLERANCE, STEPS = 5, 1e-3, 100
BATCHES = (1_000, 10_000)

# eigenvalues (5,) and eigenvectors (P, 5)
Pairs = tuple[Tensor, Tensor]
Batches = list[tuple[Tensor, Tensor]]


def measure() -> list[dict[str, Any]]:
    names = {"study": "benchmark", "experiment": "spectrum", "model": "m"}
    spec = RunSpec.model_validate(
        {
            **names,
            "network": {"mlp": [784, 120, 50, 10]},
            "data": {"dataset": "mnist", "train_samples": 10_000, "test_samples": 1_000},
            "training": {"optimizer": "adam", "lr": 0.001, "loss": "cross_entropy", "epochs": 3, "batch_size": 100},
            "replicates": 1,
        }
    )
    with computing_on("cpu"):
        data = load(spec.data, prepared("mnist"), **names, replicates=1).shaped((784,))
        (recorder,) = fit(spec, data, torch.float32)
        weights = {name: recorder.final[name] for name in shapes(spec.network)}
        net = plain.build(spec.network, 0).eval()
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), weights.values(), strict=True):
                parameter.copy_(value[0])
        product = product_of(spec.network, "cross_entropy", flatten(weights), {}, data.train_x, data.train_y)

        def ours() -> Tensor:
            start = torch.randn(count(spec.network), generator=torch.Generator().manual_seed(0))
            values, converged = largest(product, start, COUNT, TOLERANCE, STEPS)
            assert converged.all()
            return values

        def residual(pairs: Pairs) -> float:
            values, vectors = pairs
            off = [(product(v) - value * v).norm() / abs(value) for value, v in zip(values, vectors.T, strict=True)]
            return torch.stack(off).max().item()

        values = ours()
        rows = []
        for name, peer in (("curvlinops", _curvlinops), ("eigenthings", _eigenthings)):
            times: dict[int, list[float]] = {size: [] for size in (0, *BATCHES)}
            calls: dict[int, Callable[[], Any]] = {0: ours}
            calls |= {
                size: peer(net, [*zip(data.train_x.split(size), data.train_y.split(size), strict=True)])
                for size in BATCHES
            }
            found: Pairs = calls[BATCHES[0]]()
            for _ in range(ROUNDS):
                for size, call in calls.items():
                    started = time.perf_counter()
                    call()
                    times[size].append(time.perf_counter() - started)
            hwcore_s, *theirs = (statistics.median(taken) for taken in times.values())
            order = found[0].abs().argsort(descending=True)
            rows.append(
                {
                    "name": f"hessian-top-5-{name}",
                    "peer_s": min(theirs),
                    "hwcore_s": hwcore_s,
                    "ratio": min(theirs) / hwcore_s,
                    "residual": residual(found),
                    "same": ((found[0][order] - values) / values).abs().max().item(),
                }
            )
    return rows


def _curvlinops(net: nn.Module, batches: Batches) -> Callable[[], Pairs]:
    def call() -> Pairs:
        parameters = [*net.parameters()]
        operator = HessianLinearOperator(
            net, nn.CrossEntropyLoss(), parameters, batches, check_deterministic=False
        ).to_scipy(dtype=np.float32)
        start = np.random.default_rng(0).standard_normal(operator.shape[0], dtype=np.float32)
        values, vectors = eigsh(operator, k=COUNT, which="LM", tol=TOLERANCE, v0=start)
        return torch.from_numpy(values), torch.from_numpy(vectors)

    return call


def _eigenthings(net: nn.Module, batches: Batches) -> Callable[[], Pairs]:
    loss = eigenthings.supervised_loss(nn.CrossEntropyLoss())

    def call(steps: int) -> eigenthings.EigenResult:
        operator = eigenthings.HessianOperator(net, batches, loss)
        return eigenthings.lanczos(operator, k=COUNT, max_iter=steps, tol=TOLERANCE, reorthogonalize=True, seed=0)

    enough = next(steps for steps in range(10, STEPS + 1, 10) if call(steps).converged.all())

    def pairs() -> Pairs:
        found = call(enough)
        return found.eigenvalues, found.eigenvectors.T

    return pairs


WORKS = {"hessian-top-5": measure}
