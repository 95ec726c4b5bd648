"""The page across studies in the real pipeline: two studies, one question with numbers and one without."""

import re
from collections.abc import Callable

import pytest

from conftest import Project, make_project

Edit = Callable[[str, str, str], set[str]]
FIGURE = "draw questions/fit-function"
FORMS = {"HTML of questions", "LaTeX of questions", "PDF of questions"}
PAGE = {"write the page across studies", *FORMS}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project with the tiny study and a smaller one."""
    project = make_project(tmp_path_factory.mktemp("asked") / "project")
    project.edit("report/tiny/study.yaml", "title: Fit cos x", "title: Fit cos x\n    question: fit-function")
    project.edit("report/tiny/study.yaml", "title: Classify digits", "title: Classify digits\n    question: train-task")
    other = project.folder / "report/other"
    other.mkdir()
    (other / "report.md").write_text("{{ experiment('exp') }}\n")
    (other / "study.yaml").write_text("""\
title: Another study
replicates: 2
experiments:
  exp:
    section: "1"
    title: Fit the exponential
    question: fit-function
    data: {function: exp(x), domain: [-1, 1], samples: 20, test_samples: 20}
    training: {optimizer: adam, lr: 0.01, loss: mse, epochs: 3, batch_size: full}
    models: {one: {label: one layer, mlp: [1, 4, 1]}, two: {label: two layers, mlp: [1, 3, 2, 1]}}
    analyses: {evaluation: {}}
""")
    project.run("report")
    return project


@pytest.fixture
def edited(asked: Project) -> Edit:
    """Edit a file, tell what became stale, and take the edit back."""

    def edit(file: str, old: str, new: str) -> set[str]:
        path = asked.folder / file
        before = path.read_bytes()
        try:
            asked.edit(file, old, new)
            return asked.stale()
        finally:
            path.write_bytes(before)

    return edit


def test_the_page_is_part_of_the_report(asked: Project) -> None:
    report = asked.folder / "results/quick/report"
    text = (report / "questions.md").read_text()
    said = re.search(r'{#fit-function}\n\n<div class="answer">\n\n(.*)\n', text)
    assert said is not None
    assert re.match(r"From the shallowest network to the deepest, the share of the variance left .*\d %", said[1])
    assert "](../figures/questions/fit-function.svg)" in text
    assert "[Fit the exponential](other.html#experiment-exp)" in text
    # no experiment evaluates what it trains
    assert "What was run leaves this question open" in text.partition("{#train-task}")[2]
    page = (report / "questions.html").read_text()
    assert not re.findall(r'(?:src|<link[^>]+href)="(?!data:|#)[^"]*"', page)
    assert page.count("data:image/svg+xml,") == 1
    assert 'href="questions.html"' in (report / "index.html").read_text()
    assert "questions/fit-function.pdf" in (report / "questions.tex").read_text()


def test_nothing_to_do_after_a_run(asked: Project) -> None:
    told, loaded = asked.loaded("report")
    assert "Nothing to be done" in told
    assert "hwcore.questions.catalog" in loaded
    # each of these takes longer than all else that such a call does
    assert not {"pandas", "torch", "matplotlib"} & loaded


def test_prose_leaves_the_page_fresh(edited: Edit) -> None:
    assert edited("report/other/report.md", "{{", "Prose.\n\n{{") == {
        "write the page of other",
        "HTML of other",
        "LaTeX of other",
        "PDF of other",
    }


def test_a_caption_of_a_study_leaves_the_page_fresh(edited: Edit) -> None:
    assert not edited("report/tiny/study.yaml", "caption: Fits.", "caption: How they fit.") & {FIGURE, *PAGE}


def test_how_a_question_is_answered_makes_its_figure_and_the_page(edited: Edit) -> None:
    stale = edited("hwcore/questions/asked/fit_function.py", "the share of the variance left", "what is left")
    # the index has its lines
    assert stale == {FIGURE, *PAGE, "index of all studies"}


def test_how_findings_are_told_makes_the_page(edited: Edit) -> None:
    assert edited("hwcore/questions/findings.py", "has no clear trend in", "hardly changes in") == PAGE


def test_how_combined_figures_look_draws_them_and_no_others(edited: Edit) -> None:
    assert edited("hwcore/figures/across.py", "_NAMED = 16", "_NAMED = 15") == {
        FIGURE,
        *PAGE,
        "index of all studies",
    }


def test_another_question_leaves_the_figure_fresh(edited: Edit) -> None:
    stale = edited("report/tiny/study.yaml", "question: train-task", "question: capacity")
    own = {"write the page of tiny", "HTML of tiny", "LaTeX of tiny", "PDF of tiny"}
    assert stale == {*PAGE, *own, "index of all studies"}


def test_a_model_changes_what_is_said_of_its_question(edited: Edit) -> None:
    stale = edited("report/other/study.yaml", "mlp: [1, 4, 1]", "mlp: [1, 5, 1]")
    assert {"train other/exp/one", "analyse other/exp/evaluation", FIGURE, *PAGE} <= stale
    assert not any("tiny" in job for job in stale)


def test_a_study_that_no_longer_names_the_question_leaves_the_others(edited: Edit) -> None:
    stale = edited("report/other/study.yaml", "    question: fit-function\n", "")
    assert {FIGURE, *PAGE} <= stale
    assert not any(job.startswith(("train", "analyse", "judge")) for job in stale)


def test_one_study_alone_has_its_page_too(asked: Project) -> None:
    assert {FIGURE, *PAGE} <= asked.stale("--config", "studies=other")
