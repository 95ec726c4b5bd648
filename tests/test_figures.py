"""Figures: what they draw is what the tables say, quickly and always the same."""

import itertools
import re
import subprocess
import sys
from collections import UserDict
from collections.abc import Iterable
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from conftest import ROOT
from hwcore.config import parse
from hwcore.errors import HwcoreError
from hwcore.figures import colours, means, minimal_ratio, output, style
from hwcore.plan import Plan
from hwcore.studies.kinds import FIGURES
from hwcore.studies.kinds import labels as column_labels

LABELS = {"a": "one layer", "b": "two layers"}


def table(index: str, values: list[float], columns: list[str], replicates: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {"model": model, "replicate": r, index: value, **{column: random.uniform(0.1, 0.9) for column in columns}}
        for model in LABELS
        for r in range(replicates)
        for value in values
    ]
    return pd.DataFrame(rows)


def sweep(setting: str, columns: list[str]) -> pd.DataFrame:
    """Each model at a setting of its own."""
    return pd.concat(
        [
            table(setting, [value], columns).query("model == @model")
            for model, value in zip(LABELS, (5, 50), strict=True)
        ],
        ignore_index=True,
    )


def plane(kind: str = "surface") -> pd.DataFrame:
    """A grid of 5 × 4 points for each model."""
    random = np.random.default_rng(1)
    rows = [
        {"model": model, "replicate": 0, "kind": kind, "x": x, "y": y, "train_loss": x**2 + y**2 + random.uniform(1, 2)}
        for model in LABELS
        for x in np.linspace(-1, 1, 5)
        for y in np.linspace(-2, 2, 4)
    ]
    return pd.DataFrame(rows)


def way() -> pd.DataFrame:
    records = table("epoch", [0, 1, 2], ["x", "y", "train_loss", "plane_loss"], replicates=1).assign(kind="trajectory")
    return pd.concat([plane(), records], ignore_index=True).assign(explained1=0.6, explained2=0.25)


def landscape_lines() -> pd.DataFrame:
    return table("x", [-1, 0, 1], ["train_loss", "train_accuracy"]).assign(kind="surface", y=np.nan)


METRICS = ["train_loss", "test_loss", "train_accuracy", "test_accuracy"]
CASES: dict[str, tuple[dict[str, pd.DataFrame], dict[str, Any]]] = {
    "curves": (
        {"metrics": table("epoch", [1, 2, 3], METRICS)},
        {"table": "metrics", "x": "epoch", "y": METRICS, "log": True},
    ),
    "predictions": ({"t": table("x", [-1, 0, 1], ["target", "prediction"])}, {"table": "t"}),
    "trajectory": (
        {"t": table("epoch", [0, 3, 6], ["pc1", "pc2", "explained1", "explained2"])},
        {"table": "t"},
    ),
    "gradient_norm": ({"t": table("step", [1, 2, 3], ["loss", "grad_norm"])}, {"table": "t"}),
    "minimal_ratio": (
        {
            "t": table("converged", [True, False], ["loss", "minimal_ratio", "negative_share"]).assign(
                certified=lambda t: t.converged
            )
        },
        {"table": "t"},
    ),
    "ratio_tolerance": (
        {"t": table("converged", [True], ["ratio_at_0", "ratio_at_1e-06", "ratio_at_0.01", "minimal_ratio"])},
        {"table": "t"},
    ),
    "capacity": ({"t": sweep("parameters", [*METRICS, "loss_gap", "accuracy_gap"])}, {"table": "t"}),
    "interpolation": (
        {"t": table("alpha", [-1, 0, 1, 2], METRICS).query("model == 'a'").assign(pair="a → b")},
        {"table": "t"},
    ),
    "spectrum": (
        {
            "t": pd.concat(
                [
                    table("at", [-1, 0, 1, 2], ["value"]).assign(measure="density"),
                    table("at", [1, 2], ["value"]).assign(measure="eigenvalue"),
                ]
            )
        },
        {"table": "t"},
    ),
    "landscape": ({"t": way()}, {"table": "t"}),
    "relation": (
        {"t": table("lr", [0.1], ["sharpness", "trace", "loss_gap", "accuracy_gap"])},
        {"measures": [["t", "sharpness"], ["t", "trace"]]},
    ),
    "sweep": (
        {"evaluation": sweep("batch_size", METRICS), "sensitivity": sweep("batch_size", ["norm"])},
        {"x": "batch_size", "measures": [["evaluation", m] for m in METRICS] + [["sensitivity", "norm"]]},
    ),
}


def draw(kind: str, tables: dict[str, pd.DataFrame] | None = None, **changes: Any) -> Figure:
    return draw_noting_columns(kind, tables, **changes)[0]


class Noting(UserDict[str, str]):
    """Labels that note which columns were asked for."""

    def __init__(self, columns: Iterable[str]) -> None:
        super().__init__(column_labels(columns))
        self.shown: set[str] = set()

    def __getitem__(self, column: str) -> str:
        self.shown.add(column)
        return super().__getitem__(column)


def draw_noting_columns(
    kind: str, tables: dict[str, pd.DataFrame] | None = None, **changes: Any
) -> tuple[Figure, Noting]:
    """A figure as the plan has it drawn, and the labels that it was given."""
    known, options = CASES[kind]
    options = {**options, **changes}
    spec = {name: value for name, value in options.items() if name != "chance"}
    labels = Noting(FIGURES[kind].model_validate(spec).columns())
    module = import_module(f"hwcore.figures.{kind}")
    figure = module.draw(tables or known, labels=LABELS, column_labels=labels, **options)
    assert isinstance(figure, Figure)
    return figure, labels


