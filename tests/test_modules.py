"""Networks beyond the list of layers: torchvision's, and classes of a study's own."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn
from torchvision.models import resnet18

from conftest import ROOT, Project
from hwcore.analyses import evaluation, hessian_spectrum, interpolation, landscape, sensitivity, sharpness
from hwcore.analyses.run import Run
from hwcore.config import parse
from hwcore.data.load import Data
from hwcore.data.prepare import prepare
from hwcore.errors import HwcoreError
from hwcore.files import read_json
from hwcore.nets.network import count, forward, initialize, shapes, weight_matrices
from hwcore.nets.spec import Network
from hwcore.studies.study import load
from hwcore.train import resume
from hwcore.train.resume import Resume
from hwcore.train.spec import RunSpec
from hwcore.train.train import fit, train

# A small network with all that is particular: buffers of integers, dropout, a frozen parameter, an activation in place.
NETS = """
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, width: int = 4, p: float = 0.3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(p)
        self.scale = nn.Parameter(torch.full((1,), 0.5), requires_grad=False)
        self.head = nn.Linear(36 * width, 10)

    def forward(self, x):
        x = torch.relu_(self.norm(self.conv(x)))
        return self.head(self.drop(self.scale * x.flatten(1)))


class Curve(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.LazyLinear(6), nn.LazyLinear(1)

    def forward(self, x):
        return self.two(torch.tanh(self.one(x)))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


NOT_A_MODULE = 1


class Plain:
    pass
"""
DATA = {"dataset": "digits", "train_samples": 120, "test_samples": 40}
FIT = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 4, "batch_size": 30}


def module(name: str, **options: Any) -> dict[str, Any]:
    return {"kind": "module", "name": name, "study": "mine", "source": "0", "out": 10, "options": options}


@pytest.fixture(autouse=True)
def own_nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the study `mine`."""
    (tmp_path / "report/mine").mkdir(parents=True)
    path = tmp_path / "report/mine/nets.py"
    path.write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("modules") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def own(name: str, **options: Any) -> Network:
    return Network.model_validate({"input": [1, 8, 8], "layers": [module(name, **options)]})


def job(**changes: Any) -> RunSpec:
    said = {"study": "s", "experiment": "e", "model": "m", "network": own("Small"), "data": DATA, "training": FIT}
    return RunSpec.model_validate({**said, "replicates": 2, **changes})


@pytest.mark.parametrize("training", [True, False])
def test_replicates_of_a_module_are_as_many_modules(training: bool) -> None:
    """Values, gradients and buffers beside torchvision's own ResNet-18, behind a layer of ours."""
    layers = [{"conv": {"channels": 3, "kernel": 1}}, {"torchvision": {"name": "resnet18", "out": 5}}]
    network = Network.model_validate({"input": [1, 32, 32], "layers": layers})
    parameters, buffers = initialize(network, [4, 9])
    assert count(network) == 6 + sum(value.numel() for value in resnet18(num_classes=5).parameters())
    assert network.parameters() is None
    assert {name: tuple(value.shape[1:]) for name, value in parameters.items()} == shapes(network)
    assert not torch.equal(parameters["1.conv1.weight"][0], parameters["1.conv1.weight"][1])
    assert torch.equal(parameters["1.conv1.weight"][1], initialize(network, [9])[0]["1.conv1.weight"][0])
    assert buffers["1.bn1.num_batches_tracked"].tolist() == [0, 0]
    assert "1.fc.weight" in weight_matrices(network)
    assert "1.bn1.weight" not in weight_matrices(network)
    assert "0.weight" in weight_matrices(network)
    parameters = {name: value.double().requires_grad_() for name, value in parameters.items()}
    buffers = {name: value.double() if value.is_floating_point() else value for name, value in buffers.items()}
    x = torch.randn(2, 6, 1, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = {name: value.detach().clone() for name, value in {**parameters, **buffers}.items()}
    masks = [torch.Generator().manual_seed(r) for r in range(2)]
    outputs = forward(network, parameters, buffers, x, training=training, dropout=masks)
    outputs.square().sum().backward()
    for r in range(2):
        reference = nn.Sequential(nn.Conv2d(1, 3, 1), resnet18(num_classes=5)).double().train(training)
        reference.load_state_dict({name: value[r] for name, value in before.items()})
        expected = reference(x[r])
        expected.square().sum().backward()
        torch.testing.assert_close(outputs[r], expected, rtol=1e-9, atol=1e-10)
        for name, parameter in reference.named_parameters():
            torch.testing.assert_close(parameters[name].grad[r], parameter.grad, rtol=1e-8, atol=1e-9)
        for name, buffer in reference.named_buffers():
            torch.testing.assert_close(buffers[name][r], buffer, rtol=1e-9, atol=1e-10)
    assert buffers["1.bn1.num_batches_tracked"].tolist() == [int(training)] * 2


def test_dropout_of_a_module_is_of_its_replicate_and_leaves_the_random_numbers_of_others() -> None:
    network = own("Small")
    parameters, buffers = initialize(network, [1, 2])
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def outputs(chosen: list[int]) -> torch.Tensor:
        weights, kept = (
            {name: value[chosen].clone() for name, value in part.items()} for part in (parameters, buffers)
        )
        masks = [torch.Generator().manual_seed(r) for r in chosen]
        return forward(network, weights, kept, x, training=True, dropout=masks)

    state = torch.get_rng_state()
    both = outputs([0, 1])
    assert torch.equal(both[1], outputs([1])[0])
    assert torch.equal(both[0], outputs([0])[0])
    assert torch.equal(state, torch.get_rng_state())
    same = {name: value[[0, 0]] for name, value in parameters.items()}
    masks = [torch.Generator().manual_seed(r) for r in range(2)]
    first, second = forward(
        network, same, {name: value[[0, 0]] for name, value in buffers.items()}, x, training=True, dropout=masks
    )
    assert not torch.equal(first, second)
    evaluated = [
        forward(network, parameters, {name: value.clone() for name, value in buffers.items()}, x, dropout=masks)
        for masks in (None, None, [torch.Generator().manual_seed(r) for r in range(2)])
    ]
    assert torch.equal(evaluated[0], evaluated[1])
    assert not torch.equal(evaluated[0], evaluated[2])
    with pytest.raises(ValueError, match="generator for each replicate"):
        forward(network, parameters, buffers, x, training=True)


def test_a_frozen_parameter_is_kept_and_not_trained(tmp_path: Path, digits: Path) -> None:
    train(job(), digits, tmp_path / "run", device="cpu")
    weights = load_file(tmp_path / "run/checkpoint.safetensors")
    assert weights["0.scale"].tolist() == [[0.5], [0.5]]
    assert "0.scale" not in shapes(own("Small"))
    assert weights["0.norm.num_batches_tracked"].tolist() == [16, 16]
    assert weights["0.norm.num_batches_tracked"].dtype == torch.int64
    described = read_json(tmp_path / "run/run.json")
    assert described["parameters"] == 40 + 8 + 1450
    assert read_json(tmp_path / "run/run.json")["spec"]["network"]["layers"][0]["name"] == "Small"


def test_replicates_of_a_module_do_not_depend_on_how_many_and_on_cores(tmp_path: Path, digits: Path) -> None:
    for name, replicates, threads in (("one", 1, 1), ("three", 3, 1), ("aside", 3, 2)):
        train(job(replicates=replicates), digits, tmp_path / name, device="cpu", threads=threads)
    one, three, aside = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("one", "three", "aside"))
    assert all(torch.equal(value[0], three[name][0]) for name, value in one.items())
    assert all(torch.equal(value, three[name]) for name, value in aside.items())
    assert not torch.equal(three["0.head.weight"][0], three["0.head.weight"][1])


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_module_goes_on_to_the_same_bits(
    tmp_path: Path, digits: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = job(record={"weights_every": 2, "steps": True})
    train(asked, digits, tmp_path / "whole", device="cpu")
    saves, save = [], Resume.save

    def dying(self: Resume, state: dict[str, Any]) -> None:
        save(self, state)
        saves.append(1)
        if len(saves) == at:
            raise KilledError

    monkeypatch.setattr(Resume, "save", dying)
    # after every epoch, however long saving takes
    monkeypatch.setattr(resume, "_TIME_SHARE", 1e9)
    with contextlib.suppress(KilledError):
        train(asked, digits, tmp_path / "killed", device="cpu", key="k", interval=0)
    assert len(saves) == at
    monkeypatch.setattr(Resume, "save", save)
    train(asked, digits, tmp_path / "killed", device="cpu", key="k", interval=0)
    for name in ("checkpoint.safetensors", "snapshots.safetensors", "steps.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


def test_a_module_trains_on_a_function_with_what_it_makes_when_it_is_first_used(tmp_path: Path) -> None:
    network = {"input": [1], "layers": [{**module("Curve"), "out": 1}]}
    data = {"function": "cos(x)", "domain": [-3, 3], "samples": 64, "test_samples": 32}
    training = {**FIT, "loss": "mse", "epochs": 300, "batch_size": "full"}
    train(job(network=network, data=data, training=training), None, tmp_path / "run", device="cpu")
    run = Run.open(tmp_path / "run", None, device=torch.device("cpu"))
    assert run.parameter_count == 19
    assert run.metrics.groupby("replicate").train_loss.last().max() < 0.1


def test_analyses_of_modules(tmp_path: Path, digits: Path) -> None:
    runs = {}
    for model in ("a", "b"):
        train(job(model=model, record={"weights_every": 1}), digits, tmp_path / model, device="cpu")
        runs[model] = Run.open(tmp_path / model, digits, device=torch.device("cpu"))
    table = evaluation.analyse(runs)
    assert table.parameters.tolist() == [1498] * 4
    last = runs["a"].metrics.groupby("replicate").last()
    assert table.test_loss[:2].tolist() == pytest.approx(last.test_loss.tolist(), rel=1e-5)
    one = {"a": runs["a"]}
    assert len(sensitivity.analyse(one, samples=10)) == 2
    assert hessian_spectrum.analyse(one, count=1, tolerance=0.1, steps=10, probes=2, samples=30) is not None
    surface = landscape.analyse(one, across="line", extent=1.0, count=3, samples=30, replicates=1)
    assert surface.train_loss.nunique() == 3
    found = interpolation.analyse(
        runs, between=["a", "b"], alphas={"start": 0, "stop": 1, "count": 3}, batch_norm="recompute"
    )
    assert found.train_loss.notna().all()
    measures = sharpness.analyse(one, epsilon=1e-3, rho=5e-3, samples=20, probes=2, lanczos_steps=5)
    assert measures.sharpness.notna().all()
    assert runs["a"].recorded(None, weights_only=True).shape[:2] == (2, 5)


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (own("Small", widht=3), r"module Small: cannot be built.*unexpected keyword argument 'widht'"),
        (Network.model_validate({"input": [2, 8, 8], "layers": [module("Small")]}), "cannot take samples of 2×8×8"),
        (own("Pair"), "makes tuple of two samples"),
        (own("NOT_A_MODULE"), "NOT_A_MODULE is not a class of torch.nn.Module"),
        (own("Plain"), "Plain is not a class of torch.nn.Module"),
        (Network.model_validate({"input": [1, 8, 8], "layers": [{**module("Small"), "out": 9}]}), "makes 2×10 of two"),
    ],
)
def test_a_module_that_cannot_be_used(network: Network, complaint: str) -> None:
    with pytest.raises(HwcoreError, match=complaint) as error:
        initialize(network, [0])
    assert "\n" not in str(error.value)


def test_networks_of_torchvision_with_particular_needs(tmp_path: Path) -> None:
    inception = {"torchvision": "googlenet", "input": [3, 64, 64], "out": 3, "options": {"init_weights": False}}
    network = Network.model_validate(inception)
    parameters, buffers = initialize(network, [0])
    x = torch.zeros(2, 3, 64, 64)
    with pytest.raises(HwcoreError, match=r"options: \{aux_logits: false\}"):
        forward(network, parameters, buffers, x, training=True, dropout=[torch.Generator()])
    options = {"init_weights": False, "aux_logits": False}
    network = Network.model_validate({**inception, "options": options})
    parameters, buffers = initialize(network, [0])
    assert forward(network, parameters, buffers, x, training=True, dropout=[torch.Generator()]).shape == (1, 2, 3)
    small = Network.model_validate({"torchvision": "resnet18", "input": [3, 32, 32], "out": 3})
    parameters, buffers = initialize(small, [0])
    with pytest.raises(HwcoreError, match="a batch has one; choose another training"):
        forward(small, parameters, buffers, torch.zeros(1, 3, 32, 32), training=True, dropout=[torch.Generator()])


def test_a_last_batch_of_one_sample_is_told_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = {"torchvision": "shufflenet_v2_x0_5", "input": [3, 32, 32], "out": 10}
    images = Data(*(torch.zeros(41, 3, 32, 32), torch.arange(41) % 10) * 2, 10)
    monkeypatch.setattr("hwcore.train.train._run", lambda *_: pytest.fail("a step was trained"))
    with pytest.raises(HwcoreError, match="a batch has one; choose another training"):
        fit(job(network=small, data={"dataset": "cifar10"}, training={**FIT, "batch_size": 20}), images, torch.float32)


STUDY = """
title: Mine
source: {author: nobody, title: no report, date: January 2000}
replicates: 2
experiments:
  classify:
    section: "1"
    title: Classify digits
    data: {dataset: mnist, train_samples: 60, test_samples: 20}
    training: {optimizer: sgd, lr: 0.1, loss: cross_entropy, epochs: 1, batch_size: 20}
    blocks:
      head: [{linear: 8}, relu]
      late: []
    models:
      own: {label: own, module: "nets:Small", input: [1, 28, 28], out: 10, options: {width: 2}}
      listed:
        label: listed
        input: [1, 28, 28]
        layers: [{max_pool: 4}, flatten, {block: head}, {block: late}, {linear: 10}]
      line: {label: line, cnn: {input: [1, 28, 28], conv: [[2, 5]], pool: 4, out: 10}}
    analyses: {evaluation: {}}
    figures:
      accuracy: {kind: curves, y: [train_accuracy], caption: Accuracy.}
    variants:
      corrected:
        why: Dropout.
        blocks: {late: [{dropout: 0.5}]}
claims:
  learns:
    {where: "1", says: It learns., experiment: classify, measure: {value: train_loss, model: own},
     rule: threshold, expect: {below: 9}}
"""
LARGE = NETS.replace("36 * width", "26 * 26 * width")


def resolve(folder: Path, text: str, **config: Any) -> Any:
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine/study.yaml").write_text(text)
    settings = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "trusted_studies": ["mine"], **config}
    return load("mine", folder, parse(settings, ["config.yaml"]))


