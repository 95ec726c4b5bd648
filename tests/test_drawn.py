"""The numbers that a figure shows, as pages have them: what was drawn, and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from test_figures import CASES
from test_figures import draw as draw_kind

from conftest import Project
from hwcore.figures import capacity, curves, landscape, style, trajectory
from hwcore.figures.drawn import beside, drawn, save_numbers
from hwcore.reporting.numbers import numbers


def metrics(replicates: int = 12) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {"model": model, "replicate": replicate, "epoch": epoch}
        | {f"{part}_loss": random.uniform(1, 2) / epoch for part in ("train", "test")}
        for model in ("a", "b")
        for replicate in range(replicates)
        for epoch in range(1, 6)
    ]
    return pd.DataFrame(rows)


LABELS = {"a": "first", "b": "second"}
COLUMNS = {"epoch": "epoch", "loss": "loss", "train_loss": "training loss"}


def draw(table: pd.DataFrame) -> Figure:
    look = {"labels": LABELS, "column_labels": COLUMNS}
    return curves.draw({"metrics": table}, y=["train_loss", "test_loss"], **look)


def test_lines_have_their_means_intervals_and_the_names_of_the_legend() -> None:
    table = metrics()
    (panel,) = drawn(draw(table))["panels"]
    assert [each["name"] for each in panel["series"]] == [
        f"{model}, {part}" for model in ("first", "second") for part in ("training", "test")
    ]
    assert (panel["x"]["label"], panel["y"]["label"], panel["y"]["log"]) == ("epoch", "loss", False)
    assert [each["line"] for each in panel["series"]] == ["solid", "dash"] * 2
    for each in panel["series"]:
        assert each["x"] == [1, 2, 3, 4, 5]
        assert all(low < y < high for low, y, high in zip(each["low"], each["y"], each["high"], strict=True))


def test_intervals_are_those_that_were_drawn() -> None:
    random = np.random.default_rng(0)
    x, y, low, high = np.arange(7.0), *np.sort(random.uniform(1, 2, (3, 7)), axis=0)[[1, 0, 2]]
    figure = Figure()
    band, bars = figure.subplots(2)
    band.plot(x, y, label="a")
    band.add_collection(FillBetweenPolyCollection("x", x, low, high))
    bars.plot(x, y, "o", label="a")
    bars.errorbar(x[1:], y[1:], yerr=[(y - low)[1:], (high - y)[1:]], fmt="none", capsize=2)
    shown = [panel["series"] for panel in drawn(figure)["panels"]]
    assert [len(series) for series in shown] == [1, 1]
    for (series,), first in zip(shown, (low[0], None), strict=True):
        np.testing.assert_allclose(series["y"], y, rtol=1e-5)
        np.testing.assert_allclose(series["low"][1:], low[1:], rtol=1e-5)
        np.testing.assert_allclose(series["high"][1:], high[1:], rtol=1e-5)
        assert series["low"][0] == (None if first is None else pytest.approx(first, rel=1e-5))


def test_a_single_run_has_no_interval() -> None:
    (panel,) = drawn(draw(metrics(replicates=1)))["panels"]
    assert all("low" not in each for each in panel["series"])


def test_points_have_bars_and_say_which_are_hollow() -> None:
    random = np.random.default_rng(0)
    parts = ("train_loss", "test_loss")
    rows = [
        {"model": f"m{size}", "replicate": r, "parameters": 10.0**size, "stopped": size != 2}
        | {part: random.uniform(-1, 1) for part in parts}
        for size in (1, 2, 3)
        for r in range(12)
    ]
    table = pd.DataFrame(rows)
    labels = {f"m{size}": f"m{size}" for size in (1, 2, 3)}
    figure = capacity.draw(
        {"evaluation": table}, labels=labels, column_labels={"parameters": "parameters", "loss": "loss"}
    )
    (panel,) = drawn(figure)["panels"]
    assert [each["name"] for each in panel["series"]] == ["training", "test"]
    for series in panel["series"]:
        assert series["hollow"] == [1]
        assert all(low < y < high for low, y, high in zip(series["low"], series["y"], series["high"], strict=True))


def test_a_plane_keeps_the_losses_that_its_contours_are_made_of() -> None:
    places = np.linspace(-1, 1, 5)
    rows = [
        {"model": "a", "replicate": 0, "kind": "surface", "x": x, "y": y, "train_loss": 1 + x**2 + 2 * y**2}
        for x in places
        for y in places
    ]
    figure = landscape.draw({"landscape": pd.DataFrame(rows)}, labels={"a": "a"}, column_labels={})
    (panel,) = drawn(figure)["panels"]
    surface = panel["surface"]
    assert (surface["name"], surface["log"]) == ("training loss", True)
    assert surface["x"] == surface["y"] == [-1, -0.5, 0, 0.5, 1]
    np.testing.assert_allclose(surface["z"], 1 + places[None] ** 2 + 2 * places[:, None] ** 2, rtol=1e-5)
    assert panel["series"][0]["name"] == "trained weights"


def test_a_path_has_a_hollow_start_and_axes_of_one_scale() -> None:
    rows = [
        {"model": "a", "replicate": r, "epoch": e, "pc1": e + r, "pc2": e * r, "explained1": 0.6, "explained2": 0.2}
        for r in range(2)
        for e in range(3)
    ]
    figure = trajectory.draw({"trajectory": pd.DataFrame(rows)}, labels={"a": "a"}, column_labels={})
    (panel,) = drawn(figure)["panels"]
    assert panel["equal"]
    assert [(each["x"], each["hollow"]) for each in panel["series"]] == [([0, 1, 2], [0]), ([1, 2, 3], [0])]


def test_what_is_not_finite_is_null_in_json_and_empty_in_csv(tmp_path: Path) -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], [0.5, np.nan, 1e-7], label="a line")
    axes.axhline(0.25, linestyle=":")
    axes.set(xlabel="step", ylabel="loss")
    save_numbers(style.finish(figure), tmp_path / "f")
    (panel,) = json.loads((tmp_path / "f.data.json").read_text(), parse_constant=pytest.fail)["panels"]
    assert panel["series"][0]["y"] == [0.5, None, 1e-7]
    assert [(each["axis"], each["at"], each["line"]) for each in panel["guides"]] == [("y", 0.25, "dot")]
    assert (tmp_path / "f.csv").read_text().splitlines() == [
        "panel,horizontal,vertical,series,x,y",
        "1,step,loss,a line,1,0.5",
        "1,step,loss,a line,2,",
        "1,step,loss,a line,3,1e-07",
    ]


def test_runs_behind_a_mean_are_told_from_it_and_lines_may_be_named_at_their_ends() -> None:
    figure = Figure()
    axes = figure.subplots()
    for height in (1, 3):
        axes.plot([0, 1], [height, height], color="#0072B2", linewidth=0.5, alpha=0.5)
    axes.plot([0, 1, 2], [2, 2, 2.5], color="#0072B2", linewidth=1.4, marker="s", markevery=[1])
    axes.plot([0, 1, 2], [4, 4, 4.5], color="#D55E00", linewidth=1.4)
    axes.annotate("first", (1, 2.5), xycoords=axes.get_yaxis_transform())
    style.level(axes, 1.5, "chance")
    # of another stroke: not what the legend says of the colour
    axes.axhline(3.5, color=style.GREY)
    (panel,) = drawn(style.finish(figure, [style.entry("second", "#D55E00")]))["panels"]
    assert [each["name"] for each in panel["series"]] == ["first, single runs"] * 2 + ["first", "second"]
    assert [each.get("of") for each in panel["series"]] == ["first", "first", None, None]
    assert panel["series"][2]["marks"] == [1]
    assert [each["name"] for each in panel["guides"]] == ["chance", ""]
    panel["x"]["label"], panel["y"]["label"] = "x", "y"
    assert "single runs" not in numbers({"panels": [panel]}, "f.csv")


@pytest.mark.parametrize(("kind", "columns"), [("curves", 2), ("gradient_norm", 1), ("landscape", 2), ("spectrum", 1)])
def test_panels_beside_each_other_are_counted(kind: str, columns: int) -> None:
    assert beside(draw_kind(kind)) == columns


def test_points_that_stand_aside_are_points() -> None:
    figure = Figure()
    axes = figure.subplots()
    aside = axes.transData + ScaledTranslation(0.1, 0, figure.dpi_scale_trans)
    axes.plot([1, 2], [3, 3], "o", label="a", transform=aside)
    (panel,) = drawn(figure)["panels"]
    assert (panel["guides"], panel["series"][0]["x"]) == ([], [1, 2])


def test_the_pipeline_writes_the_means_of_the_tables(finished: Project) -> None:
    results = finished.folder / "results/quick"
    table = pd.read_parquet(results / "tables/tiny/fit/predictions.parquet").query("model == 'wide'")
    said = json.loads((results / "figures/tiny/fit/fits.data.json").read_text())
    wide = next(each for each in said["panels"][0]["series"] if each["name"] == "wide")
    np.testing.assert_allclose(wide["y"], table.groupby("x").prediction.mean(), rtol=1e-5)
    points = pd.read_csv(results / "figures/tiny/fit/fits.csv")
    assert points[points.series == "wide"].y.tolist() == wide["y"]


def test_a_table_shows_some_places_as_they_are_and_says_so() -> None:
    x = list(range(1, 101))
    figure = {
        "panels": [
            {
                "title": "",
                "x": {"label": "epoch"},
                "y": {"label": "loss <1>"},
                "series": [
                    {"name": "a", "x": x, "y": [each / 8 for each in x], "low": [-1.5] * 100, "high": [20] * 100},
                    {"name": "b", "x": x[::2], "y": [None] * 50},
                ],
            }
        ]
    }
    text = numbers(figure, "../figures/f.csv")
    assert "loss &lt;1&gt;, 12 of 50 places; in brackets the interval that is drawn" in text
    assert '<th scope="row">1</th><td>0.125 [−1.5, 20]</td><td>–</td>' in text
    assert '<th scope="row">99</th>' in text
    assert '<a href="../figures/f.csv" download>' in text
    assert "<table" not in numbers(
        {"panels": [figure["panels"][0] | {"series": figure["panels"][0]["series"] * 5}]}, ""
    )


def test_a_series_with_several_points_at_a_place_is_in_no_table() -> None:
    """It would show one of them."""
    panel: dict[str, Any] = {"title": "", "x": {"label": "share"}, "y": {"label": "loss"}}
    crowded = {"name": "all <81>", "x": [1, 1, 0.5], "y": [2, 3, 4]}
    # what is not finite is at no place
    alone = {"name": "one", "x": [1, None, None, 2], "y": [5, None, None, 6]}
    text = numbers({"panels": [{**panel, "series": [crowded, alone]}]}, "f.csv")
    assert "<caption>loss; without “all &lt;81&gt;”, which has several points at one place</caption>" in text
    assert [each for each in ("2", "3", "4", "5", "6") if f"<td>{each}</td>" in text] == ["5", "6"]
    nothing = numbers({"panels": [{**panel, "series": [crowded]}]}, "f.csv")
    assert "<table" not in nothing
    assert "All points as CSV" in nothing


@pytest.mark.parametrize("kind", CASES)
def test_the_numbers_of_a_figure_of_a_single_replicate_are_read(kind: str) -> None:
    """As with `--config replicates=1`."""
    tables = {name: rows[rows.replicate == rows.replicate.min()] for name, rows in CASES[kind][0].items()}
    assert drawn(draw_kind(kind, tables))["panels"]
