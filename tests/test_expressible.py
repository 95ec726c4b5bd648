"""What the five reports did, described and as run, can be said, row by row, at the size of a test.

tests/expressible/study.yaml says them all.  It is made once, and a test for each row checks what the row is about.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from conftest import ROOT, Project, make_project
from hwcore.config import parse
from hwcore.data.functions import sample
from hwcore.data.load import Data
from hwcore.data.load import load as load_data
from hwcore.studies.kinds import labels
from hwcore.studies.study import load

STUDY = "expressible"


@dataclass
class Made:
    """The study and what its run left behind; an experiment is named by its id."""

    project: Project

    def __post_init__(self) -> None:
        config = parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])
        self.study = load(STUDY, self.project.folder / "report", config)

    def path(self, kind: str, experiment: str, rest: str) -> Path:
        return self.project.folder / "results/quick" / kind / STUDY / experiment / rest

    def table(self, experiment: str, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.path("tables", experiment, f"{name}.parquet"))

    def run(self, experiment: str, model: str, file: str = "metrics") -> pd.DataFrame:
        return pd.read_parquet(self._run(experiment, model) / f"{file}.parquet")

    def snapshots(self, experiment: str, model: str) -> tuple[list[float], dict[str, Any]]:
        path = self._run(experiment, model) / "snapshots.safetensors"
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()["epochs"]), load_file(path)

    def weights(self, experiment: str, model: str) -> dict[str, Any]:
        return load_file(self._run(experiment, model) / "checkpoint.safetensors")

    def _run(self, experiment: str, model: str) -> Path:
        """A variant that trains as another one does has no folder of its own."""
        own = self.path("runs", experiment, model)
        return own if own.exists() else self.path("runs", experiment.partition("--")[0], model)

    def data(self, experiment: str, model: str) -> Data:
        spec = self.study.experiments[experiment].models[model].data
        prepared = self.project.folder / f"resources/data/{spec.dataset}.safetensors"
        names = {"study": STUDY, "experiment": experiment.partition("--")[0], "model": model}
        return load_data(spec, prepared, **names, replicates=1)

    def draw(self, experiment: str, name: str, tables: dict[str, pd.DataFrame]) -> matplotlib.figure.Figure:
        """A figure as its options say, of the columns of all ``tables``."""
        about = self.study.experiments[experiment]
        figure = about.figures[name]
        return import_module(f"hwcore.figures.{figure.kind}").draw(
            tables,
            labels={model.name: model.label for model in about.models.values()},
            column_labels=labels(column for table in tables.values() for column in table),
            **figure.options.model_dump(),
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    project = make_project(tmp_path_factory.mktemp(STUDY) / "project")
    shutil.rmtree(project.folder / "report/tiny")
    shutil.copytree(ROOT / "tests" / STUDY, project.folder / "report" / STUDY)
    project.run(f"results/quick/report/{STUDY}.md", "--config", "precision=float32")
    return Made(project)


def lines(axes: Any) -> list[list[float]]:
    return [list(line.get_xdata()) for line in axes.lines]


def mean_line(axes: Any) -> Any:
    """The first mean over replicates, which are thinner lines beside it."""
    widest = max(line.get_linewidth() for line in axes.lines)
    return next(line for line in axes.lines if line.get_linewidth() == widest).get_ydata()


def paladugu_1_2_last_batch_loss(made: Made) -> None:
    metrics, steps = (made.run("paladugu-1-2--as-run", "cnn", file) for file in ("metrics", "steps"))
    # three steps an epoch, of 40, 40 and 20 samples
    assert metrics.last_batch_loss.tolist() == steps[steps.step % 3 == 0].loss.tolist()
    assert not np.isclose(metrics.last_batch_loss, metrics.train_loss).any()


def paladugu_1_2_curve_one_too_high(made: Made) -> None:
    metrics = made.run("paladugu-1-2--as-run", "cnn").assign(model="cnn")
    axes = made.draw("paladugu-1-2--as-run", "loss", {"metrics": metrics}).axes[0]
    expected = metrics.groupby("epoch").last_batch_loss.mean() + 1
    np.testing.assert_allclose(mean_line(axes), expected)


def paladugu_2_1_slice_of_columns(made: Made) -> None:
    assert set(made.table("paladugu-2-1--as-run", "trajectory").dimension) == {784}
    assert set(made.table("paladugu-2-1", "trajectory").dimension) == {784 * 6}


def paladugu_2_1_fit_on_all_epochs_and_drawn_every_third(made: Made) -> None:
    table = made.table("paladugu-2-1--as-run", "trajectory")
    assert sorted(set(table.epoch)) == list(range(5))
    axes = made.draw("paladugu-2-1--as-run", "trajectory", {"trajectory": table}).axes[0]
    # after 0 and 3 epochs, and the last record
    assert [len(line) for line in lines(axes) if len(line) > 1] == [3, 3]


def paladugu_2_2c_ascent(made: Made) -> None:
    for experiment, climbs in (("paladugu-2-2c", False), ("paladugu-2-2c--as-run", True)):
        losses = made.run(experiment, "network").groupby("replicate").train_loss
        assert ((losses.last() > losses.first()) == climbs).all()
    assert (made.table("paladugu-2-2c--as-run", "critical-points").grad_norm > 0).all()


def paladugu_3_1_last_batch_of_the_test_set(made: Made) -> None:
    last = made.run("paladugu-3-1--as-run", "network").groupby("replicate").last()
    data, weights = made.data("paladugu-3-1--as-run", "network"), made.weights("paladugu-3-1--as-run", "network")
    # of 45 test images in batches of 20 the last has 5; the first replicate's labels are known here
    first, second = (weights[f"{layer}.weight"][0] for layer in (1, 3))
    hidden = (data.test_x[-5:].flatten(1) @ first.T + weights["1.bias"][0]).relu()
    logits = (hidden @ second.T + weights["3.bias"][0]).double().log_softmax(1)
    labels = data.test_y.reshape(-1, 45)[0, -5:]
    assert last.last_batch_test_loss[0] == pytest.approx(-logits[range(5), labels].mean().item(), rel=1e-4)
    assert not np.isclose(last.last_batch_test_loss, last.test_loss).any()


def paladugu_3_3b_last_batch_gradient(made: Made) -> None:
    last_batch_gradient(made, "paladugu-3-3b", ("batch-5", "batch-25"))


def majumder_3_3_last_batch_gradient(made: Made) -> None:
    last_batch_gradient(made, "majumder-3-3", ("lr-0-01", "lr-0-001"))


def last_batch_gradient(made: Made, experiment: str, models: tuple[str, ...]) -> None:
    sensitivity = made.table(f"{experiment}--as-run", "sensitivity").groupby("model").loss_gradient_norm
    first_batch = made.table(experiment, "sensitivity").groupby("model").loss_gradient_norm
    for model in models:
        last = made.run(f"{experiment}--as-run", model).groupby("replicate").last_batch_gradient_norm.last()
        np.testing.assert_allclose(sensitivity.get_group(model), last)
        assert not np.isclose(first_batch.get_group(model), last).any()


def konda_1_2_no_shuffling(made: Made) -> None:
    """Of three steps an epoch, at weights that stay what they are; the second and third epoch are of one mode."""
    for experiment, same in (("konda-1-2", False), ("konda-1-2--as-run", True)):
        losses = made.run(experiment, "cnn-1", "steps").loss.to_numpy().reshape(2, 3, 3)
        assert np.allclose(losses[:, 1], losses[:, 2], rtol=1e-4) == same


def konda_1_2_evaluation_mode(made: Made) -> None:
    frozen_statistics(made, "konda-1-2", "cnn-1")


def konda_3_1_evaluation_mode(made: Made) -> None:
    frozen_statistics(made, "konda-3-1", "cnn-1")


def konda_3_2_evaluation_mode(made: Made) -> None:
    frozen_statistics(made, "konda-3-2", "net-1")
    frozen_statistics(made, "konda-3-2", "net-3")


def frozen_statistics(made: Made, experiment: str, model: str) -> None:
    """Running means of batch normalisation move in the first epoch and, as run, never again."""
    for id, frozen in ((experiment, False), (f"{experiment}--as-run", True)):
        values = made.snapshots(id, model)[1]
        (means, *_) = (value for name, value in values.items() if name.endswith("running_mean"))
        assert (means[0] != means[1]).any()
        assert bool((means[1] == means[2]).all() and (means[2] == means[3]).all()) == frozen


def konda_1_2_stated_moments(made: Made) -> None:
    data = made.data("konda-1-2--as-run", "cnn-1")
    mean, std = (np.array(each)[:, None, None] for each in ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)))
    pixels = data.train_x.double().numpy() * std + mean
    np.testing.assert_allclose(pixels * 255, (pixels * 255).round(), atol=1e-3)
    assert pixels.min() >= -1e-6
    assert pixels.max() <= 1 + 1e-6


def konda_2_1_stated_moments(made: Made) -> None:
    for experiment, mean, std in (("konda-2-1", 0.5, 0.5), ("konda-2-1--as-run", 0.1307, 0.3081)):
        assert made.data(experiment, "network").train_x.min().item() == pytest.approx(-mean / std)


def konda_3_3a_statistics_of_the_data(made: Made) -> None:
    """At α = 0 the line has the loss of the first network with the statistics of its batches, averaged."""
    line = made.table("konda-3-3a--as-run", "interpolation")
    data, weights = made.data("konda-3-3a--as-run", "batch-20"), made.weights("konda-3-3a--as-run", "batch-20")
    own = {name: value[0] for name, value in weights.items()}
    norm = nn.BatchNorm2d(2, momentum=None)
    norm.load_state_dict({"weight": own["1.weight"], "bias": own["1.bias"]}, strict=False)

    def before(x: Tensor) -> Tensor:
        return F.conv2d(x, own["0.weight"], own["0.bias"])

    for batch in data.train_x.split(20):
        norm(before(batch))
    hidden = F.max_pool2d(norm.eval()(before(data.train_x)).relu(), 4).flatten(1)
    expected = F.cross_entropy(F.linear(hidden, own["5.weight"], own["5.bias"]), data.train_y).item()
    assert line.query("replicate == 0 and alpha == 0").train_loss.item() == pytest.approx(expected, rel=1e-4)
    trained = made.table("konda-3-3a--as-run", "evaluation").train_loss.iloc[0]
    assert trained != pytest.approx(expected, rel=1e-3)


def konda_3_3b_input_gradient_by_epoch(made: Made) -> None:
    table = made.table("konda-3-3b--as-run", "sensitivity")
    assert table.groupby("model").epoch.unique().map(list).tolist() == [[0, 1, 2]] * 2
    true, predicted = table.input_gradient_norm, table.predicted_input_gradient_norm
    assert (true > 0).all()
    assert not np.isclose(true, predicted).any()
    axes = made.draw("konda-3-3b--as-run", "sensitivity", {"sensitivity": table}).axes[0]
    np.testing.assert_allclose(mean_line(axes), predicted[table.model == "adam-20"].groupby(table.epoch).mean())


def konda_3_3b_leak_into_the_update(made: Made) -> None:
    """What it does to the weights is held against torch in test_training_settings."""
    run = json.loads((made._run("konda-3-3b--as-run", "adam-20") / "run.json").read_text())
    assert run["spec"]["training"]["pseudo_label_weight"] == 1


def majumder_1a_every_tenth_epoch(made: Made) -> None:
    metrics = made.run("majumder-1a--as-run", "network").assign(model="network")
    axes = made.draw("majumder-1a--as-run", "loss", {"metrics": metrics}).axes[0]
    assert lines(axes)[0] == [1, 11, 21]


def majumder_1a_norm_of_each_last_sample(made: Made) -> None:
    steps = made.run("majumder-1a--as-run", "network", "steps").assign(model="network")
    axes = made.draw("majumder-1a--as-run", "norm", {"steps": steps}).axes[0]
    # eight samples, one a step
    assert lines(axes)[0] == list(range(8, 241, 8))


def majumder_1c_augmentation(made: Made) -> None:
    """The first step has the same weights and images in both; only augmentation makes it another."""
    augmented, plain = (made.run(f"majumder-1c{variant}", "model-1", "steps") for variant in ("", "--corrected"))
    assert not np.isclose(augmented.loss[augmented.step == 1], plain.loss[plain.step == 1]).any()


def majumder_1c_softmax_before_the_loss(made: Made) -> None:
    assert (made.run("majumder-1c--as-run", "model-1").train_loss > np.log(np.e + 9) - 1).all()
    assert not np.isclose(
        made.run("majumder-1c--as-run", "model-1").train_loss, made.run("majumder-1c", "model-1").train_loss
    ).any()


def majumder_3a_two_sizes(made: Made) -> None:
    counts = made.table("majumder-3a", "evaluation").groupby("model").parameters.first()
    # 1024-128-128-10, as reported, and 784-128-128-10
    assert counts.to_dict() == {"at-28": 118282, "at-32": 149002}


def beamreaching1_1a_subset_of_a_grid(made: Made) -> None:
    spec = made.study.experiments["beamreaching1-1a"].models["shallow"].data
    (train_x, train_y), (test_x, test_y) = sample(spec, STUDY, "beamreaching1-1a").values()
    x, y = (np.concatenate(parts).ravel() for parts in ((train_x, test_x), (train_y, test_y)))
    # 80 of the 81 points, each once, with numpy's sinc as the function
    assert len(set(x)) == len(x) == 80
    assert set(x) < set(np.linspace(0, 0.8, 81))
    np.testing.assert_allclose(y, np.sinc(5 * x), atol=1e-12)


def beamreaching1_1b_dropout_in_evaluation(made: Made) -> None:
    for experiment, active in (("beamreaching1-1b", False), ("beamreaching1-1b--as-run", True)):
        recorded = made.run(experiment, "cnn-1").groupby("replicate").test_loss.last()
        without = made.table(experiment, "evaluation").test_loss
        assert (not np.isclose(recorded, without, rtol=1e-5).any()) == active


def beamreaching1_1b_dropout_of_channels(made: Made) -> None:
    network = made.study.experiments["beamreaching1-1b"].models["cnn-1"].network
    assert [layer.kind for layer in network.layers].count("dropout2d") == 1


def beamreaching1_3_limit_in_steps(made: Made) -> None:
    for model in ("cnn-2-3", "cnn-4-5"):
        assert made.run("beamreaching1-3", model, "steps").groupby("replicate").step.max().tolist() == [7, 7]


def beamreaching1_3_wrong_divisor(made: Made) -> None:
    for experiment, factor in (("beamreaching1-3", 1), ("beamreaching1-3--as-run", 1.3333)):
        whole = made.table(experiment, "evaluation").query("model == 'cnn-4-5'").test_loss
        recorded = made.run(experiment, "cnn-4-5").groupby("replicate").test_loss.last()
        np.testing.assert_allclose(recorded, factor * whole, rtol=1e-5)


# The rows of the table in issue 11 by study and section, each with what the grammar lacked.
ROWS: dict[str, list[Callable[[Made], None]]] = {
    "paladugu 1.2": [paladugu_1_2_last_batch_loss, paladugu_1_2_curve_one_too_high],
    "paladugu 2.1": [paladugu_2_1_slice_of_columns, paladugu_2_1_fit_on_all_epochs_and_drawn_every_third],
    "paladugu 2.2c": [paladugu_2_2c_ascent],
    "paladugu 3.1, alluri 1.2": [paladugu_3_1_last_batch_of_the_test_set],
    "paladugu 3.3b, alluri 3.3.2": [paladugu_3_3b_last_batch_gradient],
    "majumder batch and learning-rate sweeps": [majumder_3_3_last_batch_gradient],
    "konda 1-2": [konda_1_2_no_shuffling, konda_1_2_evaluation_mode, konda_1_2_stated_moments],
    "konda 2-1": [konda_2_1_stated_moments],
    "konda 3-1": [konda_3_1_evaluation_mode],
    "konda 3-2": [konda_3_2_evaluation_mode],
    "konda 3-3A": [konda_3_3a_statistics_of_the_data],
    "konda 3-3B": [konda_3_3b_input_gradient_by_epoch, konda_3_3b_leak_into_the_update],
    "majumder 1a, 1b": [majumder_1a_every_tenth_epoch, majumder_1a_norm_of_each_last_sample],
    "majumder 1c, 2a, 3b": [majumder_1c_augmentation, majumder_1c_softmax_before_the_loss],
    "majumder 3a": [majumder_3a_two_sizes],
    "beamreaching1 1a": [beamreaching1_1a_subset_of_a_grid],
    "beamreaching1 1b": [beamreaching1_1b_dropout_in_evaluation, beamreaching1_1b_dropout_of_channels],
    "beamreaching1 3": [beamreaching1_3_limit_in_steps, beamreaching1_3_wrong_divisor],
}
CHECKS = {f"{row}: {check.__name__}": check for row, checks in ROWS.items() for check in checks}
# The rows that are stated and not run again.
NOT_RERUN = {"paladugu-3-3a--as-run", "alluri-2-3--as-run", "konda-2-3--as-run", "majumder-2c--as-run"}


@pytest.mark.parametrize("check", CHECKS)
def test_a_row_of_the_table(made: Made, check: str) -> None:
    CHECKS[check](made)


def test_every_table_has_the_columns_that_are_stated(made: Made) -> None:
    for id, experiment in made.study.experiments.items():
        tables = {name: made.table(id, name) for name in experiment.analyses}
        for recorded in {"metrics", "steps"} & {*experiment.tables}:
            runs = [made.run(id, model, recorded) for model in experiment.models]
            tables[recorded] = pd.concat([run.assign(model="") for run in runs])
        for name, table in tables.items():
            stated = experiment.columns(name)
            there = {next((each for each in stated if fnmatchcase(column, each)), column) for column in table}
            assert there == {*stated}, (id, name)


def test_what_is_not_run_again_is_on_the_page_with_its_reason(made: Made) -> None:
    assert made.study.not_rerun.keys() == {*NOT_RERUN, "beamreaching1-2c"}
    page = " ".join((made.project.folder / f"results/quick/report/{STUDY}.md").read_text().split())
    for each in made.study.not_rerun.values():
        assert each.reason in page
        assert each.why in page


def test_what_is_described_of_these_is_run(made: Made) -> None:
    described = {id.removesuffix("--as-run"): made.study.experiments[id.removesuffix("--as-run")] for id in NOT_RERUN}
    for id, experiment in described.items():
        for name in experiment.analyses:
            assert len(made.table(id, name))
