"""Analyses of recorded weights, epoch by epoch, from the study file to the figure."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from conftest import ROOT, Project
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.studies.study import Study, load

RECORD = "record: {weights_every: 2, steps: true}"
ANALYSES = """
      sensitivity: {over: epochs, samples: 10, batch: last, input_gradient: true}
      curvature: {kind: hessian_spectrum, over: epochs, matrix: ggn, by: layer, count: 2, steps: 5, probes: 2}
      tsne: {kind: trajectory, method: tsne, first: 5}
"""
FIGURES = """
      sensitivity:
        {kind: curves, table: sensitivity, y: [input_gradient_norm, loss_gradient_norm], every: 2, caption: By epoch.}
      tsne: {kind: trajectory, table: tsne, along: tsne, every: 2, caption: Recorded weights.}
"""


def test_sensitivity_by_epoch_is_a_line_of_a_study_file(project: Project) -> None:
    study = "report/tiny/study.yaml"
    project.edit(study, RECORD, "record: {weights_every: 2, steps: true, last_batch: true}")
    project.edit(study, "      evaluation: {}\n", f"      evaluation: {{}}{ANALYSES}")
    project.edit(study, "    figures:\n", f"    figures:{FIGURES}")
    folder = "results/quick/{}/tiny/fit"
    tables, figures = (project.folder / folder.format(name) for name in ("tables", "figures"))
    made = ["figures/tiny/fit/sensitivity.svg", "figures/tiny/fit/tsne.svg", "tables/tiny/fit/curvature.parquet"]
    project.run(*(f"results/quick/{name}" for name in made))
    table = pd.read_parquet(tables / "sensitivity.parquet")
    assert list(table.columns[:3]) == ["model", "epoch", "replicate"]
    assert table.groupby("model").epoch.unique().map(list).tolist() == [[0, 2, 4, 6]] * 2
    assert table.input_gradient_norm.notna().all()
    assert table.loss_gradient_norm.isna().equals(table.epoch == 0)
    blocks = pd.read_parquet(tables / "curvature.parquet")
    assert set(zip(blocks.epoch, blocks.layer, strict=True)) == {(e, layer) for e in (0, 2, 4, 6) for layer in (1, 2)}
    assert (figures / "tsne.pdf").stat().st_size > 1000


def read(folder: Path, *edits: tuple[str, str]) -> Study:
    """The tiny study with some texts in the place of others."""
    text = (ROOT / "tests/tiny/study.yaml").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "tiny").mkdir()
    (folder / "tiny/study.yaml").write_text(text)
    return load("tiny", folder, parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            f"    {RECORD}\n",
            "",
            "experiments.fit.analyses.sensitivity: sensitivity needs `record: {weights_every: 3}` in",
        ),
        (
            RECORD,
            "record: {weights_every: 2, layers: [1], last_batch: true}",
            "experiments.fit.analyses.sensitivity: sensitivity needs `record: {weights_every: 3, layers: null}` in",
        ),
        (RECORD, RECORD, "experiments.fit.analyses.sensitivity: sensitivity needs `record: {last_batch: true}` in"),
    ],
)
def test_what_is_not_recorded_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    added = ("evaluation: {}", "evaluation: {}\n      sensitivity: {over: epochs, batch: last}")
    with pytest.raises(HwcoreError) as told:
        read(tmp_path, (old, new), added)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ("evaluation: {over: steps}", "evaluation.over: 'steps' should be 'epochs'"),
        ("hessian-spectrum: {matrix: fisher}", "matrix: 'fisher' should be 'hessian', 'ggn' or 'empirical_fisher'"),
        ("hessian-spectrum: {by: block}", "by: 'block' should be 'whole' or 'layer'"),
        ("sensitivity: {batch: middle}", "batch: 'middle' should be 'first' or 'last'"),
        ("trajectory: {method: umap}", "method: 'umap' should be 'pca' or 'tsne'"),
        ("trajectory: {method: tsne, basis: wide}", "basis: t-SNE cannot project the runs of one model on those of"),
        ("trajectory: {perplexity: 5}", "perplexity: principal components have none; it is of `method: tsne`"),
        ("trajectory: {method: tsne, perplexity: 1}", "perplexity: 1 should be greater than 1"),
        ("trajectory: {first: 0}", "first: 0 should be greater than 0"),
        (
            "interpolation: {between: [narrow, wide], alphas: {start: 0, stop: 1, count: 3}, batch_norm: kept}",
            "batch_norm: 'kept' should be 'interpolate' or 'recompute'",
        ),
    ],
)
def test_options_of_analyses(tmp_path: Path, analysis: str, message: str) -> None:
    with pytest.raises(HwcoreError) as told:
        read(tmp_path, ("      evaluation: {}\n", f"      {analysis}\n"))
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("kind: curves, y: [train_loss], every: 0", "every: 0 should be greater than 0"),
        ("kind: curves, y: [train_loss], start: first", "start: 'first' should be a valid number"),
        ("kind: curves, y: [train_loss], offset: one", "offset: 'one' should be a valid number"),
        ("kind: trajectory, table: evaluation, every: 1.5", "every: 1.5 should be a valid integer"),
        ("kind: trajectory, table: evaluation, along: umap", "along: 'umap' should be 'components', 'half_sums' or"),
    ],
)
def test_options_of_figures(tmp_path: Path, figure: str, message: str) -> None:
    with pytest.raises(HwcoreError) as told:
        read(tmp_path, ("kind: curves, y: [train_loss]", figure))
    assert message in str(told.value)