def said(figure: Figure) -> list[str]:
    """The names beside lines, those of the legend, and the notes."""
    beside = [text for axes in figure.axes for text in axes.texts if text.get_position()[0] == 5]
    return [text.get_text() for text in [*beside, *(each for legend in figure.legends for each in legend.get_texts())]]


def thick(axes: Axes) -> list[Line2D]:
    """The lines of means."""
    return [line for line in axes.lines if line.get_linewidth() == mpl.rcParams["lines.linewidth"]]


def name_of(label: str) -> str:
    """That of an axis, in one line."""
    return label.replace("\n", " ")


def test_every_kind_is_tried() -> None:
    # the figure across studies has tests of its own, with the questions
    others = {"__init__", "across", "colours", "drawn", "means", "output", "replicates", "spec", "style"}
    kinds = {path.stem for path in (ROOT / "hwcore/figures").glob("*.py")} - others
    assert kinds == set(FIGURES) == set(CASES)


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_is_drawn_with_labelled_axes_and_the_same_every_time(kind: str, tmp_path: Path) -> None:
    figure = draw(kind)
    assert all(axes.get_xlabel() or axes.get_shared_x_axes().get_siblings(axes) for axes in figure.axes)
    left = [axes for axes in figure.axes if not axes.get_subplotspec() or not axes.get_subplotspec().colspan.start]
    assert all(axes.get_ylabel() for axes in left)
    output.save(figure, tmp_path / "first")
    output.save(draw(kind), tmp_path / "second")
    for suffix in ("svg", "pdf", "png"):
        first, second = (tmp_path / f"{name}.{suffix}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size > 1000


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        *((kind, {}) for kind in CASES if kind != "landscape"),
        ("landscape", {"tables": {"t": landscape_lines()}}),
        ("curves", {"y": ["train_loss", "test_accuracy"]}),
        ("minimal_ratio", {"share": "negative_share"}),
        ("relation", {"gap": "accuracy_gap"}),
        ("sweep", {"measures": [["evaluation", "train_loss"], ["sensitivity", "norm"]]}),
    ],
)
def test_a_figure_shows_the_columns_that_make_it_stale(kind: str, changes: dict[str, Any]) -> None:
    """A label that it shows without having named the column could change and leave the figure as it was."""
    figure, labels = draw_noting_columns(kind, **changes)
    assert labels.shown == set(labels)
    axes = [name_of(text) for each in figure.axes for text in (each.get_xlabel(), each.get_ylabel())]
    assert set(labels.data.values()) <= set(axes)


@pytest.mark.parametrize("replicates", [1, 3, 6, 100])
def test_lines_are_means_with_bands_or_with_few_replicates(replicates: int) -> None:
    known = table("epoch", [1, 2, 3], ["pc1"], replicates)
    figure = draw("curves", {"metrics": known}, y=["pc1"], log=False)
    (axes,) = figure.axes
    thin = [line for line in axes.lines if line not in thick(axes)]
    for line, model in zip(thick(axes), LABELS, strict=True):
        wide = known[known.model == model].pivot_table(index="epoch", columns="replicate", values="pc1")
        np.testing.assert_allclose(line.get_ydata(), wide.mean(axis=1))
        assert (line.get_color(), line.get_marker()) == style.palette(LABELS)[model]
    assert said(figure) == list(LABELS.values())
    assert len(axes.collections) == (2 if replicates > 5 else 0)
    assert len(thin) == (6 if replicates == 3 else 0)
    if replicates == 3:
        np.testing.assert_allclose([line.get_ydata() for line in thin[3:]], wide.T)
    if replicates > 5:
        low, high = stats.t.interval(0.95, replicates - 1, loc=wide.mean(axis=1), scale=stats.sem(wide, axis=1))
        path = axes.collections[1].get_paths()[0].vertices
        for epoch, expected in zip((1, 2, 3), zip(low, high, strict=True), strict=True):
            at = path[path[:, 0] == epoch, 1]
            assert (at.min(), at.max()) == pytest.approx(expected)


def test_a_replicate_that_diverged_is_left_out_and_counted() -> None:
    known = table("epoch", [1, 2, 3], ["train_loss"])
    known.loc[(known.model == "a") & (known.replicate == 2) & (known.epoch == 3), "train_loss"] = np.nan
    figure = draw("curves", {"metrics": known}, y=["train_loss"], log=True)
    kept = known[(known.model == "a") & (known.replicate != 2)].groupby("epoch").train_loss.apply(stats.gmean)
    np.testing.assert_allclose(thick(figure.axes[0])[0].get_ydata(), kept)
    assert said(figure) == ["one layer (1 diverged)", "two layers"]


def test_what_is_not_known_before_the_first_epoch_has_not_diverged() -> None:
    known = table("epoch", [0, 1, 2], ["pc1", "train_loss"])
    known.loc[known.epoch == 0, "train_loss"] = np.nan
    figure = draw("curves", {"t": known}, table="t", y=["pc1", "train_loss"], log=False)
    assert [line.get_xdata().tolist() for line in thick(figure.axes[1])] == [[1, 2], [1, 2]]
    assert [line.get_xdata().tolist() for line in thick(figure.axes[0])] == [[0, 1, 2], [0, 1, 2]]
    assert said(figure) == list(LABELS.values())
    # where all diverge at once, it is not so
    known["train_loss"] = np.nan
    assert said(draw("curves", {"t": known}, table="t", y=["pc1", "train_loss"]))[0] == "one layer (4 diverged)"


