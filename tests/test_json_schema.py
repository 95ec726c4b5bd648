"""The schema for editors: fresh, and in agreement with what hwcore itself accepts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from conftest import ROOT
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.studies.json_schema import FILE, study_schema
from hwcore.studies.source import read
from hwcore.studies.study import available, load
from workflow_scripts import schema

STUDIES = [*(f"report/{name}" for name in available(ROOT / "report")), "tests/tiny", "tests/expressible"]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(study_schema())
    return Draft202012Validator(study_schema())


def test_the_schema_is_that_of_the_code(tmp_path: Path) -> None:
    assert schema.main(["--check"], ROOT) is None
    assert schema.main(["--check"], tmp_path) == f"error: {FILE} is older than the code; run `make schema`"
    schema.main([], tmp_path)
    assert (tmp_path / FILE).read_bytes() == (ROOT / FILE).read_bytes()
    (tmp_path / FILE).write_text((ROOT / FILE).read_text().replace("batch", "bath", 1))
    assert schema.main(["--check"], tmp_path)


@pytest.mark.parametrize("folder", STUDIES)
def test_studies_agree_with_it(validator: Draft202012Validator, folder: str) -> None:
    assert [error.message for error in validator.iter_errors(read(ROOT / folder / "study.yaml"))] == []


def test_every_key_is_explained() -> None:
    made = study_schema()
    experiment = made["$defs"]["experiment"]
    silent = {
        name
        for part in (made, experiment, made["$defs"]["model"])
        for name, each in part["properties"].items()
        if not ("description" in each or "description" in made["$defs"].get(each.get("$ref", "")[8:], {}))
    }
    assert silent == set()
    options = [each for name, each in made["$defs"].items() if re.fullmatch(r"(analysis|figure)\.\w+", name)]
    assert len(options) > 20
    assert all("description" in each for part in options for name, each in part["properties"].items() if name != "kind")


SAMPLE = """
title: T
replicates: 2
experiments:
  e:
    section: "1"
    title: T
    data: {dataset: mnist}
    training: {optimizer: adam, lr: 0.1, loss: cross_entropy, epochs: 5, batch_size: 50}
    chosen: {lr: none is given}
    models:
      m: {label: M, mlp: [784, 10]}
      "n-{lr}": {zip: {training.lr: [1, 2], h: [[3], [3]]}, label: "N {lr}", mlp: [784, "{h}", 10]}
      c: {label: C, input: [1, 28, 28], layers: [{conv: {channels: 3, kernel: 4}}, relu, flatten, linear: 10]}
    analyses: {evaluation: {}, path: {kind: interpolation, between: [n-1, n-2], alphas: {start: 0, stop: 1, count: 3}}}
    figures:
      loss: {kind: curves, y: [train_loss], caption: C, original: Figure 1}
      capacity: {table: evaluation, caption: C}
    variants:
      as-run: {why: so, training: {epochs: 7}, models: {n-1: null, m: {mlp: [784, 5, 10]}}, analyses: {path: null}}
      corrected: {not_rerun: nobody can}
  f: {section: "2", title: F, not_rerun: nobody can}
figures:
  both: {kind: curves, y: [train_loss], over: [e, e--as-run], caption: C}
claims:
  one: {where: "1", says: so, experiment: e, measure: {parameters: m}, rule: count, expect: {equal: 7850}}
  each-{model}:
    each: models
    where: "1"
    says: so
    experiment: e
    reported: {m: 1, n-1: 2, n-2: 3, c: 4}
    measure: {value: train_loss, model: "{model}"}
    rule: threshold
    expect: {below: 1}
"""


def accepted(tmp_path: Path, text: str) -> bool:
    (tmp_path / "s").mkdir(exist_ok=True)
    (tmp_path / "s/study.yaml").write_text(text)
    try:
        load("s", tmp_path, parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"]))
    except HwcoreError:
        return False
    return True


def errors(validator: Draft202012Validator, text: str) -> list[Any]:
    return list(validator.iter_errors(yaml.safe_load(text)))


def test_what_hwcore_accepts_it_accepts(validator: Draft202012Validator, tmp_path: Path) -> None:
    assert accepted(tmp_path, SAMPLE)
    assert [error.message for error in errors(validator, SAMPLE)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: T\n", ""),
        ("replicates: 2", "replicates: 0"),
        ("  e:\n", "  E_:\n"),
        ("epochs: 5", "epochs: five"),
        ("epochs: 5", "epoch: 5"),
        ("mlp: [784, 10]}", "mpl: [784, 10]}"),
        ("{label: M, ", "{"),
        ("relu, flatten", "rellu, flatten"),
        ("evaluation: {}", "evaluation: {points: 3}"),
        ("evaluation: {}", "evaluation:"),
        ("kind: interpolation", "kind: interpolatoin"),
        ("alphas: {start: 0, stop: 1, count: 3}", "alphas: {start: 0, stop: 1}"),
        ("kind: curves, y: [train_loss], caption", "kind: curves, ys: [train_loss], caption"),
        ("capacity: {table: evaluation, caption: C}", "capacity: {table: evaluation}"),
        ("as-run: {why", "as_run: {why"),
        ("training: {epochs: 7}", "trainings: {epochs: 7}"),
        ("zip: {training.lr: [1, 2]", "zip: {training.lr: 1"),
        ("over: [e, e--as-run]", "over: [e]"),
        ("title: F, not_rerun: nobody can", "title: F"),
        ('where: "1", says: so, experiment: e, measure', 'where: "1", experiment: e, measure'),
        ("measure: {parameters: m}, rule: count,", "measure: {parameters: m},"),
        ("each: models", "each: all"),
        ("each: models", "each: models\n    reporte: 3"),
    ],
)
def test_what_it_refuses_hwcore_refuses_too(
    validator: Draft202012Validator, tmp_path: Path, old: str, new: str
) -> None:
    assert old in SAMPLE
    changed = SAMPLE.replace(old, new, 1)
    assert errors(validator, changed)
    assert not accepted(tmp_path, changed)
