"""The five largest Hessian eigenvalues of an MNIST network of 100,760 parameters: PyHessian and hwcore.

Both on 10,000 training images in float32, on one CPU thread, to a tolerance of 10⁻³: PyHessian's
power iteration stops when an eigenvalue changes by less than that share of itself, hwcore's Lanczos
when the residual of all five is below that share.  `same` is the largest relative difference.
"""

import statistics
import time
from typing import Any

import torch
from pyhessian import hessian
from torch import nn

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
        net = plain.build(spec.network, 0)
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), weights.values(), strict=True):
                parameter.copy_(value[0])

        def theirs() -> torch.Tensor:
            batches = [(x, y) for x, y in zip(data.train_x.split(1000), data.train_y.split(1000), strict=True)]
            found = hessian(net.eval(), nn.CrossEntropyLoss(), dataloader=batches, cuda=False)
            values, _ = found.eigenvalues(maxIter=STEPS, tol=TOLERANCE, top_n=COUNT)
            return torch.tensor(values)

        def ours() -> torch.Tensor:
            product = product_of(spec.network, "cross_entropy", flatten(weights), {}, data.train_x, data.train_y)
            start = torch.randn(count(spec.network), generator=torch.Generator().manual_seed(0))
            values, converged = largest(product, start, COUNT, TOLERANCE, STEPS)
            assert converged.all()
            return values

        times: list[list[float]] = [[], []]
        results = [theirs(), ours()]
        for _ in range(ROUNDS):
            for side, into in zip((theirs, ours), times, strict=True):
                started = time.perf_counter()
                side()
                into.append(time.perf_counter() - started)
    plain_s, hwcore_s = (statistics.median(taken) for taken in times)
    difference = ((results[0] - results[1]) / results[1]).abs().max().item()
    row = {"name": "hessian-top-5", "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s}
    return [{**row, "same": difference}]


WORKS = {"hessian-top-5": measure}