def test_training_and_test_share_a_panel() -> None:
    figure = draw("curves")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    assert len(thick(figure.axes[0])) == 4


def test_curves_are_thinned_to_every_so_many_epochs() -> None:
    """A replicate that stopped early stays where it was, though its last epoch is not shown."""
    known = table("epoch", [1, 2, 3, 4, 5, 6, 7], ["train_loss"])
    known = known[(known.replicate != 0) | (known.epoch < 5)]
    figure = draw("curves", {"metrics": known}, y=["train_loss"], log=False, every=3)
    wide = known[known.model == "a"].pivot_table(index="epoch", columns="replicate", values="train_loss").ffill()
    (line, _) = thick(figure.axes[0])
    assert line.get_xdata().tolist() == [1, 4, 7]
    np.testing.assert_allclose(line.get_ydata(), wide.mean(axis=1)[[1, 4, 7]])
    later = draw("curves", {"metrics": known}, y=["train_loss"], log=False, every=2, start=2)
    assert thick(later.axes[0])[0].get_xdata().tolist() == [2, 4, 6]
    with pytest.raises(HwcoreError, match="start: 8 is beyond the last epoch of table metrics, 7"):
        draw("curves", {"metrics": known}, y=["train_loss"], start=8)


def test_an_offset_is_said_on_the_axis() -> None:
    """As where a report plots the mean loss plus one."""
    known = CASES["curves"][0]["metrics"]
    plain, raised = (draw("curves", y=["train_loss", "test_accuracy"], offset=offset) for offset in (0.0, 1.0))
    assert [axes.get_ylabel() for axes in raised.axes] == ["training loss + 1", "test accuracy + 1"]
    for before, after in zip(plain.axes, raised.axes, strict=True):
        np.testing.assert_allclose(after.lines[0].get_ydata(), before.lines[0].get_ydata() + 1)
    floor = {"metrics": known, "floor": table("steps", [100], ["train_loss"]).assign(train_loss=0.1)}
    dotted = [
        [
            line.get_ydata()[0]
            for line in draw("curves", floor, y=["train_loss"], floor="floor", offset=offset).axes[0].lines
            if line.get_linestyle() == ":"
        ]
        for offset in (0.0, 1.0)
    ]
    np.testing.assert_allclose(np.array(dotted[1]), np.array(dotted[0]) + 1)


def stopped(rows: pd.DataFrame) -> pd.DataFrame:
    """All replicates of the first model met their criterion, two of the four of the second."""
    return rows.assign(stopped=(rows.model == "a") | (rows.replicate < 2))


def hollow(figure: Figure) -> list[list[float]]:
    """The places of the hollow points of each panel."""
    return [
        [x for line in axes.lines if line.get_markerfacecolor() in ("none", "white") for x in line.get_xdata()]
        for axes in figure.axes
    ]


def test_networks_that_missed_their_criterion_are_hollow_and_have_no_rank() -> None:
    known = stopped(CASES["relation"][0]["t"])
    figure = draw("relation", {"t": known})
    kept = known[known.stopped]
    expected = stats.kendalltau(kept.sharpness, kept.loss_gap).statistic
    everywhere = stats.kendalltau(known.sharpness, known.loss_gap).statistic
    assert f"{expected:.2f}" != f"{everywhere:.2f}"
    assert figure.axes[0].get_title().startswith(f"τ = {expected:.2f} (".replace("-", "−"))
    assert hollow(figure) == [known[~known.stopped][column].tolist() for column in ("sharpness", "trace")]
    assert "stopping criterion reached by 6 of 8 networks" in " ".join(said(figure))
    everyone = draw("relation", {"t": known.assign(stopped=True)})
    assert said(everyone) == list(LABELS.values())
    # another table does not know of it
    mixed = draw(
        "relation", {"t": known, "u": known.drop(columns="stopped")}, measures=[["t", "trace"], ["u", "trace"]]
    )
    assert [len(at) for at in hollow(mixed)] == [2, 0]


def test_a_point_of_which_some_missed_the_criterion_is_hollow() -> None:
    tables = {"evaluation": stopped(sweep("batch_size", METRICS)), "sensitivity": sweep("batch_size", ["norm"])}
    figure = draw("sweep", tables)
    assert hollow(figure) == [[50, 50], [50, 50], []]
    count = "stopping criterion reached by 6 of 8 networks; hollow: not by all"
    assert said(figure)[-1] == count
    assert [text.get_text() for text in figure.legends[1].get_texts()] == [count]
    rows = stopped(sweep("parameters", [*METRICS, "loss_gap", "accuracy_gap"]))
    assert hollow(draw("capacity", {"t": rows}))[0] == [50, 50]
    assert said(draw("capacity", {"t": rows}))[-1] == count


def test_curves_say_how_many_met_their_criterion() -> None:
    known = CASES["curves"][0]["metrics"]
    rows = known.assign(stopped=(known.epoch == 3) & (known.replicate > 0))
    assert said(draw("curves", {"metrics": rows}))[-1] == "stopping criterion reached by 6 of 8 networks"
    # of models without a criterion nothing is said
    others = rows.assign(stopped=rows.stopped.where(rows.model == "a").astype(object))
    assert said(draw("curves", {"metrics": others}))[-1] == "stopping criterion reached by 3 of 4 networks"


