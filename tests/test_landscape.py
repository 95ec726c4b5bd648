"""Landscapes: what is at their middle, on their trajectory and in their directions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn import functional

from hwcore.analyses import evaluation, landscape
from hwcore.analyses.run import Run
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.nets.network import flatten, unflatten
from hwcore.tensors import write_tensors
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

CPU = torch.device("cpu")
OPTIONS: dict[str, Any] = {"extent": 1.0, "count": 5, "samples": None, "replicates": 2}
NETWORKS: dict[str, dict[str, Any]] = {
    "perceptron": {"mlp": [64, 6, 10]},
    "convolution": {
        "input": [1, 8, 8],
        "layers": [
            {"conv": {"channels": 3, "kernel": 3}},
            "batch_norm",
            "relu",
            {"max_pool": 2},
            "flatten",
            {"linear": 10},
        ],
    },
}


@pytest.fixture(scope="module", params=list(NETWORKS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp(request.param)
    prepare("digits", {"source": "digits"}, folder / "digits.safetensors")
    data = {"dataset": "digits", "train_samples": 130, "test_samples": 20, "random_labels": 0.3}
    training = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 4, "batch_size": 30}
    said = {"study": "s", "experiment": "e", "model": "m", "network": NETWORKS[request.param], "replicates": 2}
    job = RunSpec.model_validate({**said, "data": data, "training": training, "record": {"weights_every": 1}})
    train(job, folder / "digits.safetensors", folder / "run", device="cpu")
    return Run.open(folder / "run", folder / "digits.safetensors", device=CPU)


def trained(run: Run, r: int) -> torch.Tensor:
    return flatten({name: value[r : r + 1] for name, value in run.parameters.items()})[0]


@pytest.mark.parametrize("across", ["line", "plane"])
def test_the_trained_weights_are_in_the_middle(run: Run, across: str) -> None:
    table = landscape.analyse({"m": run}, across=across, **OPTIONS)
    assert len(table) == 2 * 5 ** (1 if across == "line" else 2)
    alone = evaluation.analyse({"m": run})
    middle = table[(table.x == 0) & ((table.y == 0) | table.y.isna())]
    np.testing.assert_allclose(middle.train_loss, alone.train_loss, rtol=1e-5)
    np.testing.assert_allclose(middle.train_accuracy, alone.train_accuracy)
    assert (table.groupby("replicate").train_loss.max() > 1.02 * alone.train_loss).all()


def test_the_middle_of_any_extent_is_the_trained_weights(run: Run) -> None:
    # rounding alone makes this -7e-18
    assert np.linspace(-0.05, 0.05, 23)[11] != 0
    table = landscape.analyse({"m": run}, **{**OPTIONS, "across": "line", "extent": 0.05, "count": 23})
    assert (table.x == 0).sum() == 2


def test_directions_have_the_norms_of_the_filters(run: Run) -> None:
    drawn = landscape.filter_normalized(run, 1, 2)
    for column in drawn.T:
        for name, direction in unflatten(run.network, column[None]).items():
            own = run.parameters[name][1]
            if own.dim() > 1:
                norms = [value.flatten(1).norm(dim=1) for value in (own, direction[0])]
                torch.testing.assert_close(norms[0], norms[1])
            else:
                assert not direction.any()
    assert not torch.equal(drawn[:, 0], drawn[:, 1])
    assert torch.equal(drawn, landscape.filter_normalized(run, 1, 2))


def by_torch(run: Run, weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The outputs of replicate 1 with these weights (P,), written out."""
    if len(run.network.input) == 1:
        w1, b1, w2, b2 = weights.split([64 * 6, 6, 60, 10])
        return torch.relu(x @ w1.view(6, 64).T + b1) @ w2.view(10, 6).T + b2
    kernel, bias, scale, shift, w, b = weights.split([27, 3, 3, 3, 270, 10])
    z = functional.conv2d(x, kernel.view(3, 1, 3, 3), bias)
    mean, variance = (run.buffers[f"1.running_{name}"][1] for name in ("mean", "var"))
    z = functional.max_pool2d(torch.relu(functional.batch_norm(z, mean, variance, scale, shift)), 2)
    return z.flatten(1) @ w.view(10, 27).T + b


