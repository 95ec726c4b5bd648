"""Sweeps of models and claims about each of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.studies.families import combinations, fill, in_id, in_words
from hwcore.studies.resolved import Experiment, Study
from hwcore.studies.study import load

HEAD = """title: T
replicates: 3
experiments:
  e:
    section: "1"
    title: T
    data: {dataset: mnist}
    training: {optimizer: adam, lr: 0.001, loss: cross_entropy, epochs: 5, batch_size: 50}
    models:
"""
SINGLE = "      m: {label: M, mlp: [784, 10]}\n"


def study(tmp_path: Path, models: str, rest: str = "") -> Study:
    (tmp_path / "s").mkdir(exist_ok=True)
    (tmp_path / "s/study.yaml").write_text(HEAD + models + rest)
    raw = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": "full"}
    return load("s", tmp_path, parse(raw, ["config.yaml"]))


def experiment(tmp_path: Path, models: str, rest: str = "") -> Experiment:
    return study(tmp_path, models, rest).experiments["e"]


def test_ten_networks_in_four_lines_are_those_of_ten_lines(tmp_path: Path) -> None:
    short = """
      p{parameters}:
        zip: {hidden: [[2, 5], [4, 8], [10, 20], [20, 30], [50, 25], [100, 50], [200, 100], [400, 200], [60], [9]]}
        label: 784-{hidden}-10
        mlp: [784, "{hidden}", 10]
"""
    widths = ([2, 5], [4, 8], [10, 20], [20, 30], [50, 25], [100, 50], [200, 100], [400, 200], [60], [9])
    counts = (1645, 3270, 8280, 16640, 40785, 84060, 178110, 396210, 47710, 7165)
    long = "".join(
        f"      p{count}: {{label: {'-'.join(map(str, [784, *hidden, 10]))}, mlp: {[784, *hidden, 10]}}}\n"
        for count, hidden in zip(counts, widths, strict=True)
    )
    assert experiment(tmp_path, short) == experiment(tmp_path, long)


def test_a_label_that_is_a_value_alone_is_words(tmp_path: Path) -> None:
    models = "      b-{batch_size}: {matrix: {training.batch_size: [5, 1500]}, label: '{batch_size}', mlp: [784, 10]}\n"
    assert [model.label for model in experiment(tmp_path, models).models.values()] == ["5", "1,500"]


def test_a_value_sets_what_it_is_called_after(tmp_path: Path) -> None:
    short = """
      batch-{batch_size}-lr-{lr}:
        matrix: {training.lr: [0.001, 1.0e-2], training.batch_size: [64, 1024]}
        label: "batch {batch_size}, lr {lr}"
        mlp: [784, 20, 10]
        training: {weight_decay: 0.1}
"""
    long = """
      batch-64-lr-0-001: {label: "batch 64, lr 0.001", mlp: [784, 20, 10], training: {weight_decay: 0.1}}
      batch-1024-lr-0-001:
        label: "batch 1,024, lr 0.001"
        mlp: [784, 20, 10]
        training: {batch_size: 1024, weight_decay: 0.1}
      batch-64-lr-0-01: {label: "batch 64, lr 0.01", mlp: [784, 20, 10], training: {lr: 0.01, weight_decay: 0.1}}
      batch-1024-lr-0-01:
        label: "batch 1,024, lr 0.01"
        mlp: [784, 20, 10]
        training: {lr: 0.01, batch_size: 1024, weight_decay: 0.1}
"""
    short = short.replace("64, 1024", "64, 1024")
    swept, written = (
        experiment(tmp_path, short),
        experiment(tmp_path, long.replace("lr: 0.01, batch", "lr: 0.01, batch")),
    )
    assert [*swept.models] == [*written.models]
    for name, model in swept.models.items():
        other = written.models[name]
        assert (model.label, model.network, model.data) == (other.label, other.network, other.data)
        expected = {"batch_size": 64} if "64" in name.split("-")[1] else {"batch_size": 1024}
        assert model.training == other.training.model_copy(update=expected)


def test_include_and_exclude(tmp_path: Path) -> None:
    models = """
      a-{lr}-{seed}:
        matrix: {training.lr: [0.1, 0.2, 0.3], seed: [1, 2]}
        exclude: [{training.lr: 0.2}, {training.lr: 0.3, seed: 1}]
        include: [{training.lr: 0.5, seed: 7, training.momentum: 0.9}]
        label: "{lr:.1%} and {seed}"
        mlp: [784, 10]
        training: {optimizer: sgd}