@pytest.mark.parametrize("kind", ["sweep", "relation", "capacity", "spectrum", "predictions", "minimal_ratio"])
def test_a_table_over_epochs_is_refused_by_what_shows_one_point(kind: str) -> None:
    tables = {name: rows.assign(epoch=3) for name, rows in CASES[kind][0].items()}
    with pytest.raises(HwcoreError, match=r"has rows for each epoch; show it by `kind: curves`"):
        draw(kind, tables)


def test_spectra_by_layer_have_a_panel_each() -> None:
    known = CASES["spectrum"][0]["t"]
    rows = pd.concat([known.assign(layer=layer, at=known["at"] * layer) for layer in (1, 2, 3)])
    figure = draw("spectrum", {"t": rows})
    assert [axes.get_title() for axes in figure.axes] == ["layer 1", "layer 2", "layer 3"]
    own = rows[(rows.layer == 3) & (rows.model == "b") & (rows.replicate == 0) & (rows.measure == "density")]
    np.testing.assert_allclose(figure.axes[2].lines[2].get_xdata(), own["at"])
    assert said(figure) == said(draw("spectrum"))


def test_points_are_counted_by_what_they_are() -> None:
    figure = draw("minimal_ratio")
    assert said(figure) == [
        "one layer",
        "two layers",
        "gradient not zero (8)",
        "evidence of an exact critical point (8)",
    ]


def test_the_procedure_of_the_reports_stands_beside() -> None:
    known = CASES["minimal_ratio"][0]["t"]
    norms = np.where(known.replicate == 0, 0.01, 1e-4)
    figure = draw("minimal_ratio", {"t": known.assign(reports_grad_norm=norms, reports_ratio=0.5, reports_loss=0.2)})
    (line,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert len(line.get_xdata()) == (norms < 1e-3).sum() == 12
    assert said(figure)[-1] == "stopped at a gradient norm of 0.001, no tolerance (12)"


def test_the_index_has_the_law_of_its_fit() -> None:
    index = np.array([0.1, 0.2, 0.4, 0.5])
    rows = pd.DataFrame({"model": "a", "replicate": range(4), "converged": True, "certified": True})
    rows = rows.assign(negative_share=index, loss=0.3 + 2 * index ** (2 / 3))
    figure = draw("minimal_ratio", {"t": rows}, share="negative_share")
    assert said(figure)[-1] == "0.3 + 2 · index^(2/3), least squares"
    law = figure.axes[0].lines[-1]
    np.testing.assert_allclose(law.get_ydata(), 0.3 + 2 * law.get_xdata() ** (2 / 3))


def test_padded_networks_that_did_not_converge_are_no_critical_points() -> None:
    index = np.array([0.1, 0.2, 0.4, 0.5, 0.3, 0.6])
    rows = pd.DataFrame({"model": "a", "replicate": range(6), "kind": "padded", "certified": False})
    rows = rows.assign(converged=rows.index < 4, negative_share=index, loss=0.3 + 2 * index ** (2 / 3))
    rows.loc[rows.index >= 4, "loss"] = 9.0
    legend = said(draw("minimal_ratio", {"t": rows}, share="negative_share"))
    assert legend == ["gradient not zero (2)", "smaller network, padded (4)", "0.3 + 2 · index^(2/3), least squares"]


def test_a_line_needs_one_value_at_a_place() -> None:
    twice = pd.DataFrame({"x": [0.5, 0.5], "replicate": 0, "loss": 1.0})
    with pytest.raises(HwcoreError, match=r"^x: the table has several values of loss at 0\.5 for a replicate"):
        means.along(twice, "x", "loss")


def test_a_floor_is_the_least_loss_of_each_model() -> None:
    floor = table("steps", [100], ["train_loss"])
    floor.train_loss /= 10
    floor.loc[0, "train_loss"] = np.nan
    known = {**CASES["curves"][0], "floor": floor}
    figure = draw("curves", known, y=["train_loss"], floor="floor")
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    expected = floor.groupby("model").train_loss.min()
    assert [line.get_ydata()[0] for line in dotted] == [expected["a"], expected["b"]]
    assert "Levenberg" in said(figure)[-1]
    # the first replicates may end higher than the mean of all
    high = {**known, "floor": floor.assign(train_loss=floor.train_loss.where(floor.model == "a", 9.0))}
    figure = draw("curves", high, y=["train_loss"], floor="floor")
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in dotted] == [expected["a"]]
    assert figure.axes[0].get_ylim()[1] < 9
    for none in (9.0, np.nan):
        figure = draw("curves", {**known, "floor": floor.assign(train_loss=none)}, y=["train_loss"], floor="floor")
        assert not any(line.get_linestyle() == ":" for line in figure.axes[0].lines)
        assert "Levenberg" not in " ".join(said(figure))


def test_a_landscape_has_a_way_a_plane_or_lines() -> None:
    figure = draw("landscape")
    way = CASES["landscape"][0]["t"].query("model == 'a' and replicate == 0 and kind == 'trajectory'")
    error = (way.plane_loss / way.train_loss - 1).abs().median()
    assert name_of(figure.axes[0].get_title()) == f"one layer: 85% of variance, loss off by {error:.0%}"
    assert said(figure) == ["start", "recorded weights", "trained weights"]
    # where the plane has its origin, and not at the last record, which may be of earlier weights
    full = [
        line for line in figure.axes[0].lines if line.get_markersize() == 6 and line.get_markerfacecolor() != "white"
    ]
    assert [line.get_xydata().tolist() for line in full] == [[[0, 0]]]
    assert figure.axes[-1].get_ylabel() == "training loss"
    assert figure.axes[0].get_ylim() == (-2, 2)
    assert said(draw("landscape", {"t": plane()})) == ["trained weights"]
    lines = landscape_lines()
    lost = lines.replicate == 3
    lines.loc[lost & (lines.model == "a"), ["x", "train_loss"]] = np.nan
    assert said(draw("landscape", {"t": lines})) == ["one layer (1 diverged)", "two layers"]
    for loss, bars in ((np.nan, 0), (0.0, 0), (2.3, 1)):
        # diverged, fitted to the last digit, or of dead units only
        assert len(draw("landscape", {"t": plane().assign(train_loss=loss)}).axes) == 2 + bars


