"""Only what is stale runs again: each promise, held against the real pipeline."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project

Edit = Callable[[str, str, str], set[str]]
PAGES = {"write the page of tiny", "HTML of tiny", "LaTeX of tiny", "PDF of tiny"}
ALL_TRAINING = {
    "train tiny/fit/narrow",
    "train tiny/fit/wide",
    "train tiny/fit--corrected/narrow",
    "train tiny/fit--corrected/wide",
    "train tiny/classify/small",
}


def without_pdf(jobs: set[str]) -> set[str]:
    """Where there is no TeX there is no PDF job."""
    return jobs - {"PDF of tiny"}


def test_nothing_to_do_after_a_run(finished: Project) -> None:
    assert "Nothing to be done" in finished.run("report")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("hwcore/train/train.py", "import json", "# a comment\nimport json"),
        ("hwcore/figures/curves.py", '"""', '"""Another docstring. '),
        ("workflow_scripts/train.py", '"""Train', '"""  Train'),
        ("rules/train.smk", "rule train:", "# a comment\n\n\nrule train:"),
        ("Snakefile", "import os", "# a comment\nimport os"),
        ("report/tiny/study.yaml", "replicates: 2", "replicates:   2  # a comment"),
        ("config.yaml", "scale: quick", "# a comment\nscale: 'quick'"),
    ],
)
def test_a_comment_or_a_reformat_anywhere_leaves_nothing_to_do(edited: Edit, file: str, old: str, new: str) -> None:
    assert edited(file, old, new) == set()


def test_a_reformatted_module_leaves_nothing_to_do(finished: Project) -> None:
    path = finished.folder / "hwcore/seeds.py"
    before = path.read_text()
    try:
        # other quotes, other line ends, other blank lines: the same program
        path.write_bytes(re.sub(r"\n\n+", "\n\n\n\n", before).replace("\n", "\r\n").encode())
        assert finished.stale() == set()
    finally:
        path.write_text(before)


def test_a_figure_module_redraws_its_figures_and_the_reports_that_show_them(edited: Edit) -> None:
    stale = edited("hwcore/figures/predictions.py", "def draw(", "CHANGED = 1\n\n\ndef draw(")
    drawn = {"draw tiny/fit/fits", "draw tiny/fit--corrected/fits"}
    assert without_pdf(stale) == without_pdf(drawn | PAGES)


def test_a_learning_rate_reruns_that_model_and_what_comes_of_it(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
    expected = {"train tiny/classify/small", "draw tiny/classify/accuracy", "index of all studies"} | PAGES
    assert without_pdf(stale) == without_pdf(expected)


def test_one_model_of_an_experiment_leaves_the_other_models_fresh(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "mlp: [1, 8, 1]", "mlp: [1, 8, 1], training: {lr: 0.02}")
    assert stale & ALL_TRAINING == {"train tiny/fit/wide", "train tiny/fit--corrected/wide"}
    assert {"analyse tiny/fit/predictions", "draw tiny/fit/loss"} <= stale
    assert not any("classify" in job for job in stale)


def test_the_optimizer_code_reruns_all_training(edited: Edit) -> None:
    stale = edited("hwcore/train/optimizers.py", "def ", "CHANGED = 1\n\n\ndef ")
    assert stale & ALL_TRAINING == ALL_TRAINING
    assert not any(job.startswith(("prepare", "download")) for job in stale)


def test_the_wording_of_a_claim_trains_and_draws_nothing(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "has 10 parameters.", "has ten parameters.")
    judged = {"judge the claims of tiny", "join the claims of all studies", "index of all studies"}
    assert without_pdf(stale) == without_pdf(judged | PAGES)


def test_prose_makes_only_the_pages(edited: Edit) -> None:
    assert without_pdf(edited("report/tiny/report.md", "Prose.", "Better prose.")) == without_pdf(PAGES)


def test_a_variant_leaves_its_base_fresh(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "epochs: 12", "epochs: 13")
    assert stale & ALL_TRAINING == {"train tiny/fit--corrected/narrow", "train tiny/fit--corrected/wide"}


def test_a_clone_with_results_copied_in_has_nothing_to_do_and_sees_edits(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    assert "Nothing to be done" in clone.run("report")
    clone.edit("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
    assert "train tiny/classify/small" in clone.stale()


def test_an_interrupted_update_is_finished_later(project: Project) -> None:
    """A model is trained again, the run ends there, and the next run must still redraw its figures."""
    project.run("results/quick/figures/tiny/classify/accuracy.svg")
    project.edit("report/tiny/study.yaml", "lr: 0.1", "lr: 0.2")
    project.run("results/quick/runs/tiny/classify/small/checkpoint.safetensors")
    assert project.stale("results/quick/figures/tiny/classify/accuracy.svg") == {"draw tiny/classify/accuracy"}


def test_a_deleted_product_is_made_again(finished: Project) -> None:
    lost = finished.folder / "results/quick/figures/tiny/fit/loss.png"
    before = lost.read_bytes()
    lost.unlink()
    try:
        assert "draw tiny/fit/loss" in finished.stale()
    finally:
        lost.write_bytes(before)
