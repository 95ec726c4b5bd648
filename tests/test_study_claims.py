"""Claims within their study: what a study file may say, what variants differ in, and what a plan makes of it."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from conftest import ROOT, Project
from hwcore.claims.ledger import COLUMNS
from hwcore.config import parse
from hwcore.differences import differences
from hwcore.errors import HwcoreError
from hwcore.jobs import Job
from hwcore.plan import Plan
from hwcore.studies.study import Study, load

NORMALIZED = "normalised by the mean and standard deviation of the training images"
FUNCTION = {"function": "cos(x)", "domain": [-1, 1], "samples": 9, "test_samples": 9}
TRAINING = {"optimizer": "adam", "lr": 0.1, "loss": "mse", "epochs": 5, "batch_size": "full"}
MNIST = {"dataset": "mnist", "train_samples": 1000}
CLASSIFY = {**TRAINING, "loss": "cross_entropy", "batch_size": 50}
SOLVER = {"solver": "levenberg-marquardt"}
LINE = {"kind": "interpolation", "between": ["a", "b"], "alphas": {"start": 0, "stop": 1, "count": 3}}
CLAIM = {
    "where": "1",
    "says": "so",
    "experiment": "fit",
    "measure": {"value": "test_loss", "model": "a"},
    "rule": "threshold",
    "expect": {"below": 1},
}


def configuration(**changes: Any) -> Any:
    return parse({**yaml.safe_load((ROOT / "config.yaml").read_text()), **changes}, ["config.yaml"])


def study(
    folder: Path,
    claim: dict[str, Any],
    *,
    variants: dict[str, Any] | None = None,
    config: Any = None,
    **experiment: Any,
) -> Study:
    fit = {
        "section": "1",
        "title": "T",
        "data": FUNCTION,
        "training": TRAINING,
        "models": {"a": {"label": "A", "mlp": [1, 3, 1]}, "b": {"label": "B", "mlp": [1, 3, 1]}},
        "analyses": {"evaluation": {}, "predictions": {}, "line": LINE},
        "figures": {"loss": {"kind": "curves", "y": ["train_loss"], "caption": "C."}},
        "variants": variants or {},
        **experiment,
    }
    source = {"author": "A", "title": "T", "date": "D"}
    file = {"title": "T", "source": source, "replicates": 3, "experiments": {"fit": fit}, "claims": {"c": claim}}
    (folder / "report/s").mkdir(parents=True, exist_ok=True)
    (folder / "report/s/study.yaml").write_text(yaml.safe_dump(file, sort_keys=False))
    (folder / "report/s/report.md").write_text("Prose.\n")
    return load("s", folder / "report", config or configuration())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        # a line between two models is of neither
        ({"measure": {"value": "test_loss", "table": "line", "where": {"alpha": 0.5}}}, None),
        ({"measure": {"value": "test_loss"}}, "claims.c.measure.model: is missing; there are a, b"),
        (
            {
                "measure": {"along": ["x", "prediction"], "table": "predictions"},
                "rule": "trend-within",
                "expect": {"direction": "rising"},
            },
            "claims.c.measure.model: is missing; there are a, b",
        ),
        (
            {"measure": {"value": "x", "model": "a", "experiment": "fits"}},
            "experiment: unknown experiment 'fits'; did you",
        ),
        ({"measure": {"value": "x", "model": "z"}}, "claims.c: unknown model 'z'"),
        ({"measure": {"value": "x", "model": "a", "table": "sharpness"}}, "claims.c: unknown table 'sharpness'"),
        ({"rule": "treshold"}, "rule: unknown rule 'treshold'; did you mean `threshold`?"),
        ({"rule": "best"}, "rule: best does not fit a measure of a number per replicate, which count, prediction-int"),
        ({"expect": {"above": 1, "margin": 2}}, "margin is nothing that the rule threshold takes"),
        ({"figure": "los"}, "claims.c.figure: unknown figure 'los'; did you mean `loss`?"),
        (
            {"measure": {"value": "train_accuracy"}, "expect": {"above": 90}},
            "expect: above: 90 is more than all; accuracies are fractions: 0.9",
        ),
        (
            {"measure": {"value": "test_accuracy"}, "rule": "prediction-interval", "reported": "99.10", "expect": {}},
            "reported: 99.1 is more than all; accuracies are fractions: 0.991",
        ),
        ({"measure": None, "not_testable": "why"}, None),
        ({"not_testable": "why"}, "not_testable: stands instead of a measure, and here is one"),
        (
            {
                "measure": {"share": "loss_gap", "table": "evaluation", "model": "a"},
                "rule": "share",
                "expect": {"above": 0.5},
            },
            "claims.c.rule: share cannot decide with 3 replicates, which is what scale standard runs, whatever comes "
            "out; it takes 6",
        ),
        # of two models there are six networks
        ({"measure": {"share": "loss_gap", "table": "evaluation"}, "rule": "share", "expect": {"above": 0.5}}, None),
        (
            {"measure": {"best": "test_loss", "is": []}, "rule": "best", "expect": {}},
            "measure.is: [] is empty; it takes at least one",
        ),
        (
            {"measure": {"value": "test_loss", "model": "a", "where": {"epoch": [1, 2]}}},
            "claims.c.measure.where.epoch: [1, 2] is neither a number nor a word",
        ),
        (
            {"measure": {"correlation": ["epoch", "epoch"], "table": "metrics", "model": "a"}},
            "measure.correlation: both columns are 'epoch'",
        ),
        (
            {"measure": {"value": "test_los", "model": "a"}},
            "claims.c: the table metrics of fit has no column 'test_los'; did you mean `test_loss`?",
        ),
        # a function has no accuracies
        ({"measure": {"value": "test_accuracy", "model": "a"}}, "table metrics of fit has no column 'test_accuracy'"),
        ({"measure": {"value": "last_batch_loss", "model": "a"}}, "has no column 'last_batch_loss'"),
        ({"measure": {"value": "test_loss", "model": "a", "where": {"epochs": 5}}}, "'epochs'; did you mean `epoch`?"),
        (
            {"measure": {"best": "test_loss", "is": 5, "by": "batch"}, "rule": "best", "expect": {}},
            "the table metrics of fit has no column 'batch'",
        ),
        (
            {
                "measure": {"relation": ["parameters", "loss_gap"], "table": ["evaluation", "predictions"]},
                "rule": "trend",
            },
            "the table predictions of fit has no column 'loss_gap'",
        ),
        (
            {
                "measure": {"difference": [{"value": "test_loss", "model": "a"}, {"value": "los", "model": "b"}]},
                "rule": "comparison",
                "expect": {"above": 0},
            },
            "the table metrics of fit has no column 'los'",
        ),
        ({"otherwise": {"the last": {"value": "loss", "model": "a"}}}, "the table metrics of fit has no column 'loss'"),
        (
            {"measure": {"layers": "a", "kinds": ["conv", "linaer"]}, "rule": "count", "expect": {"equal": 2}},
            "measure.kinds.1: unknown layer 'linaer'; did you mean `linear`?",
        ),
        (
            {
                "measure": {"relation": ["parameters", "loss_gap"], "table": "evaluation", "models": ["a"]},
                "rule": "trend",
            },
            "claims.c.rule: trend decides nothing about 1 model, whatever comes out",
        ),
    ],
)
def test_a_claim_that_cannot_be_is_told_in_a_line(tmp_path: Path, changes: dict[str, Any], says: str | None) -> None:
    claim = {key: value for key, value in {**CLAIM, **changes}.items() if value is not None}
    if "not_testable" in changes and changes.get("measure", 1) is None:
        claim = {key: value for key, value in claim.items() if key not in ("rule", "expect")}
    if claim.get("rule") == "trend":
        claim["expect"] = {"above": 0}
    if says is None:
        assert study(tmp_path, claim).claims
        return
    with pytest.raises(HwcoreError, match=re.escape(says)) as error:
        study(tmp_path, claim)
    assert re.match(rf"{re.escape(str(tmp_path))}/report/s/study\.yaml:\d+: claims\.c\b", str(error.value))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ({"kind": "curves", "y": ["train_los"]}, "metrics has no column 'train_los'; did you mean `train_loss`?"),
        (
            {"kind": "curves", "y": ["x"], "table": "predictions", "floor": "evaluation"},
            "predictions has no column 'epo",
        ),
        ({"kind": "curves", "y": ["train_loss"], "floor": "line"}, "the table line has no column 'trained_loss'"),
        ({"kind": "capacity", "table": "metrics"}, "the table metrics has no column 'parameters'"),
        ({"kind": "sweep", "x": "rate", "measures": [["evaluation", "loss_gap"]]}, "evaluation has no column 'rate'"),
        ({"kind": "relation", "measures": [["line", "alpha"]]}, "the table line has no column 'loss_gap'"),
        ({"kind": "trajectory", "table": "way", "along": "tsne"}, "the table way has no column 'tsne1'"),
        ({"kind": "minimal_ratio", "table": "evaluation"}, "the table evaluation has no column 'loss'"),
        ({"kind": "ratio_tolerance", "table": "evaluation"}, "the table evaluation has no column 'minimal_ratio'"),
        *(
            ({"kind": kind, "table": "evaluation"}, "the table evaluation has no column")
            for kind in ("gradient_norm", "interpolation", "landscape", "predictions", "spectrum")
        ),
    ],
)
def test_a_figure_of_what_its_table_does_not_have_is_refused(tmp_path: Path, figure: dict[str, Any], says: str) -> None:
    analyses = {"evaluation": {}, "predictions": {}, "line": LINE, "way": {"kind": "trajectory"}}
    figures = {"f": {**figure, "caption": "C."}}
    with pytest.raises(HwcoreError, match=re.escape(says)) as error:
        study(tmp_path, CLAIM, analyses=analyses, figures=figures, record={"weights_every": 1})
    assert "experiments.fit.figures.f: the table " in str(error.value)


BLOCK = [{"linear": 5}, {"residual": [{"linear": 5}, "tanh", {"linear": 5}]}, {"linear": 1}]
SPECTRUM = {"kind": "hessian_spectrum"}


@pytest.mark.parametrize(
    ("analysis", "model", "says"),
    [
        ({"kind": "fitting"}, {}, "fitting cannot take model a, which learns a function, which has no accuracy"),
        ({"kind": "predictions"}, {"mlp": [784, 10]}, "predictions cannot take model a, which learns classes, not a f"),
        ({"kind": "optimum"}, {"mlp": [784, 3, 10]}, "has the loss cross_entropy, and Levenberg-Marquardt needs mse"),
        (
            {"kind": "optimum"},
            {"mlp": [1, 99, 99, 1]},
            "10,198 parameters, and Levenberg-Marquardt takes at most",
        ),
        (
            {"kind": "critical_points", **SOLVER},
            {"mlp": [784, 10]},
            "the loss cross_entropy, and the solver needs mse",
        ),
        (
            {"kind": "critical_points", "solver": "none"},
            {"mlp": [1, 99, 99, 1]},
            "and an exact Hessian takes at most 2,0",
        ),
        (
            {"kind": "critical_points", "solver": "none", "activation": "tanh"},
            {},
            "t: activation: tanh changes the trained network, so that it needs a solver: set solver: levenberg-marqua",
        ),
        (
            {"kind": "critical_points", **SOLVER, "saddles": True},
            {},
            "t: saddles: they need `activation: tanh`, which is 0 at 0, not none",
        ),
        (
            {"kind": "critical_points", **SOLVER, "activation": "tanh"},
            {"input": [1], "layers": BLOCK},
            "which has activations within a block or module, and only those in the list of layers can be replaced",
        ),
        (
            {"kind": "critical_points", **SOLVER, "activation": "tanh", "saddles": True},
            {"mlp": [1, 1]},
            "which is not a perceptron with biases and a hidden layer, as `saddles` needs it",
        ),
        (
            {**SPECTRUM, "count": 99},
            {},
            "cannot take model a, which has 10 parameters, fewer than `count: 99`",
        ),
        (
            {**SPECTRUM, "matrix": "ggn"},
            {"mlp": [784, 10], "training": {"loss": "nll"}},
            "nll without a log_softmax",
        ),
        (
            {**SPECTRUM, "by": "layer"},
            {"torchvision": "squeezenet1_1", "input": [3, 32, 32], "out": 10},
            "which has no linear or convolutional layer in its list of layers, of which `by: layer` takes the blocks",
        ),
        (
            {"kind": "sharpness", "rescale": 2},
            {"mlp": [1, 1]},
            "has no two layers with only ReLUs between them",
        ),
        (
            {"kind": "trajectory", "layer": 3},
            {},
            "cannot take model a, which has no layer 3: 2 with weights",
        ),
        (
            {"kind": "trajectory", "layer": 2},
            {"layers": [1]},
            "trajectory needs `record: {layers: [1, 2]}`",
        ),
        ({"kind": "trajectory"}, {"layers": [1]}, "trajectory needs `record: {weights_every: 3, layers: null}`"),
        (
            {"kind": "landscape", "across": "trajectory"},
            {"layers": [1]},
            "landscape needs `record: {weights_every: 3, layers: null}`",
        ),
        (
            {"kind": "landscape", "across": "trajectory", "extent": 2.0},
            {},
            "extent: the recorded weights say how far their plane goes; leave it out",
        ),
        (
            {**LINE, "alphas": {"start": 1, "stop": 1, "count": 3}},
            {},
            "alphas: start and stop are both 1; one of them should be another number",
        ),
        (
            LINE,
            {"mlp": [1, 5, 1]},
            "layer 2, linear, has another `out`: 5 in one and 3 in the other",
        ),
        (LINE, {"mlp": [1, 3, 3, 1]}, "no line: layer 4, linear, has another `out`: 3 in one and 1 in the other"),
        (
            LINE,
            {"activation": "tanh"},
            "a and b have different networks, between which there is no line: layer 3",
        ),
        (
            LINE,
            {"input": [1], "layers": [{"linear": 3}, "relu", {"linear": 1}]},
            "no line: layer 1 is linear in one",
        ),
    ],
)
def test_an_analysis_that_cannot_take_a_model_is_refused(
    tmp_path: Path, analysis: dict[str, Any], model: dict[str, Any], says: str
) -> None:
    record = {"weights_every": 1, "layers": model.pop("layers") if model.get("layers") == [1] else None}
    form = {} if "layers" in model or "torchvision" in model else {"mlp": [1, 3, 1]}
    models = {"a": {"label": "A", **form, **model}, "b": {"label": "B", "mlp": [1, 3, 1]}}
    classes = model.get("mlp", [1])[0] == 784 or "torchvision" in model
    if classes:
        del models["b"]
    data = {"dataset": "cifar10" if "torchvision" in model else "mnist", "train_samples": 1000}
    about = {"data": data, "training": CLASSIFY} if classes else {}
    with pytest.raises(HwcoreError, match=re.escape(says)) as error:
        study(tmp_path, CLAIM, analyses={"t": analysis}, models=models, record=record, figures={}, **about)
    assert re.search(r"study\.yaml:\d+: experiments\.fit\.analyses\.t", str(error.value))


def test_layers_are_counted_with_those_within_blocks(tmp_path: Path) -> None:
    layers = [{"residual": [{"linear": 1}, "relu"]}, {"linear": 3}, "relu", {"linear": 1}]
    measure = {"layers": "a", "kinds": ["linear", "relu"]}
    claim = {**CLAIM, "measure": measure, "rule": "count", "expect": {"equal": 5}}
    study(tmp_path, claim, models={"a": {"label": "A", "input": [1], "layers": layers}}, analyses={})
    (model,) = judged(tmp_path).spec["models"]["fit"]
    assert model["layers"] == {"residual": 1, "linear": 3, "relu": 2}


def test_one_replicate_cannot_decide_and_a_scale_that_does_not_judge_may_have_it(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match=r"claims.c.rule: threshold cannot decide with 1 replicate, .* standard"):
        study(tmp_path, CLAIM, replicates=1)
    # whoever asks for fewer on the command line gets verdicts that say so
    assert study(tmp_path, CLAIM, config=configuration(replicates=1, scale="full")).claims


def test_the_caps_of_a_scale_count(tmp_path: Path) -> None:
    claim = {**CLAIM, "measure": {"share": "loss_gap", "table": "evaluation", "model": "a"}, "rule": "share"}
    claim["expect"] = {"above": 0.5}
    assert study(tmp_path, claim, replicates=6).claims
    capped = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    capped["standard"]["caps"]["functions"]["replicates"] = 5
    with pytest.raises(HwcoreError, match="cannot decide with 5 replicates, which is what scale standard runs"):
        study(tmp_path, claim, replicates=6, config=configuration(scales=capped))


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        ({}, {"random_labels": 0.5}, "the data of the two models differ"),
        ({}, {}, None),
        # analyses take images as they are
        ({}, {"augment": [{"flip": 0.5}]}, None),
    ],
)
def test_what_lies_between_two_networks_needs_the_data_of_both(
    tmp_path: Path, a: dict[str, Any], b: dict[str, Any], says: str | None
) -> None:
    models = {name: {"label": name, "mlp": [784, 5, 10], "data": data} for name, data in (("a", a), ("b", b))}
    experiment: dict[str, Any] = {"data": MNIST, "training": CLASSIFY, "models": models}
    analyses = {"line": LINE, "evaluation": {}}
    if says is None:
        assert study(tmp_path, CLAIM, analyses=analyses, **experiment).claims
        return
    with pytest.raises(HwcoreError, match=rf"analyses.line.between: {says}, so that no loss"):
        study(tmp_path, CLAIM, analyses=analyses, **experiment)


def test_networks_of_which_a_cap_leaves_other_numbers_of_images_may_be_joined(tmp_path: Path) -> None:
    capped = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    # half an epoch, in whole batches
    capped["standard"]["caps"]["datasets"]["teraflop"] = 6e-12 * (784 * 5 + 50) * 500
    models = {
        name: {"label": name, "mlp": [784, 5, 10], "training": {"batch_size": size}}
        for name, size in (("a", 50), ("b", 300))
    }
    config = configuration(scales=capped, scale="standard")
    analyses = {"line": LINE, "evaluation": {}}
    found = study(tmp_path, CLAIM, config=config, data=MNIST, training=CLASSIFY, models=models, analyses=analyses)
    kept = [getattr(model.data, "train_samples", None) for model in found.experiments["fit"].models.values()]
    assert kept[0] != kept[1]


def test_a_squared_error_of_classes_is_refused(tmp_path: Path) -> None:
    models = {"a": {"label": "A", "mlp": [784, 5, 10]}}
    with pytest.raises(HwcoreError, match=r"training.loss: 'mse' needs a function; classes need cross_entropy or nll"):
        study(tmp_path, CLAIM, data=MNIST, models=models, analyses={"evaluation": {}})


def test_a_cap_below_the_least_value_of_an_option_is_told(tmp_path: Path) -> None:
    capped = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    capped["quick"]["caps"]["analyses"]["landscape"] = {"count": 1}
    says = r"^config.yaml: scales.quick.caps.analyses.landscape.count: 1 should be"
    with pytest.raises(HwcoreError, match=says) as error:
        study(
            tmp_path,
            CLAIM,
            config=configuration(scales=capped),
            analyses={"landscape": {"across": "line"}, "evaluation": {}},
        )
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "training", "model", "variant", "words"),
    [
        (FUNCTION, TRAINING, {}, {"training": {"lr": 0.01}}, ["learning rate 0.01 instead of 0.1"]),
        (FUNCTION, TRAINING, {}, {"training": {"epochs": 7}}, ["7 epochs instead of 5"]),
        (FUNCTION, TRAINING, {}, {"training": {"weight_decay": 0.1}}, ["weight decay 0.1"]),
        (FUNCTION, {**TRAINING, "weight_decay": 0.1}, {}, {"training": {"weight_decay": 0}}, ["no weight decay"]),
        (
            MNIST,
            {**CLASSIFY, "modes": {"dropout_in_evaluation": True}},
            {},
            {"training": {"modes": None}},
            ["training and evaluation modes as usual"],
        ),
        (
            {**MNIST, "augment": [{"flip": 0.5}]},
            CLASSIFY,
            {"input": [1, 28, 28], "layers": ["flatten", {"linear": 10}]},
            {"data": {"augment": []}},
            ["no horizontal flip with probability 0.5"],
        ),
        (
            FUNCTION,
            TRAINING,
            {},
            {"training": {"until": {"loss": 0.1}}},
            ["training that ends once training loss ≤ 0.1"],
        ),
        (FUNCTION, TRAINING, {}, {"training": {"batch_size": 4}}, ["batch size 4 instead of full batches"]),
        (FUNCTION, TRAINING, {}, {"training": {"shuffle": False}}, ["samples in the same order in every epoch"]),
        (MNIST, CLASSIFY, {}, {"training": {"batch_size": "full"}}, ["full batches instead of batch size 50"]),
        (
            MNIST,
            CLASSIFY,
            {},
            {"training": {"modes": {"dropout_in_evaluation": True}}},
            ["dropout active in evaluation"],
        ),
        (FUNCTION, TRAINING, {}, {"data": {"samples": 20}}, ["20 samples on an even grid instead of 9"]),
        (
            FUNCTION,
            TRAINING,
            {},
            {"data": {"function": "arcsinh(x)"}},
            ["arcsinh x on [−1, 1] instead of cos x on [−1, 1]"],
        ),
        (MNIST, CLASSIFY, {}, {"data": {"random_labels": 1.0}}, ["all training labels random"]),
        (MNIST, CLASSIFY, {}, {"data": {"random_labels": 0.5}}, ["50 % of the training labels random"]),
        (
            {**MNIST, "random_test_labels": 1.0},
            CLASSIFY,
            {},
            {"data": {"random_test_labels": 0.0}},
            ["true test labels"],
        ),
        (MNIST, CLASSIFY, {}, {"data": {"normalize": False}}, ["inputs not normalised"]),
        ({**MNIST, "normalize": False}, CLASSIFY, {}, {"data": {"normalize": True}}, [f"inputs {NORMALIZED}"]),
        (
            MNIST,
            CLASSIFY,
            {},
            {"data": {"normalize": {"mean": 0.5, "std": 0.5}}},
            ["inputs normalised by mean 0.5 and standard deviation 0.5"],
        ),
        (
            MNIST,
            CLASSIFY,
            {"input": [784], "layers": [{"linear": 9}, "relu", {"linear": 10}]},
            {"models": {"a": {"layers": [{"linear": 9}, "relu", {"linear": 10}, "softmax"]}}},
            ["softmax before cross-entropy"],
        ),
        (
            MNIST,
            CLASSIFY,
            {"input": [784], "layers": [{"linear": 9}, {"dropout": 0.5}, "relu", {"linear": 10}]},
            {"models": {"a": {"layers": [{"linear": 9}, "tanh", "relu", {"linear": 10}]}}},
            ["tanh instead of dropout 0.5"],
        ),
        (MNIST, CLASSIFY, {"mlp": [784, 5, 10]}, {"models": {"a": {"mlp": [784, 6, 10]}}}, None),
    ],
)
def test_what_two_variants_differ_in(
    tmp_path: Path,
    data: dict[str, Any],
    training: dict[str, Any],
    model: dict[str, Any],
    variant: dict[str, Any],
    words: list[str] | None,
) -> None:
    model = model or {"mlp": [784, 5, 10] if "dataset" in data else [1, 3, 1]}
    found = study(
        tmp_path,
        CLAIM,
        variants={"as-run": {"why": "W.", **variant}},
        data=data,
        training=training,
        models={"a": {"label": "A", **model}},
        analyses={},
    )
    said = differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])
    assert said == (words if words is not None else ["784-6-10, relu instead of 784-5-10, relu"])


def test_a_variant_without_a_number_of_images_has_all_of_them_in_their_own_size(tmp_path: Path) -> None:
    variants = {"as-run": {"why": "W.", "data": {"train_samples": None, "size": None}}}
    data = {**MNIST, "size": [28, 28]}
    models = {"a": {"label": "A", "mlp": [784, 5, 10]}}
    found = study(
        *(tmp_path, CLAIM),
        variants=variants,
        config=configuration(scale="full"),
        data=data,
        training=CLASSIFY,
        models=models,
        analyses={},
    )
    said = differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])
    assert said == ["images of their own size", "all training images"]


def test_a_difference_of_some_models_names_them_and_one_of_an_analysis_names_it(tmp_path: Path) -> None:
    claim = {**CLAIM, "measure": {"best": "prediction", "table": "predictions", "is": "a"}, "rule": "best"}
    del claim["expect"]
    variant = {
        "why": "W.",
        "models": {"a": {"training": {"lr": 0.5}}, "b": {"mlp": [1, 5, 1]}},
        "analyses": {"predictions": {"points": 10}},
    }
    models = {"a": {"label": "model A", "mlp": [1, 3, 1]}, "b": {"label": "model B", "mlp": [1, 4, 1]}}
    found = study(tmp_path, claim, variants={"as-run": variant}, models=models, analyses={"predictions": {}})
    described, as_run = found.experiments["fit"], found.experiments["fit--as-run"]
    assert differences(described, as_run, found.claims["c"]) == [
        "learning rate 0.5 instead of 0.1 in model A",
        "1-5-1, relu instead of 1-4-1, relu in model B",
        "10 points instead of 400 in the predictions",
    ]


def test_differences_of_the_same_models_are_one_phrase_with_their_short_names(tmp_path: Path) -> None:
    claim = {**CLAIM, "measure": {"best": "test_accuracy", "is": "a"}, "rule": "best"}
    del claim["expect"]
    layers = [{"linear": 9}, {"dropout": 0.25}, "relu", {"dropout": 0.25}, {"linear": 10}]
    labels = {"a": "CNN 1, small", "b": "CNN 2, 4 hidden layers", "c": "CNN 3, 1 hidden layer"}
    models = {name: {"label": label, "input": [784], "layers": layers} for name, label in labels.items()}
    slower = {"training": {"lr": 0.5}, "layers": [{"linear": 9}, "relu", {"linear": 10}]}
    described = {"data": MNIST, "training": CLASSIFY, "analyses": {}}

    def said() -> list[str]:
        variants = {"as-run": {"why": "W.", "models": {"b": slower, "c": slower}}}
        found = study(tmp_path, claim, variants=variants, models=models, **described)
        return differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])

    assert said() == ["learning rate 0.5 instead of 0.1 and no dropout in CNN 2 and CNN 3"]
    # a name that two models would have is no name
    models["a"]["label"] = "CNN 2, small"
    assert said() == [
        "learning rate 0.5 instead of 0.1 and no dropout in CNN 2, 4 hidden layers and CNN 3, 1 hidden layer"
    ]


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        (
            "critical_points",
            {"solver": "none"},
            {"solver": "levenberg-marquardt", "tolerance": 1e-8, "activation": "tanh"},
            "a Levenberg-Marquardt solver, tolerance 10⁻⁸ instead of 10⁻⁶ and tanh activation",
        ),
        ("critical_points", {"solver": "levenberg-marquardt"}, {"solver": "none"}, "no solver"),
        ("evaluation", {"samples": 5}, {"samples": None}, "all samples instead of 5"),
        ("evaluation", {}, {"samples": 5}, "5 samples instead of all"),
        ("sharpness", {"rescale": 4.0}, {"rescale": None}, "no rescaling"),
        (
            "interpolation",
            {"between": ["a", "b"], "alphas": {"start": 0, "stop": 1, "count": 3}},
            {"alphas": {"start": -1, "stop": 2, "count": 3}, "batch_norm": "recompute"},
            "3 values of α from −1 to 2 instead of 3 values of α from 0 to 1 and recomputed running statistics "
            "instead of interpolated running statistics",
        ),
    ],
)
def test_what_is_there_in_place_of_nothing_is_said_without_it(
    tmp_path: Path, kind: str, old: dict[str, Any], new: dict[str, Any], words: str
) -> None:
    measure = {"value": "loss" if kind == "critical_points" else "train_loss", "table": "t"} | (
        {} if kind == "interpolation" else {"model": "a"}
    )
    variants = {"as-run": {"why": "W.", "analyses": {"t": new}}}
    analyses = {"t": {"kind": kind, **old}}
    full = configuration(scale="full")
    found = study(tmp_path, {**CLAIM, "measure": measure}, variants=variants, config=full, analyses=analyses)
    said = differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])
    assert said == [f"{words} in the t"]


def test_differences_of_one_analysis_are_one_phrase(tmp_path: Path) -> None:
    claim = {**CLAIM, "measure": {"value": "test_loss", "table": "evaluation", "model": "a"}}
    options = {"dropout": True, "test_loss_factor": 4 / 3}
    found = study(tmp_path, claim, variants={"as-run": {"why": "W.", "analyses": {"evaluation": options}}})
    assert differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"]) == [
        "dropout active and test loss multiplied by 1.333 instead of 1 in the evaluation"
    ]


def test_another_batch_of_an_analysis_is_named_in_words(tmp_path: Path) -> None:
    claim = {**CLAIM, "measure": {"value": "loss_gradient_norm", "table": "sensitivity", "model": "a"}}
    described = {"data": MNIST, "training": CLASSIFY, "analyses": {"sensitivity": {}}, "record": {"last_batch": True}}
    models = {"a": {"label": "A", "mlp": [784, 3, 10]}}
    variants = {"as-run": {"why": "W.", "analyses": {"sensitivity": {"batch": "last"}}}}
    found = study(tmp_path, claim, variants=variants, models=models, **described)
    words = differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])
    assert words == ["the last batch instead of the first in the sensitivity"]


def test_a_claim_of_other_models_is_not_compared(tmp_path: Path) -> None:
    variants = {"as-run": {"why": "W.", "models": {"a": None}}, "corrected": {"why": "W.", "models": {"c": {}}}}
    variants["corrected"]["models"]["c"] = {"label": "C", "mlp": [1, 9, 1]}
    found = study(tmp_path, CLAIM, variants=variants, analyses={})
    assert [other.id for other in found.counterparts(found.claims["c"])] == ["fit--corrected"]


def test_a_study_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    study(tmp_path, CLAIM)
    judged(tmp_path)
    (tmp_path / "report/s").rename(tmp_path / "report/s.2")
    plan = Plan(configuration(studies=["s.2"]), tex=False, root=tmp_path)
    assert plan.job("markdown", "s.2").outputs["markdown"].name == "s.2.md"
    assert plan.job("html", "s.2").outputs["html"].name == "s.2.html"


def test_the_plan_passes_on_what_a_verdict_needs(tmp_path: Path) -> None:
    elsewhere = {"value": "test_loss", "model": "a", "experiment": "fit--corrected"}
    claim = {**CLAIM, "measure": {"difference": [CLAIM["measure"], elsewhere]}, "rule": "comparison"}
    study(tmp_path, claim, variants={"corrected": {"why": "W.", "training": {"epochs": 9}}})
    job = judged(tmp_path)
    assert {*job.inputs} == {"fit/metrics/a", "fit/metrics/b", "fit--corrected/metrics/a", "fit--corrected/metrics/b"}
    case = job.spec["cases"]["c"]
    assert case["figure"] == "figures/s/fit/loss"
    assert case["variants"] == []
    assert {"hwcore.claims.rules.comparison", "hwcore.claims.measures.value"} <= {*job.modules}


@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        ({"value": "test_accuracy", "model": "a"}, "accuracy"),
        ({"value": "train_loss", "model": "a"}, "loss"),
        ({"difference": [{"value": "test_accuracy", "model": each} for each in "ab"]}, "accuracy"),
        # which none shows
        ({"value": "seconds", "model": "a"}, "loss"),
    ],
)
def test_a_claim_goes_with_the_figure_that_shows_its_columns(
    tmp_path: Path, measure: dict[str, Any], figure: str
) -> None:
    curves = {"kind": "curves", "caption": "C."}
    figures = {"loss": {**curves, "y": ["train_loss"]}, "accuracy": {**curves, "y": ["train_accuracy"]}}
    rule = {"rule": "comparison", "expect": {"above": 0}} if "difference" in measure else {}
    models = {name: {"label": name, "mlp": [784, 3, 10]} for name in "ab"}
    classes = {"data": MNIST, "training": CLASSIFY, "models": models, "analyses": {}}
    study(tmp_path, {**CLAIM, "measure": measure, **rule}, figures=figures, **classes)
    assert judged(tmp_path).spec["cases"]["c"]["figure"] == f"figures/s/fit/{figure}"


@pytest.mark.parametrize(
    ("caps", "words", "share"),
    [
        ({}, "", 1),
        ({"replicates": 2}, "", 1),
        ({"epochs": 2}, "2 epochs instead of 5", 0.4),
        # 6 · 2,382 operations of an image for model a
        ({"teraflop": 3e-5}, "2 epochs instead of 5", 0.4),
        ({"teraflop": 5e-6}, "1 epoch on 300 of 1,000 images instead of 5 on all", 0.06),
        ({"train_samples": 200}, "5 epochs on 200 of 1,000 images", 0.2),
        ({"train_samples": 2000}, "", 1),
    ],
)
def test_a_provisional_verdict_says_what_was_cut(
    tmp_path: Path, caps: dict[str, Any], words: str, share: float
) -> None:
    models = {"a": {"label": "A", "mlp": [784, 3, 10]}}
    study(tmp_path, CLAIM, data=MNIST, training=CLASSIFY, models=models, analyses={})
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": {"datasets": caps}}
    case = judged(tmp_path, scales=scales).spec["cases"]["c"]
    how = {"words": words, "share": pytest.approx(share), "fewer_images": "images" in words}
    how |= {"uneven": False, "lengths": {}}
    assert case["cut"] == (how if words else {})
    # but for the cut of the training
    assert case["whole"] == ("replicates" not in caps)


def test_a_claim_knows_the_caps_of_trainings_that_may_have_ended_before(tmp_path: Path) -> None:
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": {"datasets": {"epochs": 2}}}
    models = {"a": {"label": "A", "mlp": [784, 3, 10]}}
    for stops in ({}, {"until": {"accuracy": 0.9}}, {"until": {"accuracy": 0.9}, "scheduler": {"kind": "cosine"}}):
        study(tmp_path, CLAIM, data=MNIST, training={**CLASSIFY, **stops}, models=models, analyses={})
        lengths = judged(tmp_path, scales=scales).spec["cases"]["c"]["cut"]["lengths"]
        # a learning rate that falls over the whole training falls faster in a shorter one
        assert lengths == ({"fit/a": 2} if stops.keys() == {"until"} else {})


def test_what_is_judged_on_a_stand_in_is_not_whole(tmp_path: Path) -> None:
    study(tmp_path, CLAIM, data=MNIST, training=CLASSIFY, models={"a": {"label": "A", "mlp": [784, 10]}}, analyses={})
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    for stand_ins, whole in (({}, True), ({"mnist": "digits"}, False)):
        scales["quick"] = {"describes": "D", "judged": "provisional", "datasets": stand_ins}
        assert judged(tmp_path, scales=scales).spec["cases"]["c"]["whole"] == whole


@pytest.mark.parametrize(
    ("column", "samples", "whole"), [("train_loss", 1000, True), ("train_loss", 999, False), ("test_loss", 999, True)]
)
def test_an_analysis_is_whole_where_its_cap_takes_nothing_that_counts(
    tmp_path: Path, column: str, samples: int, whole: bool
) -> None:
    measure = {"value": column, "table": "evaluation", "model": "a"}
    models = {"a": {"label": "A", "mlp": [784, 10]}}
    study(
        tmp_path,
        {**CLAIM, "measure": measure},
        data=MNIST,
        training=CLASSIFY,
        models=models,
        analyses={"evaluation": {}},
    )
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    caps = {"analyses": {"evaluation": {"samples": samples}}}
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": caps}
    case = judged(tmp_path, scales=scales).spec["cases"]["c"]
    assert (case["whole"], case["samples"]) == (whole, None if whole else samples)


def test_what_was_cut_of_several_models_is_a_span(tmp_path: Path) -> None:
    models = {name: {"label": name, "mlp": [784, width, 10]} for name, width in (("a", 3), ("b", 30))}
    measure = {"difference": [{"value": "test_loss", "model": each} for each in "ab"]}
    claim = {**CLAIM, "measure": measure, "rule": "comparison"}
    study(tmp_path, claim, data=MNIST, training=CLASSIFY, models=models, analyses={})
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": {"datasets": {"teraflop": 3e-5}}}
    case = judged(tmp_path, scales=scales).spec["cases"]["c"]
    # the one network has two epochs of five, the other a fifth of one
    words = "1 to 2 epochs on 200 to 1,000 of 1,000 images instead of 5 on all"
    how = {"words": words, "share": pytest.approx(0.04), "fewer_images": True, "uneven": True, "lengths": {}}
    assert case["cut"] == how


def test_other_measures_and_variants_are_cut_by_themselves(tmp_path: Path) -> None:
    models = {name: {"label": name, "mlp": [784, width, 10]} for name, width in (("a", 3), ("b", 30))}
    claim = {**CLAIM, "otherwise": {"b": {**CLAIM["measure"], "model": "b"}}}
    variants = {"corrected": {"why": "W.", "models": {"a": {"mlp": [784, 60, 10]}}}}
    study(tmp_path, claim, data=MNIST, training=CLASSIFY, models=models, analyses={}, variants=variants)
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": {"datasets": {"teraflop": 1e-4}}}
    case = judged(tmp_path, scales=scales).spec["cases"]["c"]
    assert case["cut"] == {}
    assert case["otherwise"]["b"]["words"] == "1 epoch on 650 of 1,000 images instead of 5 on all"
    assert case["variants"][0]["cut"]["words"] == "1 epoch on 300 of 1,000 images instead of 5 on all"


def test_a_variant_is_cut_by_the_models_that_it_shares(tmp_path: Path) -> None:
    models = {name: {"label": name, "mlp": [784, width, 10]} for name, width in (("a", 3), ("b", 4))}
    measure = {"best": "test_accuracy", "at": "max", "is": "a"}
    claim = {**CLAIM, "measure": measure, "rule": "best"}
    del claim["expect"]
    variants = {"corrected": {"why": "W.", "models": {"big": {"label": "big", "mlp": [784, 900, 10]}}}}
    study(tmp_path, claim, data=MNIST, training=CLASSIFY, models=models, analyses={}, variants=variants)
    scales = yaml.safe_load((ROOT / "config.yaml").read_text())["scales"]
    scales["quick"] = {"describes": "D", "judged": "provisional", "caps": {"datasets": {"teraflop": 1e-3}}}
    case = judged(tmp_path, scales=scales).spec["cases"]["c"]
    assert (case["cut"], [variant["cut"] for variant in case["variants"]]) == ({}, [{}])


def judged(root: Path, **changes: Any) -> Job:
    """The job that judges the study of a folder, to which all that pipelines read is copied."""
    for name in ("workflow_scripts", "hwcore", "report"):
        target = root / name
        for path in (ROOT / name).rglob("*"):
            if (
                path.suffix in (".py", ".css", ".html", ".js", ".lua", ".tex", ".typ", ".bib", ".mplstyle")
                and path.is_file()
            ):
                (target / path.relative_to(ROOT / name)).parent.mkdir(parents=True, exist_ok=True)
                (target / path.relative_to(ROOT / name)).write_bytes(path.read_bytes())
    return Plan(configuration(studies=["s"], **changes), tex=False, root=root).job("judge", "s")


def test_the_ledger_of_a_run(finished: Project) -> None:
    table = pd.read_parquet(finished.folder / "results/quick/claims.parquet")
    assert tuple(table.columns) == COLUMNS
    row = table.iloc[0]
    assert (row.verdict, row.rule, row.kind, row.reproduced) == ("not judged", "count", "count", 10)
    assert (finished.folder / "results/quick/claims.json").read_text().startswith("[\n {")


def test_a_scale_that_judges_gives_verdicts(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    config = yaml.safe_load((clone.folder / "config.yaml").read_text())
    config["scales"]["quick"]["judged"] = "provisional"
    config["scales"]["quick"]["caps"]["functions"]["epochs"] = 3
    (clone.folder / "more.yaml").write_text(yaml.safe_dump({"scales": {"quick": config["scales"]["quick"]}}))
    clone.edit(
        "report/tiny/study.yaml",
        "claims:\n",
        "claims:\n"
        "  learns:\n"
        '    where: "1"\n'
        "    says: The narrow network learns.\n"
        "    experiment: fit\n"
        "    measure:\n"
        "      difference: [{value: train_loss, model: narrow}, {value: train_loss, model: narrow, at: first}]\n"
        "    rule: comparison\n"
        "    expect: {below: 0}\n"
        "  layers:\n"
        '    where: "2"\n'
        "    says: The networks have three layers.\n"
        "    experiment: classify\n"
        "    measure: {layers: wide, kinds: [linear, relu], experiment: fit--corrected}\n"
        "    rule: count\n"
        "    expect: {equal: 3}\n"
        "  taste:\n"
        '    where: "1"\n'
        "    says: The figure is pretty.\n"
        "    experiment: fit\n"
        "    not_testable: it is a matter of taste\n",
    )
    clone.run("claims", "--configfile", "more.yaml")
    table = pd.read_parquet(clone.folder / "results/quick/claims.parquet").set_index("claim")
    assert table.verdict["count"] == "right"
    assert table.verdict["layers"] == "right"
    assert table.metric["layers"] == "number of linear and ReLU layers of wide in “Fit cos x, corrected”"
    assert table.verdict["taste"] == "not testable"
    assert table.verdict["learns"] in ("holds", "fails", "undecided")
    # what the scale cuts is told where it matters
    assert table.reason["learns"].endswith("Provisional, after 3 epochs instead of 6.")
    assert "Provisional" not in table.reason["count"]