def test_trajectories_along_the_sums_of_halves() -> None:
    known = table("epoch", [0, 3, 6], ["half_sum1", "half_sum2"])
    figure = draw("trajectory", {"t": known}, along="half_sums")
    assert name_of(figure.axes[0].get_xlabel()) == "sum of the first half of the weights"
    own = known[(known.model == "a") & (known.replicate == 0)]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata(), own[["half_sum1", "half_sum2"]])


def test_a_trajectory_by_tsne_of_every_second_record() -> None:
    known = table("epoch", [0, 3, 6, 9], ["tsne1", "tsne2"])
    figure = draw("trajectory", {"t": known}, along="tsne", every=2)
    assert figure.axes[0].get_ylabel() == "second t-SNE coordinate"
    assert said(figure)[:2] == ["start", "last record"]
    # and of the last, which is not a second one
    own = known[(known.model == "a") & (known.replicate == 0) & known.epoch.isin([0, 6, 9])]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata(), own[["tsne1", "tsne2"]])


def test_the_relation_is_kendalls() -> None:
    known = CASES["relation"][0]["t"]
    tau = stats.kendalltau(known.sharpness, known.loss_gap).statistic
    # Fieller, Hartley & Pearson 1957
    low, high = np.tanh(np.arctanh(tau) + np.array([-1.96, 1.96]) * np.sqrt(0.437 / (len(known) - 4)))
    title = name_of(draw("relation").axes[0].get_title())
    assert title == f"τ = {tau:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")
    # four networks say nothing of it
    assert "(" not in draw("relation", {"t": known[known.replicate < 2]}).axes[0].get_title()
    assert draw("relation", {"t": known.assign(sharpness=1.0)}).axes[0].get_title() == ""


def test_measures_of_rescaled_weights_share_a_panel() -> None:
    known = sweep("batch_size", ["sharpness", "rescaled_sharpness", "trace"])
    measures = [["t", name] for name in ("sharpness", "rescaled_sharpness", "trace")]
    figure = draw("sweep", {"t": known}, measures=measures)
    assert [axes.get_ylabel() for axes in figure.axes] == ["sharpness (%)", "trace of the Hessian"]
    assert said(figure) == ["as trained", "rescaled"]


def test_a_wide_interval_does_not_stretch_a_logarithmic_axis() -> None:
    losses = {0: 0.01, 1: 0.01, 2: 0.01, 3: 0.2}
    rows = sweep("parameters", METRICS).assign(train_loss=lambda t: t.replicate.map(losses), test_loss=0.1)
    axes = draw("capacity", {"t": rows}).axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] > 1e-3


def test_pairs_of_networks_have_colours_of_their_own() -> None:
    lines = table("alpha", [0, 1], METRICS).assign(pair=lambda t: t.model.map({"a": "a → b", "b": "b → a"}))
    figure = draw("interpolation", {"t": lines})
    assert said(figure) == ["one layer → two layers", "two layers → one layer", "training", "test"]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(HwcoreError, match="no column 'tset_loss'; it has model, replicate, epoch"):
        draw("curves", y=["tset_loss"])
    empty = {"t": CASES["capacity"][0]["t"].iloc[:0]}
    with pytest.raises(HwcoreError, match="no rows"):
        draw("capacity", empty)


def test_drawing_loads_no_torch() -> None:
    modules = ", ".join(f"hwcore.figures.{kind}" for kind in CASES)
    code = f"import sys, {modules}, workflow_scripts.figure; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 has it."""
    rgb = np.array(to_rgb(colour))
    return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(colour: str, ground: str) -> float:
    darker, lighter = sorted([luminance(colour), luminance(ground)])
    return (lighter + 0.05) / (darker + 0.05)


LINES = sorted({colour for count in (*range(1, 9), 12, 30) for colour in colours.spread(count)} | {colours.GREY})


@pytest.mark.parametrize("colour", LINES)
def test_lines_stand_out_on_white_and_in_the_dark(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(colours.on_dark(colour), colours.GROUND) >= 3


@pytest.mark.parametrize(
    "colour",
    [
        *(mpl.rcParams[f"{of}color"] for of in ("text.", "axes.label", "axes.edge", "xtick.label", "ytick.label")),
        *map(colours.ink, LINES),
    ],
)
def test_words_can_be_read_on_white_and_in_the_dark(colour: str) -> None:
    colour = to_hex(f"#{colour.removeprefix('#')}")
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colours.on_dark(colour), colours.GROUND) >= 4.5


def test_the_dark_ground_is_that_of_the_page() -> None:
    assert f"--ground: {colours.GROUND};" in (ROOT / "report/style.css").read_text()
    assert colours.on_dark("#ffffff") == colours.GROUND