def test_a_variant_changes_a_block_in_one_place(tmp_path: Path) -> None:
    study = resolve(tmp_path / "report", STUDY)
    kinds = {
        id: [layer.kind for layer in experiment.models["listed"].network.layers]
        for id, experiment in study.experiments.items()
    }
    assert kinds["classify"] == ["max_pool", "flatten", "linear", "relu", "linear"]
    assert kinds["classify--corrected"] == ["max_pool", "flatten", "linear", "relu", "dropout", "linear"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("nets:Small", "nets:Smal", r"models.own.module: .*nets.py has no class 'Smal'; did you mean `Small`"),
        ("nets:Small", "net:Small", "models.own.module: 'net:Small' is not `nets:Name`"),
        ("nets:Small", "nets:", "is not `nets:Name`"),
        (
            "{max_pool: 4}",
            "{residual: [{module: {name: Small, study: other, source: '0', out: 1}}, flatten]}",
            "models.listed",
        ),
        (
            "[{max_pool: 4}, flatten, {block: head}, {block: late}, {linear: 10}]",
            "[{module: {name: Small, study: other, source: '0', out: 10}}]",
            "models.listed.layers: `module` is no layer of a list",
        ),
        ("{block: head}", "{block: haed}", "models.listed.layers: unknown block 'haed'; did you mean `head`"),
        ("head: [{linear: 8}, relu]", "head: [{block: head}]", "block 'head' contains itself: head → head"),
        ("pool: 4, out", "poll: 4, out", r"models.line.cnn.poll: unknown key; did you mean `pool`"),
        ("conv: [[2, 5]]", "conv: [[2, 50]]", "models.line: layer 1: conv of size 50 does not fit into 1×28×28"),
        ("pool: 4, out", "pool: [4, 4], out", r"models.line.cnn: pool: \[4, 4\] has 2 entries for 1 convolutions"),
        ("out: 10, options", "options", "models.own: `module` needs `out`"),
        (
            "{value: train_loss, model: own},\n     rule: threshold, expect: {below: 9}",
            "{parameters: own}, rule: count, expect: {equal: 9}",
            "claims.learns: the layers and parameters of own are known only when it is built",
        ),
        (
            "{value: train_loss, model: own},\n     rule: threshold, expect: {below: 9}",
            "{layers: own, kinds: [conv]}, rule: count, expect: {equal: 9}",
            "claims.learns: the layers and parameters of own are known only when it is built",
        ),
        ("{max_pool: 4}", "{max_pol: 4}", "models.listed.layers.0: unknown layer 'max_pol'; did you mean `max_pool`"),
        (
            "    data: {dataset: mnist",
            "    record: {weights_every: 1, layers: [1]}\n    data: {dataset: mnist",
            "record.layers: 1, but model own has 0 layers",
        ),
    ],
)
def test_mistakes_in_a_study(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in STUDY
    with pytest.raises(HwcoreError, match=complaint) as error:
        resolve(tmp_path / "report", STUDY.replace(old, new))
    assert "\n" not in str(error.value)


def test_own_code_must_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match=r"models.own.module: .*trusted_studies: \[mine\]` in config.yaml"):
        resolve(tmp_path / "report", STUDY, trusted_studies=["other"])
    resolve(tmp_path / "report", STUDY, trusted_studies="mine")