"""
    found = experiment(tmp_path, models).models
    assert [*found] == ["a-0-1-1", "a-0-1-2", "a-0-3-2", "a-0-5-7"]
    assert [model.label for model in found.values()] == ["10.0% and 1", "10.0% and 2", "30.0% and 2", "50.0% and 7"]
    assert [model.training.momentum for model in found.values()] == [0, 0, 0, 0.9]


def test_a_zip_and_a_matrix_are_crossed() -> None:
    rows = combinations({"zip": {"a": [1, 2], "b": [3, 4]}, "matrix": {"c": [5, 6]}}, "f")
    assert [tuple(row.values()) for row in rows] == [(1, 3, 5), (1, 3, 6), (2, 4, 5), (2, 4, 6)]


def test_data_and_single_layers_can_be_swept(tmp_path: Path) -> None:
    models = """
      noise-{random_labels:.0%}:
        zip: {data.random_labels: [0.0, 0.25], label: [true labels, a quarter random]}
        mlp: [784, 10]
      drop-{p}:
        matrix: {p: [0.25, 0.5]}
        label: dropout {p}
        input: [784]
        layers: [dropout: "{p}", linear: 10]
"""
    found = experiment(tmp_path, models).models
    assert [*found] == ["noise-0", "noise-25", "drop-0-25", "drop-0-5"]
    assert [model.label for model in found.values()][:2] == ["true labels", "a quarter random"]
    assert found["noise-25"].data.model_dump()["random_labels"] == 0.25
    assert found["drop-0-5"].network.layers[0].model_dump() == {"kind": "dropout", "p": 0.5}


def test_a_value_that_models_share_is_not_changed_by_one_of_them(tmp_path: Path) -> None:
    models = """
      m-{n}-{batch_size}:
        zip: {n: [1], training: [{lr: 0.5}]}
        matrix: {training.batch_size: [5, 25]}
        label: "{n} and {batch_size}"
        mlp: [784, 10]
"""
    found = experiment(tmp_path, models).models.values()
    assert [(model.training.lr, model.training.batch_size) for model in found] == [(0.5, 5), (0.5, 25)]


def test_a_variant_changes_a_sweep_and_single_models_of_it(tmp_path: Path) -> None:
    models = """
      b-{batch_size}:
        matrix: {training.batch_size: [5, 25]}
        label: batch size {batch_size}
        mlp: [784, 10]
"""
    variants = """
    variants:
      as-run:
        models:
          "b-{batch_size}": {matrix: {training.batch_size: [5, 25, 125]}, mlp: [784, 20, 10]}
          b-25: {training: {lr: 0.5}}
          b-5: null
          plain: {label: P, mlp: [784, 10]}
"""
    found = study(tmp_path, models, variants).experiments["e--as-run"].models
    assert [(name, model.training.batch_size, model.training.lr) for name, model in found.items()] == [
        ("b-25", 25, 0.5),
        ("b-125", 125, 0.001),
        ("plain", 50, 0.001),
    ]
    assert found["b-25"].network.parameters() == 784 * 20 + 20 + 20 * 10 + 10


SWEEP = "      b-{{batch_size}}: {{{}, label: 'b {{batch_size}}', mlp: [784, 10]}}\n"


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            "      a-{x}: {zip: {x: [1, 2], y: [3]}, label: '{x} {y}', mlp: [784, 10]}\n",
            r"study.yaml:10: experiments.e.models.a-\{x\}.zip: all lists need the same length, but x has 2, y has 1",
        ),
        (
            "      a-{x}: {matrix: {x: [1, 2]}, label: 'L {z}', mlp: [784, '{x}', 10]}\n",
            r"study.yaml:10: experiments.e.models.a-\{x\}.label: unknown placeholder \{z\} \(known: x\)",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5, 25]}, exclude: [{training.batch_size: 6}]"),
            r"exclude.0: \{'training.batch_size': 6\} matches no combination of the values; remove it",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5, 25]}, exclude: [{batch_size: 5}]"),
            r"exclude.0: unknown value 'batch_size'; did you mean `training.batch_size`\?",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5], x: [1, 2]}"),
            r"no placeholder uses the value 'x'; to set it write training.x or data.x",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5, 5]}"),
            "two of its entries get the id 'b-5'; name more of its values in the id",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5]}") + "      b-5: {label: x, mlp: [784, 10]}\n",
            "there is a model 'b-5' already; ids must differ",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: []}"),
            r"models.b-\{batch_size\}.matrix.training.batch_size: \[\] is empty; it takes at least one",
        ),
        (SWEEP.format("training: {}"), "has no values; give `zip` or `matrix`"),
        (
            SWEEP.format("matrix: {training.batch_size: [5]}, include: [{training.lr: 1}]"),
            "include.0: 'training.batch_size' is missing; it needs all of training.batch_size",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [five]}"),
            r"study.yaml:10: experiments.e.models.b-five.training.batch_size: 'five' ",
        ),
        (
            SWEEP.format("matrix: {training.lrr: [5]}").replace("batch_size", "lrr"),
            r"training.lrr: unknown key; did you",
        ),
        (
            "      a: {matrix: {training.lr: [5]}, label: 'A', mlp: [784, 10]}\n",
            "the id of a sweep holds a",
        ),
        ("      'a-{': {matrix: {training.lr: [5]}, label: 'A', mlp: [784, 10]}\n", "braces hold the name of a value"),
        (
            "      a: {label: same, mlp: [784, 10]}\n      b: {label: same, mlp: [784, 20, 10]}\n",
            r"study.yaml:11: experiments.e.models.b.label: 'same' is the label of a too",
        ),
        (
            SWEEP.format("matrix: {training.batch_size: [5, 25]}").replace("b {batch_size}", "same"),
            r"study.yaml:10: experiments.e.models.b-25.label: 'same' is the label of b-5 too",
        ),
        ("      A_{x}: {matrix: {x: [1]}, label: 'L {x}', mlp: [784, 10]}\n", r"models.*A_1"),
    ],
)
def test_a_mistake_in_a_sweep_is_named(tmp_path: Path, models: str, message: str) -> None:
    with pytest.raises(HwcoreError, match=message) as error:
        experiment(tmp_path, models)
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(f"{tmp_path}/s/study.yaml:1")


MODELS = """
      m-1: {label: one, mlp: [784, 5, 10], reported_parameters: 3985}
      m-2: {label: two, mlp: [784, 6, 10], training: {lr: 0.5}}
