"""Figures of a study that show several experiments or variants."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_captions import BANDS, study

from conftest import Project
from hwcore.errors import HwcoreError
from hwcore.figures import curves
from hwcore.figures.predictions import draw
from hwcore.studies.resolved import Study
from hwcore.tables import read_tables


def comparison(tmp_path: Path, over: str, more: str = "") -> Study:
    figure = f"kind: curves, y: [train_loss], caption: '{{epochs}} epochs', over: {over}{more}"
    variants = "{as-run: {training: {epochs: 50}}}"
    return study(tmp_path, "x", variants=variants, scale="full", rest=f"figures:\n  both: {{{figure}}}\n")


def test_a_figure_of_variants_has_distinct_labels(tmp_path: Path) -> None:
    found = comparison(tmp_path, "[fit, fit--as-run]").figures["both"]
    assert found.labels == {
        "fit/small": "S, as described",
        "fit/large": "L, as described",
        "fit--as-run/small": "S, as run",
        "fit--as-run/large": "L, as run",
    }
    assert found.figure.caption == f"50 to 2,000 epochs {BANDS.format(20)}"


def test_a_figure_of_several_experiments_names_them(tmp_path: Path) -> None:
    found = comparison(tmp_path, "{fit: cosine, sort: digits}").figures["both"]
    assert found.labels == {"fit/small": "S, cosine", "fit/large": "L, cosine", "sort/m": "digits"}


@pytest.mark.parametrize(
    ("over", "more", "message"),
    [
        ("[fit]", "", r"figures.both.over: \['fit'\] should be a list of at least two experiments"),
        ("[fit, fits]", "", "figures.both.over: unknown experiment 'fits'; did you mean `fit`"),
        ("[fit, sort]", ", floor: optimum", "figures.both: unknown table 'optimum' of sort"),
        ("{fit: a, sort: a}", "", "figures.both.over: two experiments have the same name"),
        ("[fit, sort]", ", original: 5", "figures.both.original: 5 should be words, such as Figure 5"),
    ],
)
def test_a_mistake_in_a_figure_of_several_experiments(tmp_path: Path, over: str, more: str, message: str) -> None:
    with pytest.raises(HwcoreError, match=rf"study.yaml:\d+: {message}"):
        comparison(tmp_path, over, more)


def test_tables_of_several_experiments_are_joined(tmp_path: Path) -> None:
    pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.25]}).to_parquet(tmp_path / "run.parquet")
    pd.DataFrame({"model": ["a", "b"], "pair": ["a → b", "b → a"], "x": [1, 2]}).to_parquet(tmp_path / "e.parquet")
    paths = {
        "metrics/fit/a": tmp_path / "run.parquet",
        "metrics/fit--as-run/a": tmp_path / "run.parquet",
        "e/fit/*": tmp_path / "e.parquet",
        "e/fit--as-run/*": tmp_path / "e.parquet",
    }
    tables = read_tables(paths)
    assert list(tables["metrics"].model) == ["fit/a", "fit/a", "fit--as-run/a", "fit--as-run/a"]
    assert list(tables["metrics"].loss) == [0.5, 0.25, 0.5, 0.25]
    assert list(tables["e"].model) == ["fit/a", "fit/b", "fit--as-run/a", "fit--as-run/b"]
    assert list(tables["e"].pair)[2:] == ["fit--as-run/a → fit--as-run/b", "fit--as-run/b → fit--as-run/a"]


def plan_of(project: Project) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((project.folder / "results/quick/plan/tiny.json").read_text())
    return plan


def test_a_figure_of_variants_is_drawn_and_shown(project: Project) -> None:
    project.edit(
        "report/tiny/study.yaml",
        "claims:",
        "figures:\n  all: {kind: curves, y: [train_loss], over: [fit, fit--corrected], caption: Both.}\n"
        "  fits: {kind: predictions, table: predictions, over: [fit, fit--as-run], caption: Fits.}\n"
        "claims:",
    )
    # a report of one's own reproduces no other
    project.edit("report/tiny/study.yaml", "source: {author: nobody, title: no report, date: January 2000}\n", "")
    project.edit(
        "report/tiny/report.md",
        "Prose.",
        '{{ figure("all") }}\n\n{{ figure("fits") }}\n\n{{ setting("fit",\n"epochs") }} epochs.',
    )
    project.run("results/quick/report/tiny.md", "results/quick/figures/tiny/fits.svg")
    plan = plan_of(project)["figure:tiny/all"]
    assert plan["spec"]["labels"]["fit--corrected/wide"] == "wide, corrected"
    assert plan["inputs"]["metrics/fit--corrected/wide"].endswith("runs/tiny/fit--corrected/wide/metrics.parquet")
    text = (project.folder / "results/quick/report/tiny.md").read_text()
    assert " Both. Thick lines are means over 2 replicates" in text
    assert "](../figures/tiny/all.svg)" in text
    assert "reproduction" not in text
    assert "\n6 epochs.\n" in text
    assert plan_of(project)["markdown:tiny"]["spec"]["page"]["experiments"][0]["values"] == {"epochs": "6"}
    assert (project.folder / "results/quick/figures/tiny/all.svg").is_file()
    fits = plan_of(project)["figure:tiny/fits"]["spec"]
    assert fits["experiments"] == {"fit": "as described", "fit--as-run": "as run"}
    assert fits["labels"]["fit--as-run/wide"] == "wide"


def test_curves_of_two_experiments_are_side_by_side() -> None:
    rows = [
        {"model": f"{experiment}/{model}", "replicate": r, "epoch": epoch, "train_loss": scale * (2 + r) / epoch}
        for experiment, scale in (("fit", 1.0), ("sort", 100.0))
        for model in ("a", "b")
        for r in range(3)
        for epoch in range(1, 6)
    ]
    floors = [{"model": f"{experiment}/a", "train_loss": loss} for experiment, loss in (("fit", 0.1), ("sort", 7.0))]
    labels = {f"{experiment}/{model}": model.upper() for experiment in ("fit", "sort") for model in ("a", "b")}
    tables = {"metrics": pd.DataFrame(rows), "optimum": pd.DataFrame(floors)}
    names = {"fit": "cosine", "sort": "digits"}
    shown = {"epoch": "epoch", "train_loss": "training loss"}
    options: dict[str, Any] = {"y": ["train_loss"], "floor": "optimum", "labels": labels, "column_labels": shown}
    figure = curves.draw(tables, **options, side_by_side=True, experiments=names)
    assert [axes.get_title() for axes in figure.axes] == ["cosine", "digits"]
    for axes, scale, floor in zip(figure.axes, (1.0, 100.0), (0.1, 7.0), strict=True):
        # three replicates, their mean, the same of the other model, and the floor
        *_, first, _, _, _, second, dotted = axes.get_lines()
        np.testing.assert_allclose(np.asarray(first.get_ydata()), scale * 3 / np.arange(1, 6))
        assert np.asarray(dotted.get_ydata())[0] == floor
        assert first.get_color() == dotted.get_color() != second.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["A", "B"]
    together = {**options, "labels": {key: f"{label}, {key}" for key, label in labels.items()}}
    assert len(curves.draw(tables, **together).axes) == 1


def test_predictions_of_two_functions_are_side_by_side() -> None:
    x = np.linspace(-1, 1, 20)
    rows = [
        {"model": f"{experiment}/{model}", "replicate": r, "x": at, "target": function(at), "prediction": at + r}
        for experiment, function in (("fit", np.cos), ("fit--as-run", np.sin))
        for model in ("a", "b")
        for r in range(3)
        for at in x
    ]
    labels = {f"{experiment}/{model}": model.upper() for experiment in ("fit", "fit--as-run") for model in ("a", "b")}
    names = {"fit": "as described", "fit--as-run": "as run"}
    figure = draw({"t": pd.DataFrame(rows)}, labels=labels, column_labels={}, table="t", experiments=names)
    assert [axes.get_title() for axes in figure.axes] == ["as described", "as run"]
    for axes, function in zip(figure.axes, (np.cos, np.sin), strict=True):
        truth, *lines = axes.get_lines()
        np.testing.assert_array_equal(truth.get_xydata(), np.column_stack((x, function(x))))
        assert len(lines) == 2 * (3 + 1)
    colours = [[line.get_color() for line in axes.get_lines()] for axes in figure.axes]
    assert colours[0] == colours[1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["truth", "A", "B"]