def test_dollars_in_a_label_are_no_mathematics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in LABELS:
        monkeypatch.setitem(LABELS, model, f"{model} at $x_$")
    output.save(draw("curves"), tmp_path / "curves")
    assert "a at $x_$" in (tmp_path / "curves.svg").read_text()


@pytest.mark.parametrize("kind", CASES)
def test_every_colour_of_an_svg_has_a_partner_in_the_dark(kind: str, tmp_path: Path) -> None:
    output.save(draw(kind), tmp_path / "figure")
    text = (tmp_path / "figure.svg").read_text()
    style, _, rest = text.partition("</style>")
    used = set(re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", rest))
    assert used
    _, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    assert used == set(re.findall(r'style\*="([^"]+)"', dark))
    # black that is not said would stay black
    assert "<text" in rest
    assert all("fill: #" in each for each in re.findall(r"<text[^>]*>", rest))


@pytest.mark.parametrize("kind", CASES)
def test_words_are_text_large_enough_for_half_a_page(kind: str, tmp_path: Path) -> None:
    figure = draw(kind)
    output.save(figure, tmp_path / "figure")
    root = ElementTree.parse(tmp_path / "figure.svg").getroot()
    texts = root.findall(".//{http://www.w3.org/2000/svg}text")
    words = [line for text in [*said(figure), figure.axes[0].get_ylabel()] for line in text.split("\n")]
    assert set(words) <= {text.text for text in texts}
    sizes = [float(re.search(r"font-size: ([\d.]+)px", text.attrib["style"])[1]) for text in texts]  # type: ignore[index]
    width = float(root.attrib["width"].removesuffix("pt"))
    assert width == pytest.approx(72 * style.WIDTH)
    # half of the text width of A4, and the least size that journals print
    assert min(sizes) * 3.1 * 72 / width >= 5


@pytest.mark.parametrize("scale", ["linear", "geometric", "positive", "fraction"])
@pytest.mark.parametrize("replicates", [0, 1, 2, 6])
def test_intervals_stay_where_numbers_can_be(scale: means.Scale, replicates: int) -> None:
    random = np.random.default_rng(3)
    equal = np.repeat(random.uniform(0.001, 0.999, (200, 1)), replicates, axis=1)
    values = np.concatenate((random.uniform(0.001, 0.999, (50, replicates)), equal))
    mean, low, high = means.interval(values, scale)
    if replicates < 2:
        assert np.isnan([low, high]).all()
        assert np.isnan(mean).all() if replicates == 0 else (mean == pytest.approx(values[:, 0]))
        return
    assert (low <= mean).all()
    assert (mean <= high).all()
    assert low[50:] == pytest.approx(equal[:, 0])
    assert high[50:] == pytest.approx(equal[:, 0])
    if scale != "linear":
        assert (low > 0).all()
    if scale == "fraction":
        assert (high < 1).all()
    if scale == "geometric":
        expected = stats.t.interval(0.95, replicates - 1, np.log(values[0]).mean(), stats.sem(np.log(values[0])))
        assert (low[0], high[0]) == pytest.approx(tuple(np.exp(expected)))
        assert mean == pytest.approx(stats.gmean(values, axis=1))
    else:
        assert mean == pytest.approx(values.mean(axis=1))


def test_fractions_of_zero_and_one_have_an_interval() -> None:
    mean, low, high = means.interval(np.array([[0.0] * 6, [1.0] * 6, [1.0] * 5 + [0.9]]), "fraction")
    assert mean.tolist()[:2] == low.tolist()[:2] == high.tolist()[:2] == [0, 1]
    assert 0.8 < low[2] < mean[2] < high[2] < 1


@pytest.mark.parametrize("kind", ["curves", "capacity", "sweep", "interpolation"])
def test_chance_is_a_line_with_its_name_where_it_is_in_sight(kind: str) -> None:
    assert FIGURES[kind].model_validate(CASES[kind][1]).guessed()
    near = draw(kind, chance={"accuracy": 0.5, "loss": 0.5})
    shown = [axes for axes in near.axes if "chance" in [line.get_label() for line in axes.lines]]
    assert [name_of(axes.get_ylabel()) for axes in shown] == ["loss", "accuracy"]
    assert all(0.5 in [line.get_ydata()[0] for line in axes.lines] for axes in shown)
    # in the panels it would stand on curves
    assert said(near).count("chance") == 1
    assert not any(text.get_text() == "chance" for axes in near.axes for text in axes.texts)
    limits = [axes.get_ylim() for axes in draw(kind).axes]
    far = draw(kind, chance={"accuracy": -3.0, "loss": 1e9})
    assert [axes.get_ylim() for axes in far.axes] == limits
    assert "chance" not in said(far)


def test_names_stand_beside_lines_where_they_fit() -> None:
    """In the figure, a line apart, and in the legend where there are many, long or diverged ones."""
    rows = table("epoch", [1, 2, 3], ["train_loss"], replicates=1)
    figure = draw("curves", {"metrics": rows.assign(train_loss=0.5)}, y=["train_loss"])
    assert not figure.legends
    assert said(figure) == list(LABELS.values())
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: float(box.y0))
    assert boxes[0].y1 <= boxes[1].y0
    assert max(box.x1 for box in boxes) <= style.WIDTH * figure.dpi
    rows.loc[1, "train_loss"] = np.nan
    assert draw("curves", {"metrics": rows}, y=["train_loss"]).legends