"""


def claims(tmp_path: Path, text: str) -> dict[str, dict[str, Any]]:
    found = study(tmp_path, MODELS, "claims:\n" + text)
    return {id: claim.model_dump(exclude_defaults=True, by_alias=True) for id, claim in found.claims.items()}


def test_a_claim_about_each_model_is_one_for_each(tmp_path: Path) -> None:
    each = """
  size:
    each: models
    where: "1"
    says: "{label} has {parameters:,} parameters and learns at {lr}"
    experiment: e
    reported: {m-1: 3985, m-2: 4780}
    measure: {parameters: "{model}"}
    rule: count
    expect: {within: [{m-1: 3900, m-2: 4700}, {m-1: 4000, m-2: 4800}]}
"""
    written = """
  size-m-1:
    where: "1"
    says: one has 3,985 parameters and learns at 0.001
    experiment: e
    reported: 3985
    measure: {parameters: m-1}
    rule: count
    expect: {within: [3900, 4000]}
  size-m-2:
    where: "1"
    says: two has 4,780 parameters and learns at 0.5
    experiment: e
    reported: 4780
    measure: {parameters: m-2}
    rule: count
    expect: {within: [4700, 4800]}
"""
    assert claims(tmp_path, each) == claims(tmp_path, written)


def test_ids_and_values_of_claims_come_from_any_list(tmp_path: Path) -> None:
    text = """
  loss-{n}-at-{epoch}:
    each: {zip: {n: [1, 2], model: [m-1, m-2]}, matrix: {epoch: [3, 15]}, exclude: [{n: 2, epoch: 3}]}
    where: "1"
    says: model {n} at epoch {epoch}
    experiment: e
    reported: {3: 0.5, 15: 0.1}
    measure: {value: train_loss, model: "m-{n}", where: {epoch: "{epoch}"}}
    rule: threshold
    expect: {below: {1: 0.5, 2: 0.25}}
  some:
    each: [m-2]
    where: "1"
    says: so
    experiment: e
    measure: {value: train_loss, model: "{model}"}
    rule: threshold
    expect: {below: 1}
"""
    found = claims(tmp_path, text)
    assert [*found] == ["loss-1-at-3", "loss-1-at-15", "loss-2-at-15", "some-m-2"]
    assert [claim.get("reported") for claim in found.values()] == [0.5, 0.1, 0.1, None]
    assert [claim["expect"]["below"] for claim in found.values()] == [0.5, 0.5, 0.25, 1]
    assert found["loss-2-at-15"]["measure"]["where"] == {"epoch": 15}
    assert found["some-m-2"]["measure"]["model"] == "m-2"


def test_a_claim_is_of_the_section_of_its_experiment(tmp_path: Path) -> None:
    claim = (
        "    says: so\n    experiment: e\n    measure: {parameters: m-1}\n    rule: count\n    expect: {equal: 3985}\n"
    )
    found = claims(tmp_path, "  a:\n" + claim + "  b:\n    where: '3'\n" + claim)
    assert [each["where"] for each in found.values()] == ["1", "3"]


CLAIM = """\
    where: '1'
    says: so
    experiment: e
    measure: {value: train_loss, model: '{model}'}
    rule: threshold
