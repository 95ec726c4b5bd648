"""Questions that several studies answer."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.questions.catalog import QUESTIONS
from hwcore.studies.create import create
from hwcore.studies.resolved import Study
from hwcore.studies.study import load

Edit = Callable[[str], str]


def study(folder: Path, edit: Edit = str, name: str = "tiny") -> Study:
    """The tiny study with its text edited."""
    (folder / name).mkdir(parents=True)
    (folder / name / "study.yaml").write_text(edit((ROOT / "tests/tiny/study.yaml").read_text()))
    return load(name, folder, parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"]))


def asks(question: str) -> Edit:
    return lambda text: text.replace('section: "1"', f'section: "1"\n    question: {question}')


def test_they_are_asked_in_the_order_of_the_assignment() -> None:
    assert list(QUESTIONS) == [
        *("fit-function", "train-task", "weight-trajectories", "gradient-norm", "minimal-ratio"),
        *("random-labels", "capacity", "interpolation", "sensitivity"),
    ]
    assert all(question.title.endswith("?") and question.__doc__ for question in QUESTIONS.values())


def test_variants_answer_the_question_of_their_experiment(tmp_path: Path) -> None:
    experiments = study(tmp_path, asks("fit-function")).experiments
    questions = {id: each.question for id, each in experiments.items()}
    assert questions == {
        "fit": "fit-function",
        "fit--corrected": "fit-function",
        "fit--as-run": "fit-function",
        "classify": None,
    }


def test_what_is_not_run_again_has_its_question(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return asks("fit-function")(text).replace("training: {epochs: 12}", "not_rerun: It takes too long.")

    assert study(tmp_path, edit).not_rerun["fit--corrected"].question == "fit-function"


def test_an_unknown_question_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError) as error:
        study(tmp_path, asks("minimum-ratio"))
    said = str(error.value)
    assert re.search(r"tiny/study\.yaml:8: experiments\.fit\.question: unknown question 'minimum-ratio'; ", said)
    assert "did you mean `minimal-ratio`? (known: " in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["index", "questions", "data", "summary"])
def test_no_study_is_called_what_all_share(tmp_path: Path, name: str) -> None:
    with pytest.raises(HwcoreError, match=f"{name}: no study can be called '{name}': .*; rename the folder"):
        study(tmp_path, name=name)
    with pytest.raises(HwcoreError, match=f"NAME: no study can be called '{name}'"):
        create(name, tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("name", ["alluri", "paladugu"])
def test_every_experiment_of_the_studies_names_its_question(name: str) -> None:
    config = parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])
    experiments = load(name, ROOT / "report", config).experiments
    assert [id for id, each in experiments.items() if each.question is None] == []