def test_a_name_does_not_stand_beside_the_end_of_another_line() -> None:
    rows = table("epoch", [1, 2, 3], ["train_loss"], replicates=1)
    figure = draw("curves", {"metrics": rows[(rows.model == "a") | (rows.epoch == 1)]}, y=["train_loss"])
    assert not figure.axes[0].texts
    assert said(figure) == list(LABELS.values())


def counts(places: list[tuple[float, float]]) -> list[str]:
    known = pd.DataFrame(places, columns=["minimal_ratio", "loss"]).assign(model="a", converged=True, certified=True)
    (axes,) = draw("minimal_ratio", {"t": known.assign(replicate=known.index)}).axes
    assert sum(len(line.get_xdata()) for line in axes.lines) == len(places)
    return [text.get_text() for text in axes.texts]


def test_beside_what_looks_like_one_dot_stands_how_many_there_are() -> None:
    """On the axes as they are drawn, which are wider than what the points span."""
    assert counts([(1.0, 0.1)] * 4 + [(0.99, 0.1 + 1e-9)] * 2) == ["6"]
    assert counts([(0.5, 0.1), (0.5, 0.1), (0.8, 0.1), (0.9, 0.1), (0.9, 0.2)]) == ["2"]
    # dots of several kinds and models hide each other too
    known = CASES["minimal_ratio"][0]["t"].assign(minimal_ratio=0.5, loss=0.25)
    figure = draw("minimal_ratio", {"t": known})
    assert [text.get_text() for text in figure.axes[0].texts] == ["16"]
    assert not draw("minimal_ratio").axes[0].texts


def _groups_of(axes: Axes, places: Any) -> list[Any]:
    return minimal_ratio._groups(axes.transData.transform(places) * 72 / axes.figure.dpi)


def test_no_number_of_dots_hides_another_number_or_a_dot() -> None:
    random = np.random.default_rng(0)
    places = np.column_stack([random.choice(np.linspace(0.2, 0.4, 11), 200), random.choice([0.1, 0.11, 0.5], 200)])
    known = pd.DataFrame(places, columns=["minimal_ratio", "loss"]).assign(model="a", converged=True, certified=True)
    figure = draw("minimal_ratio", {"t": known.assign(replicate=known.index)})
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) > 5
    # the largest come first
    shown = sorted((int(text.get_text()) for text in axes.texts), reverse=True)
    assert shown[:2] == sorted(map(len, _groups_of(axes, places)), reverse=True)[:2]
    for one, other in combinations(boxes, 2):
        assert not one.shrunk(0.9, 0.8).overlaps(other.shrunk(0.9, 0.8))
    for dot in axes.transData.transform(places):
        assert not any(box.shrunk(0.8, 0.6).contains(*dot) for box in boxes)


@pytest.mark.parametrize("kind", ["curves", "gradient_norm"])
def test_a_single_epoch_or_step_stands_between_its_neighbours(kind: str) -> None:
    ((name, rows),) = CASES[kind][0].items()
    place = "epoch" if kind == "curves" else "step"
    panel = draw(kind, {name: rows[rows[place] == 3]}).axes[-1]
    assert panel.get_xlim() == (2, 4)
    assert panel.get_xticks().tolist() == [2, 3, 4]
    assert all(line.get_marker() for line in panel.lines)


def test_the_networks_that_diverged_are_counted_beside_the_number_of_all() -> None:
    known = table("step", [1, 2, 3], ["loss", "grad_norm"])
    known.loc[(known.model == "a") & (known.replicate > 1) & (known.step == 3), "loss"] = np.nan
    assert said(draw("gradient_norm", {"t": known}))[0] == "one layer: replicate 0; 2 of 4 diverged"


def test_many_colours_are_told_apart() -> None:
    """By their neighbours on the scale at least, of which the legend has one above the other."""
    for count in (9, 12, 16):
        shown = [np.array(to_rgb(colour)) for colour in colours.spread(count)]
        assert min(np.abs(one - other).max() for one, other in itertools.pairwise(shown)) > 0.2


@pytest.mark.parametrize("column", ["moved", "distance", "sharpness", "rescaled_sharpness", "train_loss"])
def test_intervals_of_what_has_no_sign_stay_above_zero(column: str) -> None:
    _, low, _ = means.interval(np.array([[0.01, 0.02, 0.9]]), means.scale_of(column, log=False))
    assert low[0] > 0


def test_a_measure_of_a_single_setting_is_told_in_words() -> None:
    rows = sweep("batch_size", ["epochs_to_fit", "test_accuracy"])
    rows.loc[(rows.model == "b") | (rows.replicate > 1), "epochs_to_fit"] = np.nan
    measures = [["t", "epochs_to_fit"], ["t", "test_accuracy"]]
    figure = draw("sweep", {"t": rows}, measures=measures)
    assert [axes.get_ylabel() for axes in figure.axes] == ["test accuracy"]
    assert said(figure) == ["epochs to fit not drawn: known of 2 of 8 networks, at one setting"]
    nowhere = draw("sweep", {"t": rows.assign(epochs_to_fit=np.nan)}, measures=measures)
    assert said(nowhere)[-1] == "epochs to fit not drawn: known of 0 of 8 networks"
    alone = draw("sweep", {"t": rows}, measures=measures[:1])
    assert [axes.get_ylabel() for axes in alone.axes] == ["epochs to fit"]


