"""The studies that come with hwcore, at every scale."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT
from hwcore.claims.spec import Claim
from hwcore.config import parse
from hwcore.data.catalog import training_images
from hwcore.description import describe
from hwcore.errors import HwcoreError
from hwcore.studies.resolved import Study
from hwcore.studies.study import available, load

STUDIES = available(ROOT / "report")
# Counts that their reports state of layers that do not have them; a claim of each study says so.
MISCOUNTED = {
    "paladugu": {
        ("cnn-3", 25550),
        ("network", 397510),
        ("p101770", 15114),
        *((f"batch-{n}", 16630) for n in (5, 25, 125, 500, 1000)),
    },
    "majumder": {("model-1", 36458), ("model-30", 130122)},
}


def study(name: str, scale: str) -> Study:
    config = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": scale}
    return load(name, ROOT / "report", parse(config, ["config.yaml"]))


@pytest.mark.parametrize("scale", ["quick", "standard", "full"])
@pytest.mark.parametrize("name", STUDIES)
def test_it_is_valid(name: str, scale: str) -> None:
    found = study(name, scale)
    assert found.experiments
    assert found.claims


@pytest.mark.parametrize("name", STUDIES)
def test_networks_have_as_many_parameters_as_their_reports_say(name: str) -> None:
    models = [model for each in study(name, "full").experiments.values() for model in each.models.values()]
    stated = [model for model in models if model.reported_parameters is not None]
    wrong = {
        (model.name, model.reported_parameters)
        for model in stated
        if model.network.parameters() != model.reported_parameters
    }
    # the text of one states no count
    assert bool(stated) == (name != "konda")
    assert wrong == MISCOUNTED.get(name, set())


@pytest.mark.parametrize("name", STUDIES)
def test_the_prose_shows_every_experiment_once(name: str) -> None:
    text = (ROOT / f"report/{name}/report.md").read_text()
    shown = re.findall(r'(?:\{\{|\{% call) experiment\("([\w-]+)"\) (?:\}\}|%\})', text)
    assert shown == list(dict.fromkeys(each.base for each in study(name, "quick").experiments.values()))


def test_pages_say_the_settings_in_words() -> None:
    config = parse({**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": "full"}, ["config.yaml"])
    study = load("paladugu", ROOT / "report", config)
    runs = {(id, model): f"runs/{id}/{model}" for id, each in study.experiments.items() for model in each.models}
    described = describe(study, config, runs)["experiments"]
    said = {each["id"]: each["settings"] for each in described}
    choices = {each["id"]: {name: value for name, value, _ in each["choices"]} for each in described}
    # one of its models has the name `network` too
    assert choices["gradient-norm"] == {"domain": "[−1, 1]", "network": "1-8-4-1, relu", "batch size": "full batch"}
    assert said["function-sinc"]["stops"] == (
        "once training loss ≤ 0.001 and change of loss over 1 epoch ≤ 10⁻⁵, 2 epochs in a row"
    )
    assert said["function-sign--as-run"]["data"] == "sgn(sin(10πx)) on [−1, 1], 200 samples on an even grid"
    assert said["random-labels--as-run"]["data"] == (
        "MNIST, all training labels random, all test labels random, not normalised"
    )


def described(name: str, scale: str) -> dict[str, Any]:
    """The experiments of a study by id, as its page describes them."""
    config = parse({**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": scale}, ["config.yaml"])
    found = load(name, ROOT / "report", config)
    runs = {(id, model): "runs" for id, each in found.experiments.items() for model in each.models}
    return {each["id"]: each for each in describe(found, config, runs)["experiments"]}


def test_settings_say_what_full_scale_has_where_a_scale_cuts_it() -> None:
    said = described("alluri", "standard")
    settings = said["train-mnist"]["settings"]
    assert (settings["epochs"], settings["replicates"]) == ("5 (full scale: 100)", "10")
    assert said["function-cos"]["settings"]["epochs"] == "1,000"
    # of single models, whose numbers of replicates are cut one by one
    capacity = described("beamreaching1", "standard")["capacity"]
    assert capacity["settings"]["replicates"] == "2 to 3 (full scale: 3)"
    # where it is not cut, a model is described as it is in a variant where none is
    assert capacity["models"][0]["settings"] == {"steps": "4,008"}
    assert capacity["models"][-1]["settings"] == {"steps": "37 (full scale: 4,008)", "replicates": "2 (full scale: 3)"}
    # a stand-in, with some of its images
    data = described("alluri", "quick")["train-mnist"]["settings"]["data"]
    assert data.startswith(
        "digits (full scale: MNIST), 1,000 (full scale: all) training images, 200 (full scale: all) test images, "
    )
    samples = described("alluri", "quick")["function-cos"]["settings"]["data"]
    assert samples.endswith(", 300 (full scale: 1,000) samples on uniformly drawn points")


def test_data_that_differ_in_the_number_of_images_alone_are_said_once() -> None:
    capacity = described("majumder", "standard")["capacity"]
    assert capacity["settings"]["data"].startswith("CIFAR-10, normalised by mean (0.4914, 0.4822, 0.4465)")
    images = [model["settings"]["images"] for model in capacity["models"]]
    assert (images[0], images[-1]) == ("all images", "10,752 (full scale: all) training images")
    assert "data" not in capacity["models"][-1]["settings"]


@pytest.mark.parametrize(
    ("name", "experiment", "words"),
    [
        # as many samples as there are need not be said
        ("alluri", "function-cos", {"evaluation": "", "optimum": "2 replicates"}),
        ("alluri", "label-noise", {"evaluation": ""}),
        ("alluri", "train-mnist", {"evaluation": "10,000 (full scale: all) samples"}),
        ("alluri", "minimal-ratio", {"critical-points": "no solver"}),
        (
            "alluri",
            "minimal-ratio--corrected",
            {
                "critical-points": "a Levenberg-Marquardt solver",
                "critical-points-tanh": "a Levenberg-Marquardt solver, tolerance 10⁻⁸, tanh activation, "
                "weight decay 10⁻⁵, a search for saddle points",
            },
        ),
        (
            "alluri",
            "interpolation--corrected",
            {
                "interpolation": "between “learning rate 0.001” and “learning rate 0.01”, 31 values of α from −1 to 2, "
                "10,000 (full scale: all) samples"
            },
        ),
        ("alluri", "optimisation-pca--corrected", {"landscape": "in the plane of the trajectory"}),
        (
            "beamreaching1",
            "capacity--as-run",
            {"evaluation": "10,000 (full scale: all) samples, dropout active, test loss multiplied by 1.3333"},
        ),
        ("konda", "function-sinc", {"optimum": "1 replicate"}),
        ("paladugu", "optimisation-pca--as-run", {"trajectory-layer-1": "layer 1, the first 7,840 weights"}),
    ],
)
def test_options_of_analyses_are_said_in_words(name: str, experiment: str, words: dict[str, str]) -> None:
    said = described(name, "standard")[experiment]["analyses"]
    assert {analysis: said[analysis] for analysis in words} == words


@pytest.mark.parametrize(
    ("name", "experiment", "choice"),
    [
        ("majumder", "train-cifar", ("normalisation", "normalised by mean (0.4914, 0.4822, 0.4465) and standard")),
        (
            "majumder",
            "train-cifar",
            ("augmentation", "random crop after padding by 4 (reflect), horizontal flip with "),
        ),
        ("majumder", "learning-rate", ("learning rate", "10⁻⁵ to 0.1")),
        ("konda", "function-trig", ("stopping rule", "once change of loss over 1 epoch ≤ 10⁻⁵")),
        ("konda", "interpolation", ("α of interpolation", "21 values of α from 0 to 1")),
        ("konda", "train-cifar", ("network", "as in the table of models")),
        ("konda", "interpolation", ("batch norm of interpolation", "interpolated running statistics")),
        ("alluri", "interpolation", ("α of interpolation", "20 values of α from −1 to 1.85")),
        ("beamreaching1", "minimal-ratio", ("method of critical points", "a Levenberg-Marquardt solver")),
        ("beamreaching1", "weights-cnn", ("weights of trajectory whole", "weights without biases")),
        ("alluri", "batch-size", ("batch size", "5 to 1,500")),
    ],
)
def test_choices_are_said_in_words(name: str, experiment: str, choice: tuple[str, str]) -> None:
    values = {setting: value for setting, value, _ in described(name, "full")[experiment]["choices"]}
    assert values[choice[0]].startswith(choice[1])


def test_a_repository_is_a_name_on_github_or_an_address(tmp_path: Path) -> None:
    config = parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])
    (tmp_path / "s").mkdir()
    file = tmp_path / "s/study.yaml"
    for repository in ("owner/name", "https://example.org/code"):
        file.write_text(CAPPED.replace("replicates", f"{SOURCE} repository: '{repository}'}}\nreplicates", 1))
        source = load("s", tmp_path, config).source
        assert source is not None
        assert source.repository == repository
    file.write_text(CAPPED.replace("replicates", f"{SOURCE} repository: example.org/a/b}}\nreplicates", 1))
    with pytest.raises(
        HwcoreError, match=r"source\.repository: 'example\.org/a/b' should be owner/name, of GitHub, or"
    ):
        load("s", tmp_path, config)


@pytest.mark.parametrize(
    ("training", "images"),
    [
        # an image of the CNN takes 56,832 operations, the cap leaves 17,595
        ({"batch_size": "full"}, 17_595),
        # 17,550 in whole batches, and a tenth of all for validation
        ({"validation": 0.1}, 19_500),
        ({"batch_size": 20_000}, 20_000),
        ({"batch_size": 60_000}, 50_000),
        ({"batch_size": 10**12}, 50_000),
    ],
)
def test_fewer_images_are_whole_batches_beside_those_for_validation(
    tmp_path: Path, training: dict[str, Any], images: int
) -> None:
    content = yaml.safe_load(CAPPED)
    content["experiments"]["images"]["training"] |= training
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(yaml.safe_dump(content))
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": {"datasets": {"teraflop": 0.001}}, "datasets": {}}
    model = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"].models["cnn"]
    assert model.images == images
    assert images - model.training.held_out(images) in (17_550, images)
    # a whole data set stays one
    assert (model.data.train_samples is None) == (images == 50_000)


@pytest.mark.parametrize(("part", "whole"), [(0.95, True), (0.85, False)])
def test_an_epoch_that_is_only_a_little_too_long_stays_whole(tmp_path: Path, part: float, whole: bool) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(CAPPED)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": {"datasets": {"teraflop": 1e6}}, "datasets": {}}
    network = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"].models["cnn"].network
    # 6 operations a multiplication and image
    raw["scales"]["quick"]["caps"] = {"datasets": {"teraflop": part * 50_000 * 6 * network.multiplications() / 1e12}}
    model = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"].models["cnn"]
    assert (model.training.epochs, model.images == 50_000) == (1, whole)


def test_a_data_set_of_unknown_size_keeps_its_images(tmp_path: Path) -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": {"datasets": {"teraflop": 0.001}}, "datasets": {}}
    raw["datasets"] = {"mine": {"source": "imagefolder", "root": "images", "size": [32, 32]}}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(CAPPED.replace("cifar10", "mine"))
    model = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"].models["cnn"]
    assert (model.images, model.full_images, model.training.epochs) == (None, None, 1)
    assert model.data.train_samples is None
    raw["scales"]["quick"]["caps"] = {"datasets": {"train_samples": 100}}
    model = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"].models["cnn"]
    assert (model.images, model.full_images, model.cut) == (100, None, True)


@pytest.mark.parametrize(
    ("name", "entry", "images"),
    [
        ("cifar10", {"source": "torchvision"}, 50_000),
        ("Fashion-MNIST", {}, 60_000),
        ("mnist", {"source": "imagefolder", "root": "images"}, 60_000),
        ("shapes", {}, 2000),
        ("mnist", {"source": "digits"}, 1438),
        ("svhn", {"source": "torchvision", "options": {"split": "extra"}}, None),
        ("emnist", {"source": "torchvision", "options": {"split": "letters"}}, None),
        ("mine", {"source": "imagefolder", "root": "images"}, None),
    ],
)
def test_how_many_training_images_a_data_set_has(name: str, entry: dict[str, Any], images: int | None) -> None:
    assert training_images(name, entry) == images


def test_a_title_says_how_many_images_where_some_networks_have_all(tmp_path: Path) -> None:
    wide = "wide: {label: Wide, layers: [flatten, {linear: 900}, {linear: 10}], input: [3, 32, 32]}, cnn:"
    text = CAPPED.replace("title: Images\n", 'title: "On {train_samples} images"\n').replace("{cnn:", f"{{{wide}", 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(text)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": {"datasets": {"teraflop": 0.01}}, "datasets": {}}
    found = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments["images"]
    assert found.title == "On 600 to all (full scale: all) images"


def test_settings_may_be_merged_over_several_anchors(tmp_path: Path) -> None:
    data = "data: {function: cos(x), domain: [-1, 1], samples: 9, test_samples: 9}"
    base = "{optimizer: adam, lr: 0.1, loss: mse, epochs: 5, batch_size: full}"
    text = "title: T\nsource: {author: A, title: T, date: D}\nreplicates: 1\nexperiments:\n"
    for name, training in (("a", f"&a {base}"), ("b", "&b {<<: *a, lr: 0.2}"), ("c", "{<<: *b, epochs: 7}")):
        models = "models: {m: {label: M, mlp: [1, 1]}}"
        text += f"  {name}: {{section: '1', title: T, {data}, training: {training}, {models}}}\n"
    (tmp_path / "s").mkdir()
    (tmp_path / "s/study.yaml").write_text(text)
    found = load("s", tmp_path, parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"]))
    trained = [each.models["m"].training for each in found.experiments.values()]
    assert [(each.lr, each.epochs) for each in trained] == [(0.1, 5), (0.2, 5), (0.2, 7)]


@pytest.mark.parametrize(
    ("name", "claim", "variants"),
    [
        ("paladugu", "mnist-accuracy-1", ["train-mnist--as-run"]),
        ("paladugu", "pca-weights", ["optimisation-pca--as-run"]),
        # a variant may have more models
        ("alluri", "random-not-fitted", ["random-labels--corrected"]),
        # these have no such table or other models, or the claim is about a variant itself or stands alone
        ("alluri", "pca-weights-whole", ["optimisation-pca--corrected"]),
        ("alluri", "interpolation-peak-left", []),
        ("paladugu", "sinc-fits-1", []),
    ],
)
def test_claims_are_compared_with_variants_of_the_same_models(name: str, claim: str, variants: list[str]) -> None:
    found = study(name, "quick")
    assert [other.id for other in found.counterparts(found.claims[claim])] == variants


def test_a_variant_without_the_table_of_a_claim_is_no_counterpart() -> None:
    found = study("paladugu", "quick")
    said = {"where": "2.2", "says": "so", "experiment": "gradient-norm", "rule": "threshold", "expect": {"above": 0}}
    for table, variants in (("trajectory-layer-2", []), ("trajectory-whole", ["gradient-norm--as-run"])):
        claim = Claim.model_validate({**said, "measure": {"value": "dimension", "table": table}})
        assert [other.id for other in found.counterparts(claim)] == variants


def test_caps_bound_the_options_of_analyses() -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    options = {
        scale: load("alluri", ROOT / "report", parse({**raw, "scale": scale}, ["config.yaml"]))
        .experiments["function-cos"]
        .analyses["optimum"]
        .options.model_dump(include={"steps", "replicates"})
        for scale in ("quick", "standard")
    }
    assert options == {"quick": {"steps": 50, "replicates": 1}, "standard": {"steps": 100, "replicates": 2}}


SOURCE = "source: {author: A, title: T, date: D,"
# one sample of the CNN takes 3·9·4·64 + 256·10 = 9,472 multiplications forwards, of the linear map 30,720, of the
# function two
CAPPED = """\
title: Caps
replicates: 1
experiments:
  images:
    section: "1"
    title: Images
    data: {dataset: cifar10}
    training: {optimizer: adam, lr: 0.01, loss: cross_entropy, epochs: 12, batch_size: 50}
    models: {cnn: {label: CNN, layers: [{conv: {channels: 4, kernel: 3, padding: 1, stride: 4}}, flatten, {linear: 10}],
             input: [3, 32, 32]}}
  function:
    section: "2"
    title: A function
    data: {function: sin(x), domain: [0, 1], samples: 30, test_samples: 30}
    training: {optimizer: adam, lr: 0.01, loss: mse, epochs: 1000, batch_size: 10}
    models: {network: {label: 1-1-1, mlp: [1, 1, 1]}}
  steps:
    section: "3"
    title: Images again
    data: {dataset: cifar10}
    training: {optimizer: adam, lr: 0.01, loss: cross_entropy, steps: 900, batch_size: 50}
    models: {linear: {label: linear, layers: [flatten, {linear: 10}], input: [3, 32, 32]}}
