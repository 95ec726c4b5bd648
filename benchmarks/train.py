"""A plain training loop, as the reports wrote it, beside hwcore: seconds per epoch and network.

    make bench                   # all of WORKS
    make bench NAME=mnist-mlp    # one

Both sides train the same networks with the same batch size on one CPU thread in this process,
warmed up, in turns; a figure is the median of several rounds.  Writes benchmarks/results.json.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from hwcore.data.load import Data, load
from hwcore.data.prepare import prepare
from hwcore.files import write_json
from hwcore.train.device import computing_on
from hwcore.train.job import TrainingJob
from hwcore.train.train import train

ROUNDS = 5
RESULTS = Path("benchmarks/results.json")
ADAM = {"optimizer": "adam", "lr": 0.001}
SINC = {"function": "sinc5", "domain": [-1, 1], "samples": 300, "test_samples": 100}
WORKS: dict[str, dict[str, Any]] = {
    # three networks of about 571 parameters, full batch; one of them here
    "function-571": {
        "network": {"mlp": [1, 10, 18, 15, 4, 1], "activation": "leaky_relu"},
        "data": SINC,
        "training": {**ADAM, "loss": "mse", "epochs": 200, "batch_size": "full"},
        "replicates": 10,
    },
    # on digits of the size of MNIST, so that nothing is downloaded
    "mnist-mlp": {
        "network": {"mlp": [784, 500, 50, 10]},
        "data": {"dataset": "digits"},
        "training": {**ADAM, "loss": "cross_entropy", "epochs": 2, "batch_size": 100},
        "replicates": 6,
    },
}


def main() -> None:
    names = sys.argv[1:] or list(WORKS)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, computing_on("cpu"):
        digits = Path(folder) / "digits.safetensors"
        prepare("digits", {"source": "digits", "size": [28, 28]}, digits)
        for name in names:
            job = TrainingJob.model_validate({"study": "benchmark", "experiment": name, "model": "m", **WORKS[name]})
            prepared = digits if "dataset" in WORKS[name]["data"] else None
            data = load(job.data, prepared, study="b", experiment=name, model="m", replicates=job.replicates)
            data = data.shaped(job.network.input)
            plain, ours = _median_in_turns(
                lambda job=job, data=data: _plain(job, data),
                lambda job=job, prepared=prepared: train(job, prepared, Path(folder) / "run", device="cpu"),
            )
            # the plain loop trains one network, hwcore all replicates
            plain_s = plain / job.training.epochs
            hwcore_s = ours / job.training.epochs / job.replicates
            rows.append({"name": name, "plain_s": plain_s, "hwcore_s": hwcore_s, "ratio": plain_s / hwcore_s})
    known = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.is_file() else {}
    write_json(RESULTS, list({**known, **{row["name"]: row for row in rows}}.values()))
    print("| work | plain loop (ms) | hwcore (ms) | ratio |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['plain_s'] * 1e3:.2f} | {row['hwcore_s'] * 1e3:.2f} | {row['ratio']:.1f} |")


def _median_in_turns(*works: Callable[[], None]) -> list[float]:
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


def _plain(job: TrainingJob, data: Data) -> None:
    """One network, as in the reports: a DataLoader, and `.item()` at each step."""
    training, widths = job.training, [shape[0] for shape in job.network.shapes()]
    layers: list[nn.Module] = []
    for i, layer in enumerate(job.network.layers):
        if layer.kind == "linear":
            layers.append(nn.Linear(widths[i], widths[i + 1]))
        elif layer.kind != "flatten":
            layers.append(nn.LeakyReLU() if layer.kind == "leaky_relu" else nn.ReLU())
    net = nn.Sequential(*layers)
    criterion = nn.MSELoss() if training.loss == "mse" else nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=training.lr)
    size = len(data.train_x) if training.batch_size == "full" else training.batch_size
    train_loader = DataLoader(TensorDataset(data.train_x, data.train_y), batch_size=size, shuffle=True)
    test_loader = DataLoader(TensorDataset(data.test_x, data.test_y), batch_size=size)
    for _ in range(training.epochs):
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        with torch.no_grad():
            for x, y in test_loader:
                running += criterion(net(x), y).item()


if __name__ == "__main__":
    main()
