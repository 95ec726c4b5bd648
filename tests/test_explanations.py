"""What a caption says of means and intervals is what its figure draws."""

import re
from typing import Any

import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from test_figures import CASES, draw, landscape_lines

from hwcore.analyses.specs import landscape, optimum
from hwcore.studies.kinds import FIGURES

LINE = landscape.Options(across="line", replicates=3)


def explanation(kind: str, options: dict[str, Any], replicates: int = 4, analysis: Any = None) -> str:
    text = FIGURES[kind].model_validate(options).explanation(replicates, {"t": analysis} if analysis else {})
    assert text is not None
    return text


def drawn(figure: Figure) -> set[str]:
    shown = set()
    for axes in figure.axes:
        if any(isinstance(each, FillBetweenPolyCollection) for each in axes.collections):
            shown.add("bands")
        if any(isinstance(each, ErrorbarContainer) for each in axes.containers):
            shown.add("bars")
        if any(line.get_linewidth() == 0.5 and line.get_alpha() == 0.5 for line in axes.lines):
            shown.add("thin lines")
        if any(line.get_markersize() == 2.5 for line in axes.lines):
            shown.add("small ones")
    return shown


@pytest.mark.parametrize("replicates", [4, 8])
@pytest.mark.parametrize("kind", [*CASES, "landscape lines"])
def test_it_names_the_intervals_or_replicates_that_there_are(kind: str, replicates: int) -> None:
    lines = kind == "landscape lines"
    line = landscape.Options(across="line", replicates=replicates)
    name, analysis = ("landscape", line) if lines else (kind, None)
    tables = {"t": landscape_lines()} if lines else CASES[name][0]
    if replicates == 8:
        tables = {key: pd.concat([rows, rows.assign(replicate=rows.replicate + 4)]) for key, rows in tables.items()}
    text = explanation(name, CASES[name][1], replicates, analysis)
    said = re.findall(
        r"\b(bands|bars)(?= their 95 % intervals)|(thin lines|small ones)(?= the replicates themselves)", text
    )
    assert {first or second for first, second in said} == drawn(draw(name, tables))


@pytest.mark.parametrize("kind", CASES)
def test_a_single_run_has_no_interval_and_no_mean(kind: str) -> None:
    text = explanation(kind, CASES[kind][1], replicates=1)
    # the interval of a rank correlation is one over networks
    assert "95 %" not in text.partition("; τ is")[0]
    assert "means" not in text


def test_a_landscape_of_lines_has_the_replicates_of_its_analysis() -> None:
    text = explanation("landscape", {"table": "t"}, analysis=LINE)
    assert text.startswith("Thick lines are means over {t.replicates} replicates")
    # of fewer replicates than the analysis takes, it takes all
    fewer = explanation("landscape", {"table": "t"}, replicates=2, analysis=LINE)
    assert fewer.startswith("Thick lines are means over {replicates} replicates")
    single = landscape.Options(across="line", replicates=1)
    assert explanation("landscape", {"table": "t"}, analysis=single).startswith("Each line is a single run")
    plane = landscape.Options(across="plane")
    assert explanation("landscape", {"table": "t"}, analysis=plane) == "The first replicate of each model is shown."


def test_a_floor_is_explained() -> None:
    text = explanation("curves", {"y": ["train_loss"], "floor": "optimum"})
    assert "{optimum.steps} steps of Levenberg-Marquardt" in text
    assert "the first {optimum.replicates} replicates" in text
    single = FIGURES["curves"].model_validate({"y": ["train_loss"], "floor": "t"})
    assert "the end of the first replicate;" in str(single.explanation(4, {"t": optimum.Options(replicates=1)}))
    assert "the end of the first replicate;" in str(single.explanation(1, {"t": optimum.Options(replicates=3)}))
    assert "the ends of the first 2 replicates;" in str(single.explanation(2, {"t": optimum.Options(replicates=3)}))
    assert "the first {t.replicates} replicates;" in str(single.explanation(3, {"t": optimum.Options(replicates=3)}))
    assert "Dotted" not in explanation("curves", {"y": ["train_loss"]})
