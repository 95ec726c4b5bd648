"""Whether speed costs accuracy: final test accuracy, plain loop against hwcore in every precision.

Five replicates each, with seeds of their own; the same network, samples, epochs and batch size.
`agrees` says whether the means differ by less than two standard errors of their difference.
"""

import math
from functools import partial
from typing import Any, Literal

import torch

from benchmarks import plain
from benchmarks.data import prepared
from benchmarks.train import SPECS, images
from hwcore.data.load import load
from hwcore.train import precision
from hwcore.train.device import available_threads, computing_on
from hwcore.train.recorder import metrics_table
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit

REPLICATES = 5
# name: (training samples, test samples, epochs)
SIZES = {
    "mnist-mlp": (60_000, 10_000, 3),
    "mnist-cnn": (60_000, 10_000, 2),
    "cifar-majumder1": (50_000, 10_000, 3),
    "cifar-konda3": (10_000, 10_000, 3),
}


def compare(name: str) -> list[dict[str, Any]]:
    spec = _spec(name, "float32")
    path = prepared(SPECS[name]["data"]["dataset"])
    names = {"study": spec.study, "experiment": spec.experiment, "model": spec.model}
    threads = available_threads()
    with computing_on("cpu") as where:
        data = load(spec.data, path, **names, replicates=REPLICATES)
        torch.set_num_threads(threads)
        parts = plain.loaders(images(spec, path), spec.training)
        reference = []
        for seed in range(REPLICATES):
            torch.manual_seed(seed)
            reference.append(plain.fit(plain.build(spec.network, 1_000 + seed), parts, spec.training, where))
        rows = []
        kinds: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
        for kind in kinds:
            own = _spec(name, kind)
            table = metrics_table(fit(own, data, precision.number_format(own, where), threads=threads))
            found = table["test_accuracy"][table["epoch"] == own.training.epochs].tolist()
            (a, sa), (b, sb) = _mean(reference), _mean(found)
            rows.append(
                {
                    "name": f"{name} {kind}",
                    "plain_accuracy": f"{a:.4f} ± {sa:.4f}",
                    "hwcore_accuracy": f"{b:.4f} ± {sb:.4f}",
                    "difference": b - a,
                    "standard_error": math.hypot(sa, sb),
                    "agrees": abs(b - a) < 2 * math.hypot(sa, sb),
                }
            )
    return rows


def _spec(name: str, kind: str) -> RunSpec:
    train, test, epochs = SIZES[name]
    work = SPECS[name]
    return RunSpec.model_validate(
        {
            **{"study": "benchmark", "experiment": f"accuracy-{name}", "model": "m", "precision": kind},
            "network": work["networks"][0],
            "data": {"dataset": work["data"]["dataset"], "train_samples": train, "test_samples": test},
            "training": {**work["training"], "epochs": epochs},
            "replicates": REPLICATES,
        }
    )


def _mean(values: list[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    found = torch.tensor(values, dtype=torch.float64)
    return found.mean().item(), (found.std() / math.sqrt(len(values))).item()


WORKS = {f"accuracy-{name}": partial(compare, name) for name in SIZES}