"""


@pytest.mark.parametrize(
    ("caps", "datasets", "lengths"),
    [
        ({}, {}, {}),
        # 6 · 9,472 operations of each of 50,000 images are 2.84e9 an epoch
        ({"datasets": {"teraflop": 0.02}}, {}, {"images": 7}),
        ({"datasets": {"teraflop": 0.001}}, {}, {"images": 1, "steps": 108}),
        # of the 2,000 shapes 0.114e9
        ({"datasets": {"teraflop": 0.001}}, {"cifar10": "shapes"}, {"images": 8, "steps": 108}),
        ({"datasets": {"teraflop": 0.001, "train_samples": 1000}}, {}, {"steps": 108}),
        ({"datasets": {"teraflop": 0.001, "epochs": 3, "train_samples": 1000}}, {}, {"images": 3, "steps": 108}),
        ({"functions": {"steps": 100}}, {}, {"function": 33}),
        ({"functions": {"steps": 2}}, {}, {"function": 1}),
        ({"functions": {"teraflop": 1e-9}}, {}, {"function": 2}),
    ],
)
def test_caps_on_arithmetic_and_steps_cut_trainings(
    tmp_path: Path, caps: dict[str, Any], datasets: dict[str, str], lengths: dict[str, int]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(CAPPED)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": caps, "datasets": datasets}
    found = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments
    trainings = {id: model.training for id, each in found.items() for model in each.models.values()}
    stated = {"images": 12, "function": 1000, "steps": 900}
    assert {id: each.epochs or each.steps for id, each in trainings.items()} == stated | lengths


@pytest.mark.parametrize(
    ("teraflop", "datasets", "images"),
    [
        # 6 · 9,472 operations of 17,595 images, in batches of 50
        (0.001, {}, 17_550),
        (0.001, {"cifar10": "shapes"}, 2000),
        (1e-4, {"cifar10": "shapes"}, 1750),
        # one batch is trained on all the same
        (1e-9, {}, 50),
        (0.02, {}, 50_000),
    ],
)
def test_where_an_epoch_is_too_much_arithmetic_there_are_fewer_images(
    tmp_path: Path, teraflop: float, datasets: dict[str, str], images: int
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/study.yaml").write_text(CAPPED)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"] |= {"caps": {"datasets": {"teraflop": teraflop}}, "datasets": datasets}
    found = load("mine", tmp_path, parse(raw, ["config.yaml"])).experiments
    model = found["images"].models["cnn"]
    assert model.images == images
    assert model.full_images == (2000 if datasets else 50_000)
    assert model.cut
    assert model.share == pytest.approx(model.training.epochs * images / (12 * model.full_images))
    # a training whose length is in steps keeps its images, and so does a function
    assert found["steps"].models["linear"].images == model.full_images
    assert found["function"].models["network"].images is None


@pytest.mark.parametrize(
    ("caps", "message"),
    [
        ({"landscap": {"count": 3}}, r"caps\.analyses\.landscap: unknown kind; did you mean `landscape`\?"),
        (
            {"optimum": {"step": 3}},
            r"caps\.analyses\.optimum\.step: no option that can be capped; did you mean `steps`\?",
        ),
        ({"optimum": {"steps": 0}}, r"caps\.analyses\.optimum\.steps: 0 should be greater than 0"),
    ],
)
def test_caps_of_unknown_options_are_refused(caps: dict[str, Any], message: str) -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"]["caps"]["analyses"] = caps
    with pytest.raises(HwcoreError, match=message):
        load("alluri", ROOT / "report", parse(raw, ["config.yaml"]))


def test_large_networks_are_trained_fewer_times_under_a_cap_of_parameters() -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["scales"]["quick"]["caps"]["datasets"] = {"replicates": 4, "parameters": 1_000_000}
    models = load("alluri", ROOT / "report", parse(raw, ["config.yaml"])).experiments["capacity"].models
    assert models["p1645"].replicates == 3  # as the study says
    assert (models["p396210"].replicates, models["p654310"].replicates, models["p952410"].replicates) == (2, 1, 1)
    raw["scales"]["quick"]["caps"]["datasets"]["parameters"] = 1000
    models = load("alluri", ROOT / "report", parse(raw, ["config.yaml"])).experiments["capacity"].models
    assert {model.replicates for model in models.values()} == {1}
