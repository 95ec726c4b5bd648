"""Pages: what a template may say, and that every format comes out whole."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib.figure
import pandas as pd
import pypandoc
import pytest

from conftest import ROOT
from hwcore.claims.ledger import frame
from hwcore.claims.words import PERCENT, PLAIN, POINTS, number, of_differences
from hwcore.errors import HwcoreError
from hwcore.figures.output import save
from hwcore.files import write_json
from hwcore.reporting import pdf
from hwcore.reporting.html import to_html
from hwcore.reporting.index import index
from hwcore.reporting.latex import to_latex
from hwcore.reporting.markdown import render
from hwcore.reporting.pdf import to_pdf
from hwcore.reporting.runtimes import Runtime, longest, runtime_table, runtimes
from hwcore.reporting.settings import settings_line, settings_table
from hwcore.reporting.sparkline import sparkline
from hwcore.reporting.words import measured, networks, pipe_table, plain, told, verdict_counts

TEX = shutil.which("pdflatex") or shutil.which("tectonic")


def context(judged: str = "no") -> dict[str, Any]:
    def experiment(variant: str) -> dict[str, Any]:
        id = "fit" if variant == "as-described" else f"fit--{variant}"
        return {
            "id": id,
            "base": "fit",
            "variant": variant,
            "section": "1",
            "title": "Fit cos x | a bar",
            "why": None if variant == "as-described" else "Longer: α ≤ 1, ‖∇L‖ → 0, 10⁻⁶.",
            "settings": {"optimizer": "Adam", "epochs": "10" if variant == "as-described" else "20"},
            "values": {"lr": "0.1", "epochs": "10 (full scale: 100)"},
            "choices": [],
            "analyses": {},
            "kinds": {},
            "replicates": 3,
            "paired_with": ["fit--corrected" if id == "fit" else "fit"],
            "trained_in": None,
            "models": [
                {
                    "name": "m",
                    "label": "one layer",
                    "layers": "1-3-1, relu",
                    "parameters": 1234,
                    "reported_parameters": 1235,
                    "settings": {"learning rate": "0.1"},
                    "replicates": 3,
                    "run": f"runs/s/{id}/m/run.json",
                }
            ],
            "figures": [
                {
                    "name": "loss",
                    "caption": "Loss & more, 50 % of λ_max.",
                    "path": f"figures/s/{id}/loss",
                    "tables": [f"runs/s/{id}/m/metrics.parquet"],
                    "runs": [f"runs/s/{id}/m/run.json"],
                    "recipe": f"figures/s/{id}/loss.json",
                }
            ],
            "tables": [{"name": "evaluation", "path": f"tables/s/{id}/e.parquet", "recipe": f"tables/s/{id}/e.json"}],
        }

    return {
        "study": "s",
        "title": "A study: 'quoted'",
        "source": {"author": "A. Author", "title": "Homework", "date": "2023", "repository": None},
        "scale": {"name": "quick", "judged": judged, "describes": "stand-ins run"},
        "experiments": [experiment("as-described"), experiment("corrected")],
        "figures": [],
        "not_rerun": [],
        "claims": {"c": "fit", "d": "fit--corrected"},
        "findings": [],
        "author": None,
        "date": None,
    }


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """results/quick with figures, recipes and judged claims of a made-up study."""
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "results/quick"
    for each in context()["experiments"]:
        for kind in (*each["figures"], *each["tables"]):
            write_json(folder / kind["recipe"], {"commit": "0123456789abcdef", "dirty": kind in each["tables"]})
        figure = matplotlib.figure.Figure(figsize=(4, 2))
        figure.subplots().plot([1, 2], [3, 4])
        save(figure, folder / each["figures"][0]["path"])
    both = {
        "study": "s",
        "where": "1",
        "variant": "as-described",
        "figure": "",
        "effect": 1.0,
        "needed": None,
        "unit": "",
    }
    loss = {"says": "it falls | far", "metric": "final loss of m", "reported": "0.5", "kind": "statement", "n": 3}
    loss |= {"reproduced": 0.4321, "ci_low": 0.4, "ci_high": 0.46, "verdict": "holds", "reason": "It does.", "p": 0.01}
    count = {"says": "it has 5", "metric": "parameters of m", "reported": "5", "kind": "count", "n": 1, "rule": "count"}
    count |= {"reproduced": 6.0, "ci_low": 6.0, "ci_high": 6.0, "verdict": "wrong", "reason": "It is 6, not 5."}
    rows = [both | loss | {"claim": "c", "rule": "threshold", "p_holm": 0.01}, both | count | {"claim": "d"}]
    folder.mkdir(parents=True, exist_ok=True)
    frame(rows).to_parquet(folder / "claims.parquet")
    return folder


def page(results: Path, text: str, judged: str = "no") -> Path:
    rendered(results, context(judged), text)
    return results / "report/s.md"


def rendered(results: Path, said: dict[str, Any], text: str = "Text.") -> str:
    """The page of a study whose template has this text."""
    template, output = results / "report.md", results / "report/s.md"
    template.write_text(text)
    render(said, template, results / "claims.parquet", output)
    return output.read_text()


def test_a_text_that_begins_with_a_bar_stays_in_its_cell() -> None:
    html = pypandoc.convert_text(pipe_table(["a", "b"], [[plain("|w| small"), "y"]]), "html", format="markdown")
    assert re.findall(r"<td[^>]*>(.*?)</td>", html) == ["|w| small", "y"]


def test_a_figure_is_printed_as_large_as_it_is_drawn(results: Path) -> None:
    to_latex(page(results, '{{ experiment("fit") }}\n'), results / "report/s.tex")
    included = re.findall(r"\\includegraphics\[(.*?)\]\{", (results / "report/s.tex").read_text(), re.DOTALL)
    assert len(included) == 2
    assert not any("width" in options for options in included)


@pytest.mark.parametrize(
    ("repository", "address"),
    [("owner/name", "https://github.com/owner/name"), ("https://example.org/code", "https://example.org/code")],
)
def test_the_code_of_a_report_is_on_github_or_anywhere(results: Path, repository: str, address: str) -> None:
    said = context()
    said["source"]["repository"] = repository
    assert f"  URL: '{address}'\n" in rendered(results, said)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1. is first",
            "12) twelve",
            "(1) in brackets",
            "(a) the net",
            "iv. small",
            "1.",
            "- a dash",
            "+",
            "# a head",
            "Learning C#",
            "C##",
        ),
        *("--epochs 3 -- 5 --- all", "wait... for it ....", "two..three"),
        *("| bar", ": definition", "*so* it_is", "3.5 is no number of a list", "(see below) is no list"),
    ],
)
def test_text_of_a_study_is_shown_letter_by_letter(text: str) -> None:
    assert pypandoc.convert_text(plain(text), "html", format="markdown").strip() == f"<p>{text}</p>"


def test_a_text_of_several_lines_is_one() -> None:
    assert plain("a title \n  that goes on\n") == "a title that goes on"


FULL = '# One\n\n{{ experiment("fit") }}\n\nIt is {{ value("c") }}.\n\n{{ claims() }}\n'


def test_a_setting_that_a_variant_has_not_is_not_looked_for_in_its_models(results: Path) -> None:
    said = context()
    described, corrected = said["experiments"]
    described["settings"]["weight decay"] = "0.0001"
    corrected["settings"]["learning rate"] = "0.5"
    text = rendered(results, said, '{{ experiment("fit") }}')
    assert re.search(r"\| weight decay +\| 0\.0001 +\| none +\|", text)
    assert re.search(r"\| learning rate +\| differs by model +\| 0\.5 +\|", text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (123.4, "2 min 3 s"), (28267.7, "7 h 51 min")],
)
def test_runtimes_are_in_units_that_can_be_read(seconds: float, words: str) -> None:
    times = [Runtime("train", "s/fit/m", waiting=seconds, starting=0, computing=1, cpu=2, memory=1234)]
    assert f"| train s/fit/m | {words} | 0.0 s | 1.0 s |" in longest(times)
    table = runtime_table(times)
    assert re.search(rf"^\| train +\| 1 \| {words} \| 0.0 s \| 1.0 s \| 2.0 s \| 1,234 MB \|$", table, re.MULTILINE)
    assert "\n\nTimes are summed over jobs. Many jobs wait at the same time" in table


def test_networks_that_variants_share_count_once() -> None:
    said = context()
    assert [len(each["models"]) for each in said["experiments"]] == [1, 1]
    assert networks(said) == 6
    large = {**said["experiments"][0]["models"][0], "replicates": 1, "run": "runs/s/fit/large/run.json"}
    for each in said["experiments"]:
        each["models"].append(large)
    assert networks(said) == 7


def test_the_sources_of_a_figure_of_many_models_are_their_folder(results: Path) -> None:
    said, template = context(), results / "report.md"
    figure = said["experiments"][0]["figures"][0]
    template.write_text('{{ experiment("fit") }}')
    for count in (4, 5):
        figure["tables"] = [f"runs/s/fit/m{number}/metrics.parquet" for number in range(count)]
        figure["tables"].append("tables/s/fit/e.parquet")
        figure["runs"] = [f"runs/s/fit/m{number}/run.json" for number in range(count)]
        render(said, template, results / "claims.parquet", results / "report/s.md")
        text = (results / "report/s.md").read_text()
        if count == 4:
            assert "[m2](../runs/s/fit/m2/metrics.parquet), [m3](../runs/s/fit/m3/metrics.parquet); [e](" in text
        else:
            assert (
                "Data: metrics of [5 models](../runs/s/fit); [e](../tables/s/fit/e.parquet) · "
                "settings: run of [5 models](../runs/s/fit)" in text
            )


def test_a_page_says_everything_of_an_experiment(results: Path) -> None:
    text = page(results, FULL).read_text()
    assert "> **Scale `quick`:** stand-ins run. No claim is judged." in text
    assert "| one layer | 1-3-1, relu | learning rate 0.1 | 1,234 | 1,235 ✗ |" in text
    assert "**As described:** Adam, 10 epochs, n = 3. **Corrected:** 20 epochs." in text
    assert "| epochs | 10 | 20 |" in text
    assert "| optimizer | Adam | the same |" in text
    assert text.count(".svg)") == 2
    assert (
        "Data: metrics of [m](../runs/s/fit/m/metrics.parquet) · settings: run of [m](../runs/s/fit/m/run.json)" in text
    )
    assert "commit `0123456789`\n" in text
    assert "commit `0123456789` with uncommitted changes" in text
    assert "it falls \\| far" in text
    assert "It is 0.432 [0.400, 0.460], n = 3." in text
    tested = "One claim was tested on samples of runs; chance alone makes its verdict false in at most 5 % of cases."
    assert f"Of 2 claims, 1 holds and 1 is wrong. {tested}" in text
    assert "No claim" not in page(results, FULL, judged="yes").read_text()


def test_a_model_that_a_variant_changes_has_a_row_for_each_form(results: Path) -> None:
    said = context()
    kept = {**said["experiments"][0]["models"][0], "name": "n", "label": "two layers"}
    for each in said["experiments"]:
        each["models"].append(kept)
    said["experiments"][1]["models"][0]["layers"] = "1-4-1, relu"
    template = results / "report.md"
    template.write_text('{{ experiment("fit") }}')
    render(said, template, results / "claims.parquet", results / "report/s.md")
    rows = [line for line in (results / "report/s.md").read_text().splitlines() if " layer" in line]
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| model", "variant", "layers"],
        ["| one layer", "as-described", "1-3-1, relu"],
        ["| one layer", "corrected", "1-4-1, relu"],
        ["| two layers", "all", "1-3-1, relu"],
    ]
    for model in (model for each in said["experiments"] for model in each["models"]):
        model |= {"layers": "1-3-1, relu", "settings": {}, "reported_parameters": None}
    render(said, template, results / "claims.parquet", results / "report/s.md")
    assert "| model | layers | parameters |\n" in (results / "report/s.md").read_text()


def axis(low: float, high: float, *, log: bool = False) -> dict[str, Any]:
    return {"limits": [low, high], "log": log}


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        (axis(0, 1), axis(0, 1.5), False),
        (axis(0, 1), axis(0, 2), True),
        (axis(0, 1), axis(0.5, 1.5), True),
        (axis(0, 1), axis(0, 1, log=True), True),
        # as long on paper where a decade is a decade
        (axis(1e-4, 1, log=True), axis(1e-3, 1, log=True), False),
        (axis(1e-4, 1, log=True), axis(1e-2, 1, log=True), True),
    ],
)
def test_variants_on_another_vertical_scale_say_so(
    results: Path, first: dict[str, Any], second: dict[str, Any], other: bool
) -> None:
    said = context()
    for each, panel in zip(said["experiments"], (first, second), strict=True):
        recipe = results / each["figures"][0]["recipe"]
        write_json(recipe, {**json.loads(recipe.read_text()), "axes": [axis(0, 1), panel]})
    text = rendered(results, said, '{{ experiment("fit") }}')
    assert "1a.** As described. Loss" in text
    assert f"1b.** Corrected{' (different vertical scale)' if other else ''}." in text


@pytest.mark.parametrize("beside", [1, 2])
def test_figures_of_several_columns_have_the_width_of_the_page(results: Path, beside: int) -> None:
    said = context()
    for each in said["experiments"]:
        recipe = results / each["figures"][0]["recipe"]
        write_json(recipe, {**json.loads(recipe.read_text()), "beside": beside})
    text = rendered(results, said, '{{ experiment("fit") }}')
    assert text.count('<div class="variants">') == (beside == 1)
    assert text.count('<div class="variants wide">') == (beside == 2)


def test_settings_of_an_experiment_are_a_sentence() -> None:
    first: dict[str, Any] = {"variant": "as-described", "replicates": 5, "models": []}
    first |= {"settings": {}, "analyses": {}, "kinds": {}}
    first["settings"] = {"learning rate": "0.1", "schedule": "times 0.1 every 10 epochs", "epochs": "1"}
    second = {**first, "variant": "as-run", "settings": {**first["settings"], "modes": "dropout active in evaluation"}}
    assert "learning rate 0.1, learning rate times 0.1 every 10 epochs, 1 epoch, n = 5." in settings_line([first], "s")
    cut = {**first, "settings": {**first["settings"], "replicates": "2 to 3 (full scale: 5)"}}
    assert ", 1 epoch, n = 2 to 3 (full scale: 5)." in settings_line([cut], "s")
    # those of a variant come after what it alone has
    longer = settings_line([second, {**cut, "settings": {**cut["settings"], "stops": "once"}}], "s")
    assert "training and evaluation modes as usual, stopped once, n = 2 to 3 (full scale: 5)." in longer
    # what a variant has beside another is told of the other as what it does instead
    text = settings_line(
        [second, {**first, "settings": {**first["settings"], "order of samples": "that of the data"}}], "s"
    )
    assert "training and evaluation modes as usual, order of samples that of the data." in text
    table = settings_table([first, {**first, "settings": {"order of samples": "that of the data"}}])
    assert "| order of samples | samples shuffled in every epoch | that of the data |" in table
    # an analysis is told by what it is, not by what the study calls it
    solved = [{"points-tanh": "no solver", "evaluation": ""}, {"points-tanh": ""}, {}]
    kinds = {"points-tanh": "critical points"}
    table = settings_table([{**first, "analyses": each, "kinds": kinds} for each in solved])
    assert "| critical points | no solver | default options | not run |" in table
    assert "evaluation" not in table
    # and may be called as a setting is
    called = {**first, "analyses": {"epochs": "100 samples"}, "kinds": {"epochs": "evaluation"}}
    table = settings_table([called])
    assert "| epochs | 1 |" in table
    assert "| evaluation | 100 samples |" in table
    # of a length in steps nothing is said of epochs
    steps = {**first, "settings": {**first["settings"], "steps": "300"}}
    del steps["settings"]["epochs"]
    assert "no epochs" not in settings_line([first, {**steps, "variant": "corrected"}], "s")
    assert "**Corrected:** 300 steps." in settings_line([first, {**steps, "variant": "corrected"}], "s")


def test_an_appendix_says_what_was_chosen_and_why(results: Path) -> None:
    said = context()
    for each, value in zip(said["experiments"], ("50", "60"), strict=True):
        each["choices"] = [["batch size", value, "the text | is silent"], ["lr", "0.1", "the notebook has it"]]
    text = rendered(results, said)
    # one of both variants and two
    assert (
        "[3 settings](#appendix-choices) are choices of this reproduction, where the original report is silent" in text
    )
    assert "Where the original report is silent or unclear, or was not followed, these settings were chosen." in text
    link = "[1](#experiment-fit)"
    assert text.splitlines()[-4:] == [
        "| " + " | ".join("-" * width for width in (14, 20, 40, 12)) + " |",
        f"| batch size | 50 | the text \\| is silent | {link} |",
        f"| lr | 0.1 | the notebook has it | {link} |",
        f"| batch size | 60 | the text \\| is silent | {link} (corrected) |",
    ]


def test_a_choice_that_two_experiments_share_is_counted_once(results: Path) -> None:
    said = context()
    for each in said["experiments"]:
        each["choices"] = [["lr", "0.1", "the text is silent"]]
    said["experiments"][1] |= {"id": "other", "base": "other", "variant": "as-described", "section": "2"}
    text = rendered(results, said)
    assert "[1 setting](#appendix-choices) is a choice of this reproduction" in text
    assert "| lr | 0.1 | the text is silent | [1](#experiment-fit), [2](#experiment-other) |" in text


def test_what_is_not_rerun_is_told_with_its_reason(results: Path) -> None:
    said = context()
    told = {"section": "1", "title": "Two", "why": None, "reason": "Nobody knows how."}
    said["not_rerun"] = [
        {**told, "id": "fit--as-run", "base": "fit", "variant": "as-run", "why": "It was another."},
        {**told, "id": "two", "base": "two", "variant": "as-described"},
    ]
    text = rendered(results, said, '{{ experiment("fit") }}\n\n{{ experiment("two") }}\n')
    assert "**As run, not re-run:** It was another. Nobody knows how." in text
    assert "\n### Two {#experiment-two}\n\n**Not re-run:** Nobody knows how.\n" in text
    assert (
        "- Not run again, for the reasons given there: [Two](#experiment-fit), as run; [Two](#experiment-two)." in text
    )


def test_the_only_experiment_of_a_section_has_its_number_and_prose_below_its_heading(results: Path) -> None:
    said = context()
    said["not_rerun"] = [
        {"id": id, "base": id, "variant": "as-described", "section": "2.1", "title": id, "why": None, "reason": "So."}
        for id in ("two", "three")
    ]
    template = results / "report.md"
    calls = '{% call experiment("fit") %}\nProse.\n{% endcall %}\n\n{{ experiment("two") }}\n'
    template.write_text(calls)
    # what is not run again has its reason on the page too
    with pytest.raises(HwcoreError, match=r'has no \{\{ experiment\("three"\) \}\}, so that its claims are nowhere'):
        render(said, template, results / "claims.parquet", results / "report/s.md")
    template.write_text(calls + '\n{{ experiment("three") }}\n')
    render(said, template, results / "claims.parquet", results / "report/s.md")
    lines = (results / "report/s.md").read_text().splitlines()
    first = lines.index("### 1 Fit cos x | a bar {#experiment-fit}")
    assert lines[first + 2 : first + 4] == ["Prose.", ""]
    assert "#### two {#experiment-two}" in lines
    # below the heading of a chapter, which is of the second level
    for each in said["not_rerun"]:
        each["section"] = "2"
    render(said, template, results / "claims.parquet", results / "report/s.md")
    assert "### two {#experiment-two}" in (results / "report/s.md").read_text().splitlines()


def test_an_experiment_links_to_the_question_that_it_answers(results: Path) -> None:
    said = {**context(), "questions": {"capacity": "Does size help?"}}
    for each in said["experiments"]:
        each["question"] = "capacity"
    text = rendered(results, said, FULL)
    assert text.count("Beside other studies: [Does size help?](questions.html#capacity)") == 1
    assert "Beside other studies" not in page(results, FULL).read_text()


def test_a_report_of_ones_own_names_no_other(results: Path) -> None:
    said = {**context(), "source": None}
    text = rendered(results, said, FULL)
    assert "subtitle" not in text
    assert "the report says" not in text
    assert "| claim | section | reported |" in text
    assert "the report says" in page(results, FULL).read_text()
    index([said], ["html", "md"], results / "claims.parquet", results / "report/index.html")
    assert "<title>Reports</title>" in (results / "report/index.html").read_text()


def test_prose_takes_settings_and_figures_of_several_experiments(results: Path) -> None:
    said = context()
    figure = {**said["experiments"][0]["figures"][0], "name": "both", "path": "figures/s/both", "caption": "Both."}
    said["figures"] = [figure]
    text = rendered(
        results, said, '{{ setting("fit", "epochs") }} epochs\n\n{{ figure("both") }}\n\n{{ figure("fit", "loss") }}'
    )
    assert "\n10 (full scale: 100) epochs\n" in text
    assert "![**Figure 1.** Both.](../figures/s/both.svg)" in text
    assert "](../figures/s/fit/loss.svg)" in text


def test_a_heading_stays_with_the_head_of_the_table_below_it(results: Path) -> None:
    rows = "".join(f"| {i} | b |\n" for i in range(17))
    markdown = page(results, f"text\n\n# One\n\n## Two\n\n| a | b |\n|---|---|\n{rows}\ntext\n")
    to_latex(markdown, markdown.with_suffix(".tex"))
    needed = [
        int(lines)
        for lines in re.findall(r"\\Needspace\{(\d+).*\s+\\(?:sub)*section", markdown.with_suffix(".tex").read_text())
    ]
    # below the summary and the introduction two headings, the frame and the first rows
    assert len(needed) == 7
    assert needed[2] > needed[3] > 3 + 2


def test_all_formats_of_a_page(results: Path) -> None:
    markdown = page(results, FULL)
    html, tex, typeset = (markdown.with_suffix(suffix) for suffix in (".html", ".tex", ".pdf"))
    to_html(markdown, html)
    text = html.read_text()
    assert '<div class="banner"' in text
    # nothing is loaded from elsewhere: the figures are inside
    assert not re.findall(r'(?:src|<link[^>]+href)="(?!data:|#)[^"]*"', text)
    assert text.count("data:image/svg+xml,") == 2
    assert "<table" in text
    to_latex(markdown, tex)
    assert "loss.pdf" in tex.read_text()
    assert "runningbanner{scale quick" in tex.read_text()
    if TEX:
        to_pdf(tex, typeset)
        assert typeset.read_bytes().startswith(b"%PDF")


def test_the_index_has_a_row_per_study(results: Path) -> None:
    index([context()], ["html", "md"], results / "claims.parquet", results / "report/index.html")
    text = (results / "report/index.html").read_text()
    assert 'href="s.html"' in text
    assert 'href="s.html#experiment-fit"' in text
    assert "quick" in text


def test_the_index_counts_verdicts_in_the_plural(results: Path) -> None:
    claims = pd.read_parquet(results / "claims.parquet")
    twice = pd.concat([claims, claims[claims.verdict == "holds"]])
    twice.to_parquet(results / "claims.parquet")
    index([context()], [], results / "claims.parquet", results / "report/index.html")
    text = (results / "report/index.html").read_text()
    assert ">2 hold</span>" in text
    assert ">1 wrong</span>" in text


def test_titles_are_shown_letter_by_letter(results: Path) -> None:
    said = {**context(), "title": "*Nets* @home"}
    assert "title: '\\*Nets\\* \\@home'" in rendered(results, said)
    index([said], ["html"], results / "claims.parquet", results / "report/index.html")
    assert '<a href="s.html">*Nets* @home</a>' in (results / "report/index.html").read_text()


def lines(name: str, ys: list[float | None], stroke: str | None = "solid") -> dict[str, Any]:
    return {"name": name, "line": stroke, "x": [1, 10, 100][: len(ys)], "y": ys}


def panel(*series: dict[str, Any], label: str = "loss") -> dict[str, Any]:
    x = {"label": "parameters", "log": True, "limits": [1, 100]}
    return {"x": x, "y": {"label": label, "log": False, "limits": [0, 4]}, "series": [*series]}


def corners(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", svg)]


def test_a_sparkline_lies_on_the_axes_that_all_studies_share() -> None:
    shown = panel(lines("s", [0, 2, 4]), lines("s: tanh", [4, None, 0], "dash"), lines("other", [1, 1, 1]))
    svg = sparkline(shown, "s")
    whole, dashed = re.findall("<polyline.*?/>", svg)
    # a decade is half of the width, whatever lies between the points
    assert corners(whole) == [(2.5, 27.5), (48.0, 15.0), (93.5, 2.5)]
    assert corners(dashed) == [(2.5, 2.5), (93.5, 27.5)]
    assert "stroke-dasharray" in dashed
    assert len(corners(sparkline(shown, "other"))) == 3
    assert sparkline(shown, "nobody") == ""
    # the only study has no name in its figures
    assert sparkline(shown, "nobody", alone=True).count("<polyline") == 3
    # runs behind a mean are not lines of their own, and points stay points
    assert sparkline(panel({**lines("s", [1, 2]), "of": "s"}), "s") == ""
    assert sparkline(panel(lines("s", [1, 2], None)), "s").count("<circle") == 2
    # the legend counts replicates that diverged
    assert len(corners(sparkline(panel(lines("s (2 diverged)", [1, 2])), "s"))) == 2


def test_the_index_shows_by_question_the_line_of_each_study(results: Path) -> None:
    numbers = results / "size.data.json"
    write_json(numbers, {"panels": [panel(lines("s", [3, 3])), panel(lines("s", [0, 4]), label="test accuracy")]})
    question = {"id": "size", "title": "Does size help?", "claims": {}, "experiments": {"s": "fit"}}
    output = results / "report/index.html"
    for headline, ends in {"test accuracy": [27.5, 2.5], "a panel that no table had": [8.75, 8.75]}.items():
        asked = [{**question, "headline": headline}]
        index([context()], ["html"], results / "claims.parquet", output, questions=asked, numbers={"size": numbers})
        text = output.read_text()
        line = re.search(r'<svg class="sparkline".*?</svg>', text, re.DOTALL)
        assert line is not None
        assert [y for _, y in corners(line[0])] == pytest.approx(ends, abs=0.06)
    assert "lines: loss, by parameters" in text


def test_a_page_says_which_figure_is_not_there(tmp_path: Path) -> None:
    markdown = tmp_path / "page.md"
    markdown.write_text("![A figure.](../figures/s/fit/loss.svg)\n")
    with pytest.raises(HwcoreError, match=r"figures/s/fit/loss\.svg: No such file or directory; the page shows it"):
        to_html(markdown, tmp_path / "report/page.html")
    assert not (tmp_path / "report/page.html").exists()


def test_html_is_the_same_in_each_run(tmp_path: Path) -> None:
    markdown = tmp_path / "page.md"
    markdown.write_text("# Claims\n\n" + "| a | b |\n|---|---|\n| 1 | 2 |\n\ntext\n\n" * 2)
    pages = [tmp_path / f"{run}.html" for run in range(3)]
    for output in pages:
        to_html(markdown, output)
    first = pages[0].read_bytes()
    same = [output.read_bytes() == first for output in pages]
    assert same == [True, True, True]
    # a hash table of Lua has another order in each process, and now and then the same in three
    frames = re.findall(r'<div class="table"\s+role="region"\s+tabindex="0"\s+aria-label="(.*?)"', pages[0].read_text())
    assert frames == ["Claims, table", "Claims, table 2"]


def test_five_lines_are_a_page(results: Path) -> None:
    to_html(page(results, '{{ experiment("fit") }}\n'), results / "report/s.html")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fine\n\n{{ experimant('fit') }}", r"report\.md:3: 'experimant' is undefined"),
        (
            "fine\n{{ experiment('fits') }}",
            r"report\.md:2: there is no experiment 'fits'; there are fit, fit--corrected",
        ),
        ("{{ figure('fit', 'los') }}", "there is no figure 'los'; there are loss"),
        ("{{ figure('both') }}", "there is no figure 'both'"),
        ("{{ setting('fit', 'epoch') }}", "there is no setting 'epoch'; there are lr, epochs"),
        ("{{ value('x') }}", "there is no claim 'x'; there are c, d"),
        ("a\n{{ value( }}", r"report\.md:2"),
        ("{{ value() }}", r"report\.md:1: value: missing a required argument: 'claim'"),
        ("{{ figure('a', 'b', 'c') }}", r"report\.md:1: figure: too many positional arguments"),
        ("{{ experiment('fit', 'loss') }}", "experiment: too many positional arguments"),
        ("{% call claims() %}{% endcall %}", "claims: takes no prose"),
        # nothing is computed, and nothing else reached
        ("{{ 9**9**9**9 }}", r"report\.md:1: only calls such as"),
        ("a\n{{ ''.__class__ }}", r"report\.md:2: only calls such as"),
        ("{{ claims.__globals__ }}", "only calls such as"),
        ("{{ claims()['x'] }}", "only calls such as"),
        ("{{ value(claims.__self__) }}", "value: only names in quotes can stand in its parentheses"),
        ("{{ value(['a'] * 10**9) }}", "value: only names in quotes"),
        ("{{ value(claim='c') }}", "only calls such as"),
        ("{{ range(10**9)|list }}", "only calls such as"),
        ("{{ lipsum(n=10**9) }}", "only calls such as"),
        ("{{ claims()|center(10**9) }}", "only calls such as"),
        ("{% for i in range(10) %}{% endfor %}", "only calls such as"),
        ("{% for i in ['a'] %}{% for j in ['a'] %}{% endfor %}{% endfor %}", "only calls such as"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "only calls such as"),
        ("{% set x = 1 %}", "only calls such as"),
        ("{% include '/etc/passwd' %}", "only calls such as"),
        ("{% import 'os' as os %}", "only calls such as"),
        ("{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}", "an expression is too deep"),
        ("x" * 2**20 + "x", "is larger than a page can be"),
    ],
)
def test_a_mistake_in_a_template_is_named_with_its_line(results: Path, text: str, says: str) -> None:
    with pytest.raises(HwcoreError, match=says):
        page(results, text)
    assert not (results / "report/s.md").exists()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex here")
def test_what_pdflatex_noted_changes_no_byte_of_a_page(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[list[str]] = []
    run = pdf._run
    monkeypatch.setattr(pdf, "_run", lambda command, folder: (passes.append(command), run(command, folder))[1])

    def typeset(text: str, output: str = "s.pdf") -> tuple[bytes, int]:
        markdown = page(results, text)
        to_latex(markdown, markdown.with_suffix(".tex"))
        passes.clear()
        to_pdf(markdown.with_suffix(".tex"), results / "report" / output)
        return (results / "report" / output).read_bytes(), len(passes)

    # a table of several pages, whose columns a later page makes narrower, and headings that move
    rows = "".join(f"| {i} | {'wide ' * (i == 90)} |\n" for i in range(100))
    long = FULL + f"\n\n| a | b |\n|---|---|\n{rows}\n\n# Two\n\ntext\n"
    first, count = typeset(long)
    assert count > 1
    assert typeset(long) == (first, 1)
    assert typeset(long.replace("text", "prose"))[1] == 1
    changed = long.replace("wide ", "w").replace("# One", f"{'word ' * 900}\n\n# One\n\n# Three")
    assert typeset(changed)[0] == typeset(changed, "nothing/s.pdf")[0]
    # those of another page, of a broken disk
    for notes in (b"\\undefinedthing\n", b"", b"\x00\xff{" * 100, b"\\relax\n" * 10):
        (results / "report/.latex/s.aux").write_bytes(notes)
        assert typeset(long)[0] == first
        assert typeset(long) == (first, 1)


@pytest.mark.skipif(not TEX, reason="there is no TeX here")
def test_an_error_of_tex_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.tex").write_text("\\documentclass{article}\\begin{document}\\undefinedthing\\end{document}")
    with pytest.raises(HwcoreError, match="Undefined control sequence"):
        to_pdf(tmp_path / "bad.tex", tmp_path / "bad.pdf")
    assert not (tmp_path / "bad.pdf").exists()


def test_without_tex_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HwcoreError, match="install pdflatex with TeX Live, or tectonic"):
        to_pdf(tmp_path / "page.tex", tmp_path / "page.pdf")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (751, "751"),
        (-952410.0, "−952,410"),
        (0.96543, "0.9654"),
        (12.3456, "12.35"),
        (1.5e-7, "1.500·10⁻⁷"),
        (-2.5e12, "−2.500·10¹²"),
        (0.0099999999, "0.01000"),
        (9.9996e-6, "1.000·10⁻⁵"),
    ],
)
def test_numbers(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.10567, 0.09486, 0.1176, "0.106 [0.095, 0.118]"),
        (22.16, 17.66, 27.82, "22.2 [17.7, 27.8]"),
        (2, 1.8, 2.2, "2.00 [1.80, 2.20]"),
        (104_321.4, 100_000, 110_000, "104,321 [100,000, 110,000]"),
        # an end near zero keeps its sign and two digits of its own
        (0.0027, -3.36e-5, 0.005434, "0.0027 [−3.4·10⁻⁵, 0.0054]"),
        # as does the middle of an interval over decades
        (3.5e-5, 1e-6, 3e-3, "3.5·10⁻⁵ [1.0·10⁻⁶, 0.0030]"),
        (3.9e-5, 9.67e-6, 7.8e-5, "3.9·10⁻⁵ [9.7·10⁻⁶, 7.8·10⁻⁵]"),
        (0.97531, 0.97531, 0.97531, "0.9753 (all equal)"),
    ],
)
def test_an_estimate_has_the_digits_that_its_interval_allows(value: float, low: float, high: float, said: str) -> None:
    assert measured(_row(reproduced=value, ci_low=low, ci_high=high, n=5)).removesuffix(", n = 5") == said


def test_accuracies_are_written_in_per_cent_and_their_differences_in_points() -> None:
    assert PERCENT.estimated(0.92958, 0.9219, 0.9365) == "92.96 % [92.19, 93.65]"
    assert PERCENT.span(0.9219, 0.9365) == "92.19 to 93.65 %"
    assert PERCENT.region(0.9, 0.95) == "between 90 and 95 %"
    assert PERCENT.position(0.89, 0.93, (0.9, 1.0), "undecided") == "contains 90 %"
    assert of_differences(PERCENT).estimated(0.00286, -0.00235, 0.00807) == "0.29 points [−0.24, 0.81]"
    assert of_differences(POINTS) == POINTS
    assert of_differences(PLAIN) == PLAIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.9866", "98.66 %"),
        ("0.970", "97.0 %"),
        ("1", "100 %"),
        ("0.8 to 0.9 (read off)", "0.8 to 0.9 (read off)"),
    ],
)
def test_a_reported_accuracy_keeps_its_digits(text: str, said: str) -> None:
    assert PERCENT.reported(text) == said
    assert PLAIN.reported(text) == text


@pytest.mark.parametrize(
    ("number", "said"),
    [("0.000038", "3.8·10⁻⁵"), (3.8e-05, "3.8·10⁻⁵"), ("-0.0000380", "−3.80·10⁻⁵"), ("0.0010", "0.0010"), (0, "0")],
)
def test_a_small_reported_number_is_written_as_measured_ones_are(number: Any, said: str) -> None:
    assert PLAIN.reported(number) == said


def _row(**changes: Any) -> Any:
    """The numbers of a claim."""
    nothing = float("nan")
    row = {"unit": "", "rule": "threshold", "reproduced": nothing, "ci_low": nothing, "ci_high": nothing, "n": 0}
    return pd.Series({**row, "absent": "", **changes})


def test_measured_without_an_interval() -> None:
    assert measured(_row(absent="one replicate")) == "one replicate"
    assert measured(_row(reproduced=2.5, n=1)) == "2.500 (one replicate)"
    # no interval supports the digits of a single replicate
    assert measured(_row(reproduced=0.415, n=1, unit="%")) == "41.5 % (one replicate)"
    assert measured(_row(reproduced=0.06, n=1, unit="%")) == "6.0 % (one replicate)"
    assert measured(_row(reproduced=0.02143, n=1, unit="points")) == "2.1 points (one replicate)"
    # where all replicates give the same number, it has no interval, but is not that of one
    assert measured(_row(reproduced=0.2, ci_low=0.2, ci_high=0.2, n=2)) == "0.2000 (all equal), n = 2"
    assert measured(_row(reproduced=0.115, ci_low=0.115, ci_high=0.115, n=2, unit="%")) == "11.5 % (all equal), n = 2"
    assert measured(_row(rule="count", reproduced=23_860, ci_low=23_860, ci_high=23_860, n=1)) == "23,860"


def test_what_is_counted_over_networks_says_so() -> None:
    numbers = {"reproduced": -0.65, "ci_low": -0.87, "ci_high": -0.21}
    assert measured(_row(**numbers, rule="trend", n=10)) == "−0.65 [−0.87, −0.21], 10 networks"
    assert measured(_row(**numbers, rule="threshold", n=10)) == "−0.65 [−0.87, −0.21], n = 10"


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.14019, 0.14007, 0.14032, "14.02 % [14.01, 14.03]"),
        (0.06, -0.14, 0.26, "6 % [−14, 26]"),
        (-0.0083, -0.044, 0.028, "−0.8 % [−4.4, 2.8]"),
        (-0.00001, -0.0024, 0.0026, "0.00 % [−0.24, 0.26]"),
        # two decimals would not tell the ends apart
        (0.99996, 0.99993, 0.99999, "99.996 % [99.993, 99.999]"),
    ],
)
def test_per_cent_has_the_digits_of_its_interval(value: float, low: float, high: float, said: str) -> None:
    assert PERCENT.estimated(value, low, high) == said


@pytest.mark.parametrize(("tests", "most"), [(6, "0.3"), (45, "2.3"), (46, "2.3"), (60, "3.0")])
def test_the_expected_number_of_false_verdicts_is_rounded_up(tests: int, most: str) -> None:
    table = pd.DataFrame({"verdict": ["holds"] * tests, "p": [0.01] * tests})
    says = f"{tests} claims were tested on samples of runs; chance alone makes at most {most} of their verdicts false"
    assert says in verdict_counts(table)


def test_measured_times_of_which_some_are_not_known_are_a_median() -> None:
    row = _row(rule="reached-by", reproduced=431.5, n=50)
    assert measured(row) == "431.5 (median), n = 50"


def test_an_interval_of_one_run_is_not_taken_for_that_of_a_mean() -> None:
    row = _row(unit="%", reproduced=0.9646, ci_low=0.9592, ci_high=0.9694, n=10)
    for rule, words, spoken in (
        ("threshold", "", "95 % interval"),
        ("prediction-interval", " for a further run", "a further run:"),
        ("reported-mean", " for a further mean of as many runs", "a further mean of as many runs:"),
    ):
        row["rule"] = rule
        assert measured(row) == f"96.46 % [95.92, 96.94{words}], n = 10"
        assert told(row) == f"96.46 % ({spoken} 95.92 to 96.94 %)"


def test_a_table_keeps_its_cells_apart() -> None:
    assert pipe_table(["a", "b"], [["x | y", "two\nlines"]]).splitlines()[2] == "| x \\| y | two lines |"


def test_the_columns_of_a_wide_table_are_as_wide_as_their_text() -> None:
    assert pipe_table(["a", "n"], [["b" * 50, 1]], numbers={"n"}).splitlines()[1] == "| --- | ---: |"
    assert pipe_table(["a", "n"], [["b" * 20, "c" * 60]]).splitlines()[1] == f"| {'-' * 20} | {'-' * 48} |"


def test_prose_before_the_first_heading_is_an_introduction(results: Path) -> None:
    assert "\n\n## Introduction {#introduction .unnumbered}\n\nText.\n" in rendered(results, context())
    assert "Introduction" not in rendered(results, context(), "# One\n\nText.\n")


def test_a_report_has_the_author_and_the_date_that_it_names(results: Path) -> None:
    said = {**context(), "source": None, "author": "A. Student & B. O'Neil", "date": "May 2026"}
    rendered(results, said, FULL)
    markdown = results / "report/s.md"
    to_html(markdown, markdown.with_suffix(".html"))
    to_latex(markdown, markdown.with_suffix(".tex"))
    html, tex = (markdown.with_suffix(suffix).read_text() for suffix in (".html", ".tex"))
    assert '<p class="author">A. Student &amp; B. O’Neil</p>' in html
    assert '<p class="date">May 2026</p>' in html
    assert "\\author{A. Student \\& B. O'Neil}" in tex
    assert "\\date{May 2026}" in tex


def test_every_experiment_is_on_the_page_once(results: Path) -> None:
    twice = '{{ experiment("fit") }}\n\n{{ experiment("fit--corrected") }}\n'
    with pytest.raises(HwcoreError, match=r"report\.md:3: the experiment 'fit' is on the page already"):
        rendered(results, context(), twice)
    said = context()
    said["experiments"].append({**said["experiments"][0], "id": "other", "base": "other"})
    with pytest.raises(HwcoreError, match=r'report\.md: has no \{\{ experiment\("other"\) \}\}, so that'):
        rendered(results, said, FULL)


def test_a_figure_over_several_experiments_is_on_the_page(results: Path) -> None:
    said = context()
    (shown,) = said["experiments"][0]["figures"]
    said["figures"] = [{**shown, "name": "both", "path": "figures/s/both"}]
    with pytest.raises(HwcoreError, match=r'has no \{\{ figure\("both"\) \}\}, so that this figure is nowhere'):
        rendered(results, said, FULL)


def test_a_figure_that_stands_by_itself_is_left_out_of_its_experiment(results: Path) -> None:
    call = '{{ figure("fit", "loss") }}'
    text = rendered(
        results, context(), f'See {{{{ ref("fit--corrected", "loss") }}}}.\n\n{{{{ experiment("fit") }}}}\n\n{call}'
    )
    assert text.count('id="figure-fit--loss"') == 1
    assert text.index('id="figure-fit--corrected--loss"') < text.index('id="figure-fit--loss"')
    assert "See [Figure 1](#figure-fit--corrected--loss)." in text
    assert "**Figure 2.** Loss" in text
    with pytest.raises(HwcoreError, match=r'report.md:2: this figure is on the page already; ref\("fit", "loss"\) is'):
        rendered(results, context(), f"{call}\n{call}")


def test_an_id_of_a_variant_makes_the_place_that_links_lead_to(results: Path) -> None:
    text = rendered(results, context(), '{{ experiment("fit--corrected") }}')
    assert "{#experiment-fit}" in text
    assert "#experiment-fit--" not in text


def test_headings_of_the_text_may_be_called_as_the_parts_of_a_page(results: Path) -> None:
    headings = "\n\n".join(f"## {name}\n\nText." for name in ("Settings", "Choices", "Judging", "References", "Main"))
    html = results / "report/s.html"
    to_html(page(results, f"{headings}\n\n@kendall1970\n\n{FULL}"), html)
    ids = Counter(re.findall(r' id="([^"]+)"', html.read_text()))
    for id in ("settings", "appendix-settings", "choices", "judging", "works-cited", "references", "main", "page-main"):
        assert ids[id] == 1, id


def test_a_claim_that_is_not_testable_has_no_number(results: Path) -> None:
    claims = pd.read_parquet(results / "claims.parquet")
    claims.assign(verdict="not testable").to_parquet(results / "claims.parquet")
    with pytest.raises(HwcoreError, match=r"report\.md:1: the claim 'c' is not testable, so that there is no number"):
        rendered(results, context(), 'It is {{ value("c") }}.')


def test_the_index_has_the_author_of_a_report_of_ones_own(results: Path) -> None:
    said = {**context(), "source": None, "author": "Ada Lovelace", "date": None}
    index([said], ["md"], results / "claims.parquet", results / "report/index.html")
    assert ">Ada Lovelace</td>" in (results / "report/index.html").read_text()


def test_the_index_names_the_studies_that_were_not_asked_for(results: Path) -> None:
    pages = results / "report/index.html"
    for others, says in (
        ([], ""),
        (["a"], "Not in this report: a. <code>--config studies=all</code> covers it too."),
        (["a", "b"], "Not in this report: a and b. <code>--config studies=all</code> covers them too."),
    ):
        index([context()], ["md"], results / "claims.parquet", pages, others=others)
        text = " ".join(pages.read_text().split())
        assert says in text
        assert ("Not in this report" in text) == bool(others)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"launched": 1}'])
def test_a_record_that_is_damaged_has_no_runtime(tmp_path: Path, content: str) -> None:
    """Every page of a study has the runtimes of its data sets, whose records no job of a page checks."""
    times = {"called": 1, "launched": 2, "started": 3, "ended": 5, "cpu_seconds": 1, "memory_mb": 7}
    jobs = {}
    for name, record in (("whole", json.dumps(times)), ("damaged", content)):
        (tmp_path / f"{name}.json").write_text(record)
        files = {"timing": str(tmp_path / f"{name}.json"), "outputs": {"prepared": name}}
        empty: dict[str, Any] = {"spec": {}, "settings": {}, "inputs": {}, "makers": {}, "modules": []}
        jobs[f"prepare:{name}"] = {**empty, **files, "fingerprint": ""}
    write_json(tmp_path / "plan.json", jobs)
    assert [(each.name, each.computing) for each in runtimes([tmp_path / "plan.json"])] == [("whole", 2)]