def test_a_point_of_the_plane_is_the_loss_of_its_weights(run: Run) -> None:
    table = landscape.analyse({"m": run}, across="plane", **{**OPTIONS, "samples": 50})
    directions = landscape.filter_normalized(run, 1, 2)
    row = table[(table.replicate == 1) & (table.x == 0.5) & (table.y == -1)].iloc[0]
    outputs = by_torch(run, trained(run, 1) + 0.5 * directions[:, 0] - directions[:, 1], run.data.train_x[:50])
    expected = functional.cross_entropy(outputs, run.data.train_y[1, :50])
    assert row.train_loss == pytest.approx(expected.item(), rel=1e-5)


def test_the_trajectory_lies_in_the_plane_of_its_components(run: Run) -> None:
    table = landscape.analyse({"m": run}, across="trajectory", **OPTIONS)
    epochs, snapshots = run.snapshots
    for r in range(2):
        own = table[table.replicate == r]
        path, grid = own[own.kind == "trajectory"], own[own.kind == "surface"]
        assert path.epoch.tolist() == epochs == [0, 1, 2, 3, 4]
        rows = torch.cat([value[:, r].flatten(1) for value in snapshots.values()], dim=1).double().numpy()
        reference = PCA(2, svd_solver="full").fit(rows)
        places = reference.transform(rows) - reference.transform(rows[-1:])
        for i, axis in enumerate("xy"):
            np.testing.assert_allclose(path[axis].abs(), np.abs(places[:, i]), atol=1e-8)
            assert (grid[axis].min(), grid[axis].max()) == pytest.approx(
                (path[axis].min() - 0.25 * np.ptp(path[axis]), path[axis].max() + 0.25 * np.ptp(path[axis]))
            )
        np.testing.assert_allclose(own[["explained1", "explained2"]].iloc[0], reference.explained_variance_ratio_)
        # the end is in the plane, the start is not
        assert path.plane_loss.iloc[-1] == pytest.approx(path.train_loss.iloc[-1], rel=1e-6)
        assert abs(path.plane_loss.iloc[0] / path.train_loss.iloc[0] - 1) > 1e-5
        assert path.train_loss.iloc[-1] == pytest.approx(evaluation.analyse({"m": run}).train_loss[r], rel=1e-6)


def test_what_cannot_be_shown_is_told(run: Run, tmp_path: Path) -> None:
    for name in ("run.json", "metrics.parquet"):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    _, snapshots = run.snapshots
    write_tensors(tmp_path / "snapshots.safetensors", {k: v[:2] for k, v in snapshots.items()}, {"epochs": "[0, 1]"})
    weights = {**run.parameters, **run.buffers}
    broken = {name: value.clone() for name, value in weights.items()}
    next(iter(broken.values()))[0].fill_(torch.nan)
    write_tensors(tmp_path / "checkpoint.safetensors", broken, {})
    found = Run.open(tmp_path, run.prepared, device=CPU)
    table = landscape.analyse({"m": found}, across="line", **OPTIONS)
    assert table[table.replicate == 0].train_loss.isna().all()
    assert table[table.replicate == 1].train_loss.notna().all()
    # what claims and figures read is there where nothing else is
    for across in ("line", "trajectory"):
        options = {**OPTIONS, "across": across, "replicates": 1}
        whole, lost = (landscape.analyse({"m": each}, **options) for each in (run, found))
        assert list(lost) == list(whole)
    with pytest.raises(HwcoreError, match="model m, replicate 1, span no plane"):
        landscape.analyse({"m": found}, across="trajectory", **OPTIONS)
    # scales and shifts of the normalisation are weights that a plane goes through
    some = {name: value for name, value in snapshots.items() if not name.startswith("1.")}
    write_tensors(tmp_path / "snapshots.safetensors", some, {"epochs": "[0, 1, 2, 3, 4]"})
    with pytest.raises(HwcoreError, match="model m has no record of all layers"):
        landscape.analyse({"m": Run.open(tmp_path, run.prepared, device=CPU)}, across="trajectory", **OPTIONS)
    (tmp_path / "snapshots.safetensors").write_bytes(b"")
    with pytest.raises(HwcoreError, match=r"snapshots\.safetensors: cannot be read"):
        landscape.analyse({"m": Run.open(tmp_path, run.prepared, device=CPU)}, across="trajectory", **OPTIONS)