"""


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            "      1: {matrix: {training.lr: [1, 2]}, label: L, mlp: [784, 10]}\n",
            r"models\.1: the id of a model is a text",
        ),
        ("      1: {label: L, mlp: [784, 10]}\n", r"models\.1: the id of a model is a text; put 1 into quotes"),
    ],
)
def test_an_id_that_is_a_number_is_told(tmp_path: Path, models: str, message: str) -> None:
    with pytest.raises(HwcoreError, match=message):
        study(tmp_path, models)


@pytest.mark.parametrize("blocks", ["[a]", "{a: 3}", "3"])
def test_blocks_that_are_none_are_told(tmp_path: Path, blocks: str) -> None:
    layers = "matrix: {training.lr: [1]}, label: L, input: [784], layers: [{block: a}, {linear: 10}]"
    models = f"      'm-{{lr}}-{{parameters}}': {{{layers}}}\n    blocks: {blocks}\n"
    with pytest.raises(HwcoreError, match="block"):
        study(tmp_path, models)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  c:\n    each: [{m: 3}]\n" + CLAIM, "claims.c.each: unknown model {'m': 3}"),
        (
            "  c:\n" + CLAIM.replace("experiment: e", "experiment: {e: e}") + "    expect: {above: 0}\n",
            "claims.c.experiment: {'e': 'e'} should be",
        ),
        ("  c:\n    each: [m-3]\n" + CLAIM, "claims.c.each: unknown model 'm-3'; did you mean"),
        ("  c:\n    each: all\n" + CLAIM, "claims.c.each: 'all' is neither `models`, a list of models nor"),
        (
            "  c:\n    each: models\n" + CLAIM.replace("experiment: e", "experiment: f"),
            "claims.c.each: there are no models of an experiment 'f'",
        ),
        (
            "  'c-{a}-{b}':\n    each: {matrix: {a: &many [" + "1, " * 99 + "1], b: *many}}\n" + CLAIM,
            r"claims.c-\{a\}-\{b\}.each: stands for 10,000 entries, more than 1,000",
        ),
        ("  c:\n    each: models\n    note: '{lr:>100}'\n" + CLAIM, r"\{lr:>100\}: 0.001 cannot be written so"),
        ("  c:\n    each: models\n    reported: {m-1: 3}\n" + CLAIM, "claims.c.reported: has nothing for model m-2"),
        (
            "  c:\n    each: models\n    note: '{lrr}'\n" + CLAIM,
            r"c.note: unknown placeholder \{lrr\}; did you",
        ),
        ("  c:\n    each: {zip: {model: [m-1], n: [1]}}\n" + CLAIM, r"several values tell its claims apart"),
        ("  c:\n    each: {zip: {model: [m-1, m-2], n: [1]}}\n" + CLAIM, r"claims.c.each.zip: all lists need the same"),
        ("  'c-{model}':\n    each: {zip: {model: [m-1], n: [1]}}\n" + CLAIM, "value 'n' is used by no placeholder"),
        (
            "  'c-{n}':\n    each: {zip: {model: [m-1, m-2], n: [1, 1]}}\n" + CLAIM,
            "two of its entries get the id 'c-1'",
        ),
        ("  c:\n    each: models\n" + CLAIM + "  c-m-1:\n" + CLAIM, "there is a claim 'c-m-1' already"),
        (
            "  c:\n    each: models\n    reported: '{reported_parameters}'\n" + CLAIM,
            "has no value here",
        ),
        (
            "  'c-{a}':\n    each: {matrix: {a: [1]}, include: [{a: 2, b: 3}, {a: 4}]}\n" + CLAIM,
            "claims.c-{a}.each.include: 'b' is in some claims only; name it in all or in none",
        ),
        ("  C:\n" + CLAIM, "claims.C: an id is of small letters, digits and single hyphens"),
        (
            "  c:\n    each: models\n" + CLAIM + "    expect: {above: much}\n",
            r"yaml:21: claims.c-m-1.expect.above",
        ),
    ],
)
def test_a_mistake_in_a_family_of_claims_is_named(tmp_path: Path, text: str, message: str) -> None:
    if "expect" not in text:
        text = text.replace(CLAIM, CLAIM + "    expect: {above: 0}\n")
    with pytest.raises(HwcoreError, match=message) as error:
        claims(tmp_path, text)
    assert len(str(error.value).splitlines()) == 1


@given(st.integers(0, 10**9) | st.floats(0, 1e9, allow_subnormal=False))
@settings(deadline=None, max_examples=200)
def test_numbers_in_words_and_in_ids_are_those_numbers(value: float) -> None:
    text = in_words(value)
    assert float(text.replace(",", "")) == value
    assert set(text) <= set("0123456789.,")
    assert in_id(value) == text.replace(",", "").replace(".", "-")


def test_a_brace_is_written_twice() -> None:
    assert fill("{{x}} {x:.1f}", {"x": 2}, in_words) == "{x} 2.0"
