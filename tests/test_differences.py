"""What two variants differ in, as it stands after `with` in the reason of a verdict."""

from pathlib import Path
from typing import Any

import pytest
from test_study_claims import CLAIM, CLASSIFY, FUNCTION, LINE, MNIST, TRAINING, configuration, study

from hwcore.differences import differences
from hwcore.reporting.settings import settings_table

IMAGES = {"data": MNIST, "models": {"a": {"label": "A", "mlp": [784, 5, 10]}}}
PSEUDO = "pseudo-labels (loss at predicted labels added, weight {})"


def said(folder: Path, variant: dict[str, Any], claim: dict[str, Any] = CLAIM, **experiment: Any) -> list[str]:
    variants, config = {"as-run": {"why": "W.", **variant}}, configuration(scale="full")
    found = study(folder, claim, variants=variants, config=config, **{"analyses": {}, **experiment})
    return differences(found.experiments["fit"], found.experiments["fit--as-run"], found.claims["c"])


@pytest.mark.parametrize(
    ("training", "variant", "words"),
    [
        ({}, {"modes": {"evaluation_from": 2}}, "training in evaluation mode from epoch 2 on"),
        ({}, {"pseudo_label_weight": 1.0}, PSEUDO.format(1)),
        ({"pseudo_label_weight": 1.0}, {"pseudo_label_weight": 0.0}, "no pseudo-labels"),
        (
            {"pseudo_label_weight": 1.0},
            {"pseudo_label_weight": 2.0},
            f"{PSEUDO.format(2)} instead of (loss at predicted labels added, weight 1)",
        ),
        ({}, {"epochs": None, "steps": 1000}, "1,000 steps instead of 5 epochs"),
        ({"epochs": None, "steps": 1000}, {"epochs": 1, "steps": None}, "1 epoch instead of 1,000 steps"),
        ({"epochs": 1}, {"epochs": None, "steps": 1}, "1 step instead of 1 epoch"),
        ({}, {"epochs": 1}, "1 epoch instead of 5"),
        ({}, {"lr": 1e-5}, "learning rate 10⁻⁵ instead of 0.1"),
    ],
)
def test_a_difference_of_trainings_stands_after_with(
    tmp_path: Path, training: dict[str, Any], variant: dict[str, Any], words: str
) -> None:
    assert said(tmp_path, {"training": variant}, **IMAGES, training={**CLASSIFY, **training}) == [words]


@pytest.mark.parametrize(
    ("key", "setting", "usual"),
    [
        ("order of samples", {"shuffle": False}, {"shuffle": True}),
        ("modes", {"modes": {"evaluation_from": 2}}, {"modes": None}),
    ],
)
def test_what_is_as_usual_is_said_as_in_the_table_of_settings(
    tmp_path: Path, key: str, setting: dict[str, Any], usual: dict[str, Any]
) -> None:
    own = {
        "variant": "as-described",
        "replicates": 3,
        "models": [],
        "settings": {key: "."},
        "analyses": {},
        "kinds": {},
    }
    table = settings_table([own, {**own, "settings": {}}])
    (words,) = said(tmp_path, {"training": usual}, **IMAGES, training={**CLASSIFY, **setting})
    assert f"| {key} | . | {words} |" in table


@pytest.mark.parametrize(
    ("analysis", "variant", "words"),
    [
        (LINE, {"between": ["b", "d"]}, "lines between “B” and “D” instead of those between “A” and “B” in the t"),
        ({"kind": "trajectory"}, {"basis": "d"}, "components of “D” alone in the t"),
        ({"kind": "trajectory", "basis": "d"}, {"basis": None}, "components of all models in the t"),
        (
            {"kind": "trajectory", "basis": "d"},
            {"basis": "a"},
            "components of “A” alone instead of components of “D” alone in the t",
        ),
    ],
)
def test_models_of_an_analysis_have_their_names(
    tmp_path: Path, analysis: dict[str, Any], variant: dict[str, Any], words: str
) -> None:
    measure = {"value": "train_loss", "table": "t"} | ({"model": "a"} if analysis is not LINE else {})
    models = {name: {"label": f"{name.upper()}, {i} units", "mlp": [1, 3, 1]} for i, name in enumerate("abd")}
    experiment = {
        **{"data": FUNCTION, "training": TRAINING, "models": models, "analyses": {"t": analysis}},
        "record": {"weights_every": 1, "layers": None},
    }
    assert said(tmp_path, {"analyses": {"t": variant}}, {**CLAIM, "measure": measure}, **experiment) == [words]