def test_a_study_with_its_own_network_runs_and_its_code_is_in_the_fingerprint(project: Project) -> None:
    folder = project.folder / "report/mine"
    folder.mkdir()
    (folder / "study.yaml").write_text(STUDY)
    (folder / "report.md").write_text('{{ experiment("classify") }}\n\n{{ claims() }}\n')
    (folder / "nets.py").write_text(LARGE)
    config = ("--config", "studies=mine", "trusted_studies=mine")
    assert "trusted_studies: [mine]" in project.snakemake("report", "--config", "studies=mine").stderr
    project.run("report", *config)
    page = (project.folder / "results/quick/report/mine.md").read_text()
    parameters = read_json(project.folder / "results/quick/runs/mine/classify/own/run.json")["parameters"]
    assert parameters == 20 + 4 + 26 * 26 * 2 * 10 + 10
    assert f"{parameters:,}" in page
    assert not project.stale("report", *config)
    project.edit("report/mine/nets.py", "import torch\n", "import torch  # why\n")
    assert not project.stale("report", *config)
    project.edit("report/mine/nets.py", "torch.relu_", "torch.tanh_")
    stale = {name for name in project.stale("report", *config) if "train" in name}
    assert stale
    assert all("/own" in name for name in stale)
    assert not list(folder.glob("__pycache__"))
