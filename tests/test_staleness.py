"""Only what is stale runs again: each promise, held against the real pipeline."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
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


def test_nothing_to_do_after_a_run(finished: Project) -> None:
    told, loaded = finished.loaded("report")
    assert "Nothing to be done" in told
    assert "snakemake.persistence" in loaded
    # each of these takes longer than all else that such a call does
    assert not {"pandas", "torch", "matplotlib"} & loaded


def test_another_scale_prepares_no_data_set_again(finished: Project, tmp_path: Path) -> None:
    """Else all that was trained on them would be stale, at either scale."""
    clone = finished.clone(tmp_path / "clone")
    shutil.copytree(finished.folder / "resources", clone.folder / "resources")
    clone.edit("config.yaml", "    judged: provisional\n", "    judged: provisional\n    datasets: {mnist: digits}\n")
    run = "results/standard/runs/tiny/classify/small/run.json"
    assert clone.stale(run, "--config", "scale=standard") == {"train tiny/classify/small"}
    clone.run(run, "--config", "scale=standard")
    assert clone.stale() == set()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("hwcore/train/train.py", "import logging", "# a comment\nimport logging"),
        ("hwcore/figures/curves.py", '"""', '"""Another docstring. '),
        ("workflow_scripts/train.py", '"""Train', '"""  Train'),
        ("rules/train.smk", "for recorded", "# a comment\n\n\nfor recorded"),
        ("Snakefile", "import os", "# a comment\nimport os"),
        ("report/tiny/study.yaml", "replicates: 2", "replicates:   2  # a comment"),
        ("config.yaml", "scale: quick", "# a comment\nscale: 'quick'"),
        # what cannot change a result: the text of errors and log lines, and how jobs run
        ("hwcore/train/train.py", "the network ends in", "the network stops at"),
        ("hwcore/train/train.py", "go on after epoch", "resume after epoch"),
        ("hwcore/errors.py", "class HwcoreError", "CHANGED = 1\n\n\nclass HwcoreError"),
        ("hwcore/provenance.py", "def commit", "CHANGED = 1\n\n\ndef commit"),
        ("hwcore/errors.py", "free some space", "make some room"),
        ("hwcore/files.py", "def write_text", "CHANGED = 1\n\n\ndef write_text"),
        ("hwcore/train/progress.py", "class Progress", "CHANGED = 1\n\n\nclass Progress"),
        ("hwcore/train/resume.py", "_SHARE = 0.02", "_SHARE = 0.01"),
        ("hwcore/train/parallel.py", "def side_by_side", "CHANGED = 1\n\n\ndef side_by_side"),
        ("hwcore/launch/forkserver.py", "_PATIENCE = 5.0", "_PATIENCE = 6.0"),
        # a new setting whose value is its default
        (
            "hwcore/train/spec.py",
            "    until: Until | None = Field",
            "    new: int = 3\n    until: Until | None = Field",
        ),
        ("hwcore/analyses/specs/predictions.py", "    points: Count", "    new: Count = 3\n    points: Count"),
        ("hwcore/data/spec.py", "    random_labels: Fraction", "    new: int = 3\n    random_labels: Fraction"),
        # a label of a column that no figure of the study shows
        ("hwcore/analyses/specs/sharpness.py", '"trace of the Hessian"', '"trace"'),
        ("hwcore/data/sources/specs/torchvision.py", '    "USPS",', '    "USPS",\n    "NewOne",'),
    ],
)
def test_what_changes_no_result_leaves_nothing_to_do(edited: Edit, file: str, old: str, new: str) -> None:
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
    drawn = {"draw tiny/fit/fits", "draw tiny/fit--corrected/fits", "draw tiny/fit--as-run/fits"}
    assert stale == drawn | PAGES


def test_a_page_of_which_a_figure_changed_is_not_converted_again(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    module, page = "hwcore/figures/predictions.py", clone.folder / "results/quick/report/tiny.html"
    kept = page.parent / ".pandoc/tiny.html"
    # what is kept is of the folder that it was made in
    clone.edit(module, "linewidth=3.2", "linewidth=3.1")
    clone.run("results/quick/report/tiny.html")
    before, shown = kept.stat().st_mtime_ns, page.read_text()
    clone.edit(module, "linewidth=3.1", "linewidth=5.1")
    clone.run("results/quick/report/tiny.html")
    assert page.read_text() != shown
    assert kept.stat().st_mtime_ns == before


def test_the_look_of_figures_redraws_them_all(edited: Edit) -> None:
    stale = edited("hwcore/figures/hwcore.mplstyle", "lines.linewidth: 1.4", "lines.linewidth: 1.5")
    drawn = {job for job in stale if job.startswith("draw ")}
    assert {"draw tiny/fit/loss", "draw tiny/classify/accuracy"} <= drawn
    assert stale == drawn | PAGES


def test_a_label_redraws_the_figures_that_show_its_column(edited: Edit) -> None:
    stale = edited("hwcore/train/columns.py", '"training loss"', '"loss on the training set"')
    drawn = {"draw tiny/fit/loss", "draw tiny/fit--corrected/loss", "draw tiny/fit--as-run/loss"}
    assert stale == drawn | PAGES


def test_a_learning_rate_reruns_that_model_and_what_comes_of_it(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
    expected = {"train tiny/classify/small", "draw tiny/classify/accuracy", "index of all studies"} | PAGES
    assert stale == expected


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
    assert stale == judged | PAGES


def test_prose_makes_only_the_pages(edited: Edit) -> None:
    assert edited("report/tiny/report.md", "Prose.", "Better prose.") == PAGES


def test_a_caption_makes_the_pages_and_the_index(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "caption: Fits.", "caption: How they fit.")
    assert stale == PAGES | {"index of all studies"}


def test_the_style_of_html_makes_the_html_pages(edited: Edit) -> None:
    assert edited("report/style.css", "{", "{ color: black;") == {"HTML of tiny", "index of all studies"}


def test_the_code_of_a_layer_retrains_the_networks_that_have_it(edited: Edit) -> None:
    change = ("def forward(", "CHANGED = 1\n\n\ndef forward(")
    assert edited("hwcore/nets/layers/batch_norm.py", *change) == set()
    assert edited("hwcore/nets/layers/linear.py", *change) >= ALL_TRAINING


def test_a_variant_leaves_its_base_fresh(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "epochs: 12", "epochs: 13")
    assert stale & ALL_TRAINING == {"train tiny/fit--corrected/narrow", "train tiny/fit--corrected/wide"}


def test_a_clone_with_results_copied_in_has_nothing_to_do_and_sees_edits(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    assert "Nothing to be done" in clone.run("report")
    clone.edit("report/tiny/study.yaml", "mlp: [784, 4, 10]", "mlp: [784, 4, 10], training: {lr: 0.2}")
    assert "train tiny/classify/small" in clone.stale()


def test_modification_times_play_no_part(finished: Project, tmp_path: Path) -> None:
    """Snakemake itself compares those of files of over 1 MB, whatever triggers it is told."""
    clone = finished.clone(tmp_path / "clone")
    data = "resources/data/digits.safetensors"
    assert (finished.folder / data).stat().st_size > 1e6
    (clone.folder / data).parent.mkdir(parents=True)
    shutil.copyfile(finished.folder / data, clone.folder / data)
    for age, path in enumerate(sorted(clone.folder.glob("results/**/*.*"), reverse=True)):
        os.utime(path, (1.7e9 + age, 1.7e9 + age))
    assert clone.stale() == set()


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


def test_variants_with_equal_training_share_their_runs(finished: Project) -> None:
    runs = finished.folder / "results/quick/runs/tiny"
    assert sorted(path.name for path in runs.iterdir()) == ["classify", "fit", "fit--corrected"]
    page = (finished.folder / "results/quick/report/tiny.md").read_text()
    assert "The variant “as-run” of “Fit cos x” trains nothing: its runs are those of “as-described”." in page
    assert "Replicates of a model have the same seeds in all variants" in page


def test_variants_start_from_the_same_weights(finished: Project) -> None:
    """The variant trains twice as long, so all that it shares with its base are the first epochs."""
    runs = [finished.folder / f"results/quick/runs/tiny/{name}/wide" for name in ("fit", "fit--corrected")]
    first, second = (pd.read_parquet(run / "metrics.parquet").drop(columns="seconds") for run in runs)
    pd.testing.assert_frame_equal(first, second[second.epoch <= 6].reset_index(drop=True), check_exact=True)
    seeds = [json.loads((run / "run.json").read_text())["seeds"] for run in runs]
    assert seeds[0] == seeds[1]


def test_a_variant_that_comes_to_differ_trains_its_own(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "why: Fewer points.", "why: Fewer points.\n        training: {lr: 0.02}")
    assert {job for job in stale if job.startswith("train")} == {
        "train tiny/fit--as-run/narrow",
        "train tiny/fit--as-run/wide",
    }