def test_training_and_test_stand_apart() -> None:
    rows = pd.concat(
        [sweep("parameters", METRICS).assign(replicate=lambda t, i=i: t.replicate + 4 * i) for i in (0, 1)]
    )
    figure = draw("capacity", {"t": rows})
    axes = figure.axes[0]
    places = [
        line.get_transform().transform(line.get_xydata())[0, 0]
        for line in axes.lines
        if line.get_marker() in ("o", "s")
    ]
    assert places[1] - places[0] == pytest.approx(2 * style.SHIFT * figure.dpi / 72)
    for bars in axes.containers:
        for bar in bars.lines[2]:
            ends = bar.get_transform().transform(np.concatenate(bar.get_segments()))
            box = axes.get_window_extent()
            assert (ends[:, 1] >= box.y0).all()
            assert (ends[:, 1] <= box.y1).all()


def test_powers_of_ten_are_written_one_way() -> None:
    assert style.numbers([0, 1e-12, 0.01]) == ["0", "10⁻¹²", "10⁻²"]
    assert style.numbers([0, 0.0001, 0.01]) == ["0", "0.0001", "0.01"]
    assert style.number(-2.5e-7) == "−2.5 × 10⁻⁷"
    small = table("epoch", [1, 2, 3], ["pc1"]).assign(pc1=lambda t: t.pc1 * 1e-9)
    figure = draw("curves", {"metrics": small}, y=["pc1"], log=False)
    figure.canvas.draw()
    assert figure.axes[0].yaxis.get_offset_text().get_text() == "× 10⁻¹⁰"


@pytest.mark.parametrize("kind", ["curves", "predictions", "relation"])
def test_models_are_told_apart_in_grey(kind: str) -> None:
    shown = {line.get_marker() for axes in draw(kind).axes for line in axes.lines if len(line.get_xdata())}
    assert {"o", "s"} <= shown


def test_names_of_axes_are_said_once() -> None:
    figure = draw("relation")
    assert [bool(axes.get_ylabel()) for axes in figure.axes] == [True, False]
    figure = draw("relation", measures=[["t", "trace"]] * 4)
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, False, True, True]


def test_the_plan_knows_chance_where_all_models_have_the_same(tmp_path: Path) -> None:
    text = """
title: T
replicates: 2
experiments:
  digits:
    section: "1"
    title: Digits
    data: {dataset: mnist, train_samples: 100, test_samples: 50}
    training: {optimizer: sgd, lr: 0.1, loss: cross_entropy, epochs: 2, batch_size: 20}
    figures:
      accuracy: {kind: curves, y: [train_accuracy], caption: C.}
    models:
      small: {mlp: [784, 4, 10], label: small}
  line:
    section: "2"
    title: Line
    data: {function: cos(x), domain: [-3, 3], sampling: uniform, samples: 40, test_samples: 20}
    training: {optimizer: sgd, lr: 0.1, loss: mse, epochs: 2, batch_size: 20}
    figures:
      loss: {kind: curves, y: [train_loss], caption: C.}
    models:
      small: {mlp: [1, 4, 1], label: small}
figures:
  both: {kind: curves, y: [train_loss], caption: C., over: [digits, line]}
"""
    (tmp_path / "report/s").mkdir(parents=True)
    for name in ("hwcore", "workflow_scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "report/s/study.yaml").write_text(text)
    (tmp_path / "report/s/report.md").write_text("# T\n")
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            (tmp_path / "report" / path.name).write_bytes(path.read_bytes())
    settings = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "studies": ["s"]}
    plan = Plan(parse(settings, ["config.yaml"]), tex=False, root=tmp_path)
    assert plan.job("figure", "s/digits/accuracy").spec["chance"] == pytest.approx(
        {"accuracy": 0.1, "loss": np.log(10)}
    )
    for other in ("s/line/loss", "s/both"):
        assert "chance" not in plan.job("figure", other).spec


@pytest.mark.parametrize(
    ("name", "ticks"),
    [
        ("test accuracy", {"0 %", "50 %", "100 %"}),
        ("gap of accuracies", {"0 %", "50 %", "100 %"}),
        # with a number added it is no accuracy any more
        ("accuracy + 1", {"0.0", "0.5", "1.0"}),
        ("training loss", {"0.0", "0.5", "1.0"}),
    ],
)
def test_axes_of_accuracies_are_in_per_cent(name: str, ticks: set[str]) -> None:
    figure, (panel,) = style.make()
    panel.plot([0, 1], [0, 1])
    panel.set_ylabel(name)
    panel.yaxis.set_major_locator(ticker.MultipleLocator(0.5))
    style.finish(figure)
    figure.canvas.draw()
    assert ticks <= {tick.get_text() for tick in panel.get_yticklabels()}


@pytest.mark.parametrize(
    ("low", "high"),
    [(11_085, 425_194), (21_000, 71_000), (20_000, 150_000), (90_000, 1_000_000), (1e-5, 2e-5), (0.3, 40), (700, 5e6)],
)
def test_labels_of_a_narrow_logarithmic_axis_do_not_touch(low: float, high: float) -> None:
    figure, panels = style.make(2)
    for panel in panels:
        panel.plot([low, high], [1, 2])
        panel.set_xscale("log")
        panel.set_ylabel("accuracy gap\n(test − training)")
    style.finish(figure)
    figure.canvas.draw()
    for panel in panels:
        seen = panel.get_window_extent()
        boxes = [tick.get_window_extent() for tick in panel.get_xticklabels() if tick.get_text()]
        inside = sorted((box.x0, box.x1) for box in boxes if seen.x0 - 1 <= (box.x0 + box.x1) / 2 <= seen.x1 + 1)
        assert inside
        assert all(after[0] > before[1] for before, after in itertools.pairwise(inside)), inside
