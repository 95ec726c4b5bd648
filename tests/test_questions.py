"""Questions that several studies answer."""

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from conftest import ROOT
from hwcore import answers
from hwcore.config import parse
from hwcore.data.spec import FunctionData
from hwcore.data.variance import variance
from hwcore.errors import HwcoreError
from hwcore.figures import across
from hwcore.questions.catalog import QUESTIONS
from hwcore.questions.findings import Findings
from hwcore.questions.question import Panel, Question
from hwcore.questions.rows import Rows, joined
from hwcore.questions.words import rounded, share, some_of
from hwcore.reporting.questions import questions
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
    named = {id: each.question for id, each in experiments.items()}
    assert named == {
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


@pytest.mark.parametrize("name", ["index", "questions", "data", "summary", "crate"])
def test_no_study_is_called_what_all_share(tmp_path: Path, name: str) -> None:
    with pytest.raises(HwcoreError, match=f"{name}: no study can be called '{name}': .*; rename the folder"):
        study(tmp_path, name=name)
    with pytest.raises(HwcoreError, match=f"NAME: no study can be called '{name}'"):
        create(name, tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("name", ["alluri", "beamreaching1", "paladugu"])
def test_every_experiment_of_the_studies_names_its_question(name: str) -> None:
    config = parse(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])
    experiments = load(name, ROOT / "report", config).experiments
    assert [id for id, each in experiments.items() if each.question is None] == []


# What answers a question: the tables of an experiment, chosen from the plan.


def answering(study: Study, id: str) -> list[tuple[str, str, str]]:
    found = answers.members(id, [study])
    return [(each.experiment.id, each.table, each.detail) for each in found]


def test_the_corrected_variant_answers_where_it_has_the_table(tmp_path: Path) -> None:
    assert answering(study(tmp_path / "a", asks("fit-function")), "fit-function") == [
        ("fit--corrected", "evaluation", "")
    ]

    def without(text: str) -> str:
        return asks("fit-function")(text).replace("{epochs: 12}", "{epochs: 12}\n        analyses: {evaluation: null}")

    assert answering(study(tmp_path / "b", without), "fit-function") == [("fit", "evaluation", "")]
    assert answering(study(tmp_path / "c", asks("minimal-ratio")), "minimal-ratio") == []


def test_several_experiments_and_tables_are_told_apart(tmp_path: Path) -> None:
    def both(text: str) -> str:
        second = text[text.index("  classify:") : text.index("claims:")].replace("classify", "capacity-two", 1)
        text = text.replace("claims:", f"{second}claims:")
        text = text.replace('section: "2"', 'section: "2"\n    question: capacity\n    analyses: {evaluation: {}}')
        return text.replace(
            "evaluation: {}}\n    title", "evaluation: {}, evaluation-2: {kind: evaluation}}\n    title", 1
        )

    assert answering(study(tmp_path, both), "capacity") == [
        ("classify", "evaluation", "classify"),
        ("classify", "evaluation-2", "classify, 2"),
        ("capacity-two", "evaluation", "capacity two"),
    ]


def test_experiments_have_names_that_readers_know(tmp_path: Path) -> None:
    """The function, the label of the only network or the title; where neither tells them apart, the section."""

    def names(**second: str) -> list[str]:
        """Of an experiment and of a copy of it in which these texts are replaced."""

        def edit(text: str) -> str:
            text = text.replace('section: "2"', 'section: "2"\n    question: capacity\n    analyses: {evaluation: {}}')
            copy = text[text.index("  classify:") : text.index("claims:")].replace("classify", "digits-two", 1)
            for old, new in second.items():
                copy = copy.replace(old, new)
            return text.replace("claims:", f"{copy}claims:")

        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return [detail for *_, detail in answering(study(folder, edit), "capacity")]

    assert names(**{"label: small": "label: a small one"}) == ["small", "a small one"]
    assert names(**{"Classify digits": "Ten classes"}) == ["Classify digits", "Ten classes"]
    long = "Ten classes of digits that somebody drew by hand"
    assert names(**{"Classify digits": long, '"2"': '"3.1"'}) == ["Classify digits", "§ 3.1"]
    assert names() == ["classify", "digits two"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["size 5, rate 1", "size 9, rate 1", "size 5, rate 2", "size 9, rate 2"], ["rate 1", "rate 2"]),
        (["size 5", "size 9", "rate 1", "rate 2"], ["size 5 and 9", "rate 1 and 2"]),
        (
            ["one, rate 1", "two, rate 1", "three, rate 1", "four, rate 1"],
            ["one, rate 1 and two, rate 1", "three, rate 1 and four, rate 1"],
        ),
    ],
)
def test_lines_are_called_as_their_networks(tmp_path: Path, labels: list[str], names: list[str]) -> None:
    def edit(text: str) -> str:
        text = text.replace('section: "2"', 'section: "2"\n    question: interpolation')
        models = [f'      m{i}: {{label: "{label}", mlp: [784, 4, 10]}}' for i, label in enumerate(labels)]
        text = text.replace("      small: {label: small, mlp: [784, 4, 10]}", "\n".join(models))
        line = "      interpolation-{}: {{kind: interpolation, between: {}, alphas: {{start: 0, stop: 1, count: 3}}}}"
        lines = [line.format("a", "[m0, m1]"), line.format("b-0-1", "[m2, m3]")]
        figures = "    figures:\n      accuracy"
        return text.replace(figures, "\n".join(["    analyses:", *lines, figures]))

    assert [detail for *_, detail in answering(study(tmp_path, edit), "interpolation")] == names


def test_tables_by_epochs_and_of_a_layer_do_not_answer(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        made = "trajectory: {layer: 1}, whole: {kind: trajectory}, evaluation: {over: epochs}"
        text = text.replace("      evaluation: {}", f"      {made.replace(', ', chr(10) + '      ', 2)}")
        return text.replace("    figures:\n      loss", "    question: weight-trajectories\n    figures:\n      loss")

    tiny = study(tmp_path, edit)
    assert [table for _, table, _ in answering(tiny, "weight-trajectories")] == ["whole"]


def test_the_plan_knows_what_guessing_gives(tmp_path: Path) -> None:
    experiments = study(tmp_path).experiments
    fit = answers.known_of(experiments["fit"].models["narrow"])
    assert fit.keys() == {"layers", "parameters", "guess_loss"}
    assert (fit["layers"], fit["parameters"]) == (2, 10)
    classify = answers.known_of(experiments["classify"].models["small"])
    assert classify["guess_accuracy"] == 0.1
    assert classify["guess_loss"] == pytest.approx(np.log(10))


@pytest.mark.parametrize(("function", "at"), [("cos(x)", {}), ("sin(5*pi*x)/(5*pi*x)", {0: 1}), ("sign(x)", {})])
def test_the_variance_of_a_function_is_that_of_numpy(function: str, at: dict[float, float]) -> None:
    data = FunctionData(function=function, at=at, domain=(-1, 1), samples=10, test_samples=10)
    x = np.linspace(-1, 1, 100_001)
    y = {"cos(x)": np.cos(x), "sign(x)": np.sign(x)}.get(function, np.sinc(5 * x))
    assert variance(data) == pytest.approx(y.var(), rel=1e-2)


# Findings: sentences that are true of one study and of many.


def rows_of(numbers: dict[str, tuple[list[float], list[float]]]) -> Rows:
    """Of each member the replicates of a small and of a large network."""
    table = [
        {"member": member, "model": f"{member}/{name}", "replicate": r, "size": size, "value": value}
        for member, ends in numbers.items()
        for name, size, values in zip(("small", "large"), (10, 1000), ends, strict=True)
        for r, value in enumerate(values)
    ]
    labels = {f"{member}/{name}": name for member in numbers for name in ("small", "large")}
    return Rows(pd.DataFrame(table), dict.fromkeys(numbers, ""), labels)


def told(numbers: dict[str, tuple[list[float], list[float]]]) -> str:
    found = Findings(rows_of(numbers), ())
    return found.trend("It", found.changes("size", "value", lambda size: f"{size:g} p"), rounded)


UP, DOWN = ([1.0, 1.1, 0.9], [2.0, 2.1, 1.9]), ([4.0, 4.1, 3.9], [2.0, 2.1, 1.9])
SAME, ONCE = ([1.0, 1.5, 0.5], [1.1, 1.6, 0.6]), ([1.0], [9.0])


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([UP], "It rises from 1.0 (10 p) to 2.0 (1000 p)."),
        ([DOWN], "It falls from 4.0 (10 p) to 2.0 (1000 p)."),
        ([SAME], "It has no clear trend: it goes from 1.0 (10 p) to 1.1 (1000 p)."),
        ([ONCE], "It has no clear trend: it goes from 1.0 (10 p) to 9.0 (1000 p)."),
        ([([], [1.0, 2.0])], ""),
        ([UP, UP], "It rises in both studies, most in a, from 1.0 (10 p) to 2.0 (1000 p)."),
        (
            [UP, SAME],
            "It rises in a, from 1.0 (10 p) to 2.0 (1000 p); it has no clear trend in b.",
        ),
        (
            [UP, DOWN, UP, SAME, ONCE],
            "It rises in two of five studies, most in a, from 1.0 (10 p) to 2.0 (1000 p); it falls in b, from 4.0 "
            "(10 p) to 2.0 (1000 p); it has no clear trend in the other two.",
        ),
        (
            [UP, UP, DOWN, DOWN],
            "It rises in two of four studies, most in a, from 1.0 (10 p) to 2.0 (1000 p); it falls in two, most in c, "
            "from 4.0 (10 p) to 2.0 (1000 p).",
        ),
        (
            [SAME, SAME],
            "It has no clear trend in any study; the largest change is in a, from 1.0 (10 p) to 1.1 (1000 p).",
        ),
    ],
)
def test_a_trend_is_told_of_one_study_and_of_many(numbers: list[Any], says: str) -> None:
    assert told({f"{name}/e/t": each for name, each in zip("abcde", numbers, strict=False)}) == says


def most(numbers: dict[str, tuple[list[float], list[float]]], *, log: bool) -> str:
    found = Findings(rows_of(numbers), (Panel("value", "value", log=log),))
    said = re.search(r"most in (\w)", found.trend("It", found.changes("size", "value", str), rounded))
    assert said is not None
    return said[1]


def test_the_largest_change_is_one_on_the_axis_of_the_figure() -> None:
    """A gap by its difference and a loss by its factor, and all of one comparison in the same way."""
    tiny, wide = ([0.001, 0.0011, 0.0012], [0.011, 0.012, 0.013]), ([0.1, 0.11, 0.12], [0.5, 0.51, 0.52])
    below = ([-0.006, -0.007, -0.005], [0.115, 0.116, 0.117])
    members = {"a/e/t": tiny, "b/e/t": below}
    assert most(members, log=False) == most(members, log=True) == "b"
    members = {"a/e/t": tiny, "b/e/t": wide}
    assert [most(members, log=log) for log in (False, True)] == ["b", "a"]


def test_a_change_must_stand_out_of_the_replicates() -> None:
    """Half of the studies have a true change: of the others about one in twenty says so."""
    random = np.random.default_rng(0)
    signs = []
    for shift in (0.0, 3.0):
        drawn = {
            f"s{i}/e/t": (random.normal(0, 1, 5).tolist(), random.normal(shift, 1, 5).tolist()) for i in range(400)
        }
        changes = Findings(rows_of(drawn), ()).changes("size", "value", str)
        signs.append([change.sign for change in changes])
    assert np.mean(np.abs(signs[0])) < 0.08
    assert np.mean(signs[1]) > 0.9


def by_size(values: list[list[float]]) -> Findings:
    """Networks of one study, smallest first, each with its replicates."""
    table = [
        {"member": "a/e/t", "model": f"a/e/t/{size}", "replicate": r, "size": size, "value": value}
        for size, own in enumerate(values)
        for r, value in enumerate(own)
    ]
    return Findings(Rows(pd.DataFrame(table), {"a/e/t": ""}, {}), ())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        # the smallest networks scatter so much that Welch's interval of the two ends has zero in it
        ([[0.1, 0.3, 0.8], [0.85, 0.86, 0.84], [0.9, 0.91, 0.92], [0.97, 0.98, 0.99]], "It rises from 0.40 to 0.98."),
        # the ends differ clearly, and there is no trend in between
        (
            [[0.5, 0.51], [0.7, 0.71], [0.9, 0.91], [0.3, 0.31]],
            "It has no clear trend: it goes from 0.51 to 0.30.",
        ),
        (
            [[0.5], [0.1], [0.15], [0.2], [0.25], [0.3], [0.35], [0.4], [0.45]],
            "It rises, although its ends are 0.50 and 0.45.",
        ),
    ],
)
def test_a_trend_is_that_of_all_networks(values: list[list[float]], says: str) -> None:
    found = by_size(values)
    said = found.trend("It", found.changes("size", "value", str), rounded)
    assert re.sub(r" \(\d\)", "", said) == says


def test_two_networks_are_compared_as_a_claim_compares_them() -> None:
    """All of three lie above all of three others: in one of ten cases by chance, and so in Welch's interval."""
    best, worst, unknown = [0.18, 0.405, 0.21], [0.045, 0.09, 0.12], [np.nan] * 3
    signs = {
        name: [change.sign for change in by_size(values).changes("size", "value", str)]
        for name, values in {
            "scattered": [best, worst],
            "with one that has no number": [best, unknown, worst],
            "apart": [[0.38, 0.405, 0.41], worst],
        }.items()
    }
    assert signs == {"scattered": [0], "with one that has no number": [0], "apart": [-1]}


def test_the_course_of_a_training_is_that_of_the_same_training_from_its_start_to_its_end() -> None:
    # trainings differ from each other by far more than each moves
    trainings = [[1.0, 9.0, 1.5], [5.0, 2.0, 5.6], [9.0, 1.0, 9.4], [20.0, 2.0, np.nan]]
    table = [
        {"member": "a/e/t", "model": "a/e/t/m", "replicate": r, "step": step, "value": value}
        for r, own in enumerate(trainings)
        for step, value in enumerate(own)
    ]
    (course,) = Findings(Rows(pd.DataFrame(table), {"a/e/t": ""}, {}), ()).courses("step", "value", str)
    assert (course.sign, course.first.value, course.last.value) == (1, 8.75, 5.5)


def test_the_noun_is_what_the_numbers_are_of() -> None:
    found = {
        "study": ["a/x/t", "b/x/t"],
        "experiment": ["a/x/t", "a/y/t"],
        "case": ["a/x/t", "a/x/u"],
    }
    for noun, members in found.items():
        assert Rows(pd.DataFrame(), dict.fromkeys(members, ""), {}).noun == noun


def test_ranges_name_their_ends() -> None:
    found = Findings(rows_of({"a/e/t": ([0.25], [0.5]), "b/e/t": ([0.125], [0.5])}), ())
    places = found.places("value")
    assert found.span(places, share) == "between 12.5 % (b: small) and 50.0 % (a: large)"
    assert found.span(places[:1], share) == "at 25.0 %"


def test_what_the_figure_shows_on_a_logarithmic_axis_has_its_geometric_mean() -> None:
    rows = rows_of({"a/e/t": ([0.001, 0.1], [0.04, 0.01])})
    panel = Panel("value", "loss", log=True)
    means = [[each.value for each in Findings(rows, panels).places("value")] for panels in ((panel,), ())]
    assert means == [pytest.approx([0.01, 0.02]), pytest.approx([0.0505, 0.025])]
    (change,) = Findings(rows, (panel,)).changes("size", "value", str)
    assert (change.first.value, change.last.value) == pytest.approx((0.01, 0.02))
    # a number that has no logarithm
    zero = rows_of({"a/e/t": ([0.0, 0.1], [0.04, 0.01])})
    assert [each.value for each in Findings(zero, (panel,)).places("value")] == pytest.approx([0.05, 0.02])


@pytest.mark.parametrize("id", ["train-task", "capacity"])
def test_an_answer_has_the_means_that_its_figure_shows(id: str) -> None:
    given = example(id, "a")
    given["table"]["test_accuracy"] = [0.18, 0.405, 0.21, 0.045, 0.09, 0.12]
    panel = next(at for at, panel in enumerate(asked_of(id).panels) if panel.y == "test_accuracy")
    (line,) = [each for each in drawn(id, **given).axes[panel].lines if each.get_marker() == "o"]
    rows = joined(**given)
    shown = Findings(rows, asked_of(id).panels).places("test_accuracy")
    assert [place.value for place in shown] == pytest.approx(list(line.get_ydata()))
    assert re.search(r"from 2[67](\.5)? % .* to 8\.5 %", answer(id, **given)[0])


def test_correlations_have_the_means_of_claims() -> None:
    rows = rows_of({"a/e/t": ([0.5, 0.99], [0.2, 0.9])})
    rows = Rows(rows.table.rename(columns={"value": "relation"}), rows.members, rows.labels)
    (relation,) = Findings(rows, ()).means("relation")
    assert relation.value == pytest.approx(np.tanh(np.arctanh([0.5, 0.99, 0.2, 0.9]).mean()))


def test_a_share_has_the_decimals_that_its_interval_allows() -> None:
    assert share(0.7704, (0.38, 0.95)) == "77 %"
    assert share(0.7704, (0.75, 0.79)) == "77.0 %"
    assert share(0.998, (0.38, 1)) == "99.8 %"
    (place, _) = by_size([[0.2, 0.9, 0.6], [0.5]]).places("value")
    assert share(place.value, place.within) == "57 %"


def test_half_of_the_way_is_reached_between_two_records() -> None:
    table = pd.DataFrame({"model": "m", "replicate": 0, "epoch": [0, 10, 20, 30, 40], "pc2": 0.0})
    # of 50 epochs
    table = table.assign(progress=table.epoch / 50, pc1=[0.0, 1.0, 3.0, 1.0, 4.0], explained1=0.5, explained2=0.2)
    # 2 of 4 lie in the middle between the records at 10 and 20; the later crossing is not the first
    assert asked_of("weight-trajectories").derived(table)["half"].tolist() == pytest.approx([15 / 50] * 5)


def test_the_way_of_weights_is_told_from_the_earliest_half_to_the_latest() -> None:
    given = example("weight-trajectories", "ab", replicates=1)
    table = given["table"].assign(pc2=0.0, explained1=0.5, explained2=0.25)
    table["pc1"] = table["epoch"].where(table["model"].str.startswith("a"), 6 - (6 - table["epoch"]) ** 2 / 6)
    moved, explained = filter(None, answer("weight-trajectories", **{**given, "table": table}))
    assert re.match(r"Half of .* is covered after 33\.3 % \(b: .*\) to 50\.0 % \(a: .*\) of the training", moved)
    assert (
        explained == "The share of the weights’ variance in the plane of the two principal components lies at 75.0 %."
    )
    alone = table[table["model"].str.startswith("a")]
    assert "is covered after 50.0 % of the training" in answer("weight-trajectories", **{**given, "table": alone})[0]


def test_correlations_are_told_by_their_sign() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=30)
    table = pd.concat(
        pd.DataFrame({"member": f"{name}/e/t", "model": f"{name}/e/t/m", "replicate": range(30), "x": x, "y": y})
        for name, y in {"a": x, "b": -x, "c": random.normal(size=30)}.items()
    )
    found = Findings(Rows(table, dict.fromkeys(table.member.unique(), ""), {}), ())
    relations = found.relations("x", "y")
    said = found.together("A larger x", ("a larger y", "a smaller y"), relations)
    assert said == (
        "A larger x goes with a larger y in a (τ 1.00) and with a smaller y in b (τ −1.00); there is no clear relation "
        "in c."
    )

    def counted(*of: int) -> str:
        return found.together("A larger x", ("a larger y", "a smaller y"), [relations[each] for each in of])

    assert counted(0) == "A larger x goes with a larger y (τ 1.00)."
    assert counted(0, 0) == "A larger x goes with a larger y in both studies (τ 1.00)."
    assert (
        counted(0, 2, 2)
        == "A larger x goes with a larger y in a (τ 1.00); there is no clear relation in the other two."
    )
    assert counted(2) == "A larger x does not clearly go with a larger y or with a smaller y."
    assert counted(2, 2) == "A larger x does not clearly go with a larger y or with a smaller y in any study."


@pytest.mark.parametrize(
    ("value", "says"),
    [(0, "0 %"), (1, "100 %"), (0.123, "12.3 %"), (0.9999, "99.99 %"), (0.00004, "0.004 %"), (-0.05, "−5.0 %")],
)
def test_shares_are_never_rounded_to_nothing_or_all(value: float, says: str) -> None:
    assert share(value) == says


# Each question: its figure and its answer from tables as analyses make them.

COLUMNS = {
    "fit-function": ["train_loss", "test_loss"],
    "train-task": ["train_accuracy", "test_accuracy", "accuracy_gap"],
    "weight-trajectories": ["pc1", "pc2", "explained1", "explained2"],
    "gradient-norm": ["loss", "grad_norm", "relation"],
    "minimal-ratio": ["loss", "minimal_ratio"],
    "random-labels": ["train_loss", "train_accuracy", "test_loss"],
    "capacity": ["train_loss", "test_loss", "test_accuracy", "loss_gap"],
    "interpolation": ["test_loss", "test_accuracy"],
    "sensitivity": ["jacobian_norm_logits", "loss_gap"],
}
ALONG = {
    "weight-trajectories": ("epoch", [0, 3, 6]),
    "gradient-norm": ("step", list(range(1, 301))),
    "random-labels": ("epoch", [1, 2, 4]),
    "interpolation": ("alpha", [-1.0, 0.0, 0.5, 1.0, 2.0]),
}


def asked_of(id: str) -> type[Question]:
    asked: type[Question] = import_module(f"hwcore.questions.asked.{id.replace('-', '_')}").Asked
    return asked


def example(id: str, studies: Iterable[str], replicates: int = 3, value: float | None = None) -> dict[str, Any]:
    """A table as `read_tables` gives it, of random numbers or one value, with what the plan knows of its models."""
    random = np.random.default_rng(0)
    name, places = ALONG.get(id, ("at", [0]))
    tables, models, labels, members = [], {}, {}, {}
    for study in studies:
        member = f"{study}/e/t"
        members[member] = ""
        for number, model in enumerate(("small", "large")):
            key = f"{member}/{model}"
            models[key] = {"layers": 2 + number, "parameters": 10 * 9**number, "guess_loss": 2.0, "guess_accuracy": 0.1}
            models[key] |= {"tolerance": 1e-6} if id == "minimal-ratio" else {}
            labels[key] = model
            for r in range(replicates):
                own = pd.DataFrame({"model": key, "replicate": r, name: places})
                for column in COLUMNS[id]:
                    own[column] = random.uniform(0.1, 0.9, len(own)) if value is None else value
                own = own.assign(progress=own["epoch"] / 6) if id == "weight-trajectories" else own
                tables.append(own.assign(batch_size=5 * 5**number, converged=True, kind="found"))
    table = pd.concat(tables, ignore_index=True)
    if id == "interpolation":
        table = table[table["model"].str.endswith("small")]
        table = table.rename(columns={"model": "pair"})
        table["pair"] = table["pair"] + " → " + table["pair"].str.replace("small", "large")
    return {"table": table, "models": models, "members": members, "labels": labels}


def answer(id: str, table: pd.DataFrame, models: Any, members: Any, labels: Any) -> list[str]:
    rows = joined(table, models, members, labels)
    asked = asked_of(id)
    return asked.answer(Findings(Rows(asked.derived(rows.table), rows.members, rows.labels), asked.panels))


def drawn(id: str, table: pd.DataFrame, models: Any, members: Any, labels: Any) -> Any:
    studies = list(dict.fromkeys(member.partition("/")[0] for member in members))
    return across.draw(
        {"rows": table},
        question=id.replace("-", "_"),
        models=models,
        members=members,
        labels=labels,
        studies=studies,
    )


@pytest.mark.parametrize("studies", ["a", "ab", "abcde"])
@pytest.mark.parametrize("replicates", [1, 3])
@pytest.mark.parametrize("id", QUESTIONS)
def test_every_question_is_answered_and_drawn_for_any_studies(id: str, replicates: int, studies: str) -> None:
    given = example(id, studies, replicates)
    said = " ".join(filter(None, answer(id, **given)))
    assert said.endswith(".")
    assert re.search(r"\d", said)
    assert not re.search(r"\bnan\b|\binf\b|None|Traceback|  ", said), said
    figure = drawn(id, **given)
    assert len(figure.axes) == len(asked_of(id).panels)
    assert all(axes.get_ylabel() for axes in figure.axes)
    # panels above others leave the name of their axis to these
    assert all(axes.get_xlabel() for axes in figure.axes[-2:])
    # every study is in the legend
    legend = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert len(studies) == 1 or all(study in legend for study in studies)


@pytest.mark.parametrize("id", QUESTIONS)
@pytest.mark.parametrize("value", [0.5, np.nan])
def test_equal_and_missing_numbers_are_no_findings(id: str, value: float) -> None:
    given = example(id, "ab", value=value)
    said = " ".join(filter(None, answer(id, **given)))
    assert not re.search(r"\bnan\b|\binf\b|rises|falls (from|in)", said), said


@pytest.mark.parametrize("id", ["fit-function", "gradient-norm", "minimal-ratio", "random-labels", "train-task"])
def test_what_is_not_known_of_any_network_is_left_out(id: str) -> None:
    # networks that are counted only when they are built, and a guess of which no loss is known
    given = example(id, "ab")
    for known in given["models"].values():
        del known["guess_loss"], known["layers"]
    said = " ".join(filter(None, answer(id, **given)))
    assert not re.search(r"\bnan\b", said), said
    if id in ("gradient-norm", "random-labels"):
        (axes,) = drawn(id, **given).axes
        assert axes.get_ylabel() in ("gradient norm", "training accuracy")
    if id == "gradient-norm":
        assert said.startswith("During training the gradient norm ")


def test_networks_that_diverged_have_no_accuracy_in_an_answer() -> None:
    given = example("random-labels", "ab")
    large = given["table"]["model"].str.endswith("large")
    given["table"].loc[large, ["train_loss", "train_accuracy"]] = [np.nan, 0.098]
    given["table"].loc[~large, "train_accuracy"] = 0.8
    assert answer("random-labels", **given)[0] == (
        "The training accuracy on random labels ends at 80.0 %; both networks get above one half."
    )
    given["table"]["train_loss"] = np.inf
    assert answer("random-labels", **given) == []


def test_parameters_that_only_the_run_counted_are_those_of_its_table() -> None:
    given = example("capacity", "a")
    large = given["table"]["model"].str.endswith("large")
    given["table"]["parameters"] = np.where(large, 90, 10)
    del given["models"]["a/e/t/large"]["parameters"]
    assert "(90 parameters)" in " ".join(answer("capacity", **given))


def test_capacity_is_answered_with_the_numbers_of_its_table() -> None:
    given = example("capacity", "a")
    small = given["table"]["model"].str.endswith("small")
    given["table"]["test_accuracy"] = np.where(small, 0.3, 0.9) + 0.001 * given["table"]["replicate"]
    given["table"]["loss_gap"] = np.where(small, 0.01, 0.2) - 0.001 * given["table"]["replicate"]
    assert answer("capacity", **given) == [
        "From the smallest network to the largest, the test accuracy rises from 30.1 % (10 parameters) to 90.1 % "
        "(90 parameters).",
        "The gap between test and training loss rises from 0.0090 (10 parameters) to 0.20 (90 parameters).",
    ]


def test_points_of_a_figure_are_the_means_of_the_table() -> None:
    given = example("capacity", "ab")
    table = given["table"].assign(member=given["table"]["model"].str[:1])
    means = table.groupby("model", sort=False)["test_accuracy"].mean()
    axes = drawn("capacity", **given).axes[2]
    assert axes.get_ylabel() == "test accuracy"
    assert axes.get_xscale() == "log"
    lines = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    np.testing.assert_allclose([list(line.get_ydata()) for line in lines], means.to_numpy().reshape(2, 2))
    np.testing.assert_allclose(lines[0].get_xdata(), [10, 90])


def test_losses_are_relative_to_those_of_a_guess() -> None:
    axes = drawn("fit-function", **example("fit-function", "a", value=0.5)).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 0.25)


def test_the_steps_of_a_training_are_told_in_hundredths() -> None:
    given = example("gradient-norm", "a", value=0.5)
    derived = asked_of("gradient-norm").derived(joined(**given).table)
    assert derived.groupby(["model", "replicate"]).size().eq(100).all()
    assert derived["progress"].min() == 0.01
    assert derived["progress"].max() == 1.0


def test_a_replicate_that_diverged_is_left_out_and_counted() -> None:
    given = example("gradient-norm", "ab")
    ran_away = given["table"]["model"].eq("a/e/t/small") & given["table"]["replicate"].eq(0)
    given["table"].loc[ran_away & given["table"]["step"].gt(200), "loss"] = 1e9
    figure = drawn("gradient-norm", **given)
    assert all(line.get_ydata().max() < 1 for axes in figure.axes for line in axes.lines)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [name for name in legend if "diverged" in name] == ["a: small (1 diverged)"]


def test_networks_at_the_same_place_are_points_of_their_own() -> None:
    given = example("sensitivity", "a")
    given["table"]["batch_size"] = 5
    axes = drawn("sensitivity", **given).axes[0]
    by_network = given["table"].groupby("model", sort=False)["jacobian_norm_logits"]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_ydata(), by_network.apply(stats.gmean))
    assert points.get_linestyle() == "None"
    # the bars are of one network each
    (bars,) = axes.containers
    assert len(bars.lines[2][0].get_segments()) == 2
    middle = next(line for line in axes.lines if line.get_linestyle() == "-")
    np.testing.assert_allclose(middle.get_ydata(), [stats.gmean(given["table"]["jacobian_norm_logits"])])


@pytest.mark.parametrize("id", ["capacity", "minimal-ratio"])
def test_the_things_of_a_study_are_told_apart_by_their_markers(id: str) -> None:
    """Also where there is one network, and so no line."""
    given = example(id, "ab")
    names = [f"a/e{number}/t" for number in range(4)]
    tables, models, labels = [], {}, {}
    for name in names:
        for model, known in given["models"].items():
            if model.startswith("a/e/t/"):
                models[name + model[5:]], labels[name + model[5:]] = known, given["labels"][model]
        own = given["table"][given["table"]["model"].str.startswith("a/e/t/")]
        tables.append(own.assign(model=name + own["model"].str[5:]))
    others = {key: value for key, value in given["models"].items() if key.startswith("b")}
    figure = drawn(
        id,
        table=pd.concat([*tables, given["table"][given["table"]["model"].str.startswith("b")]]),
        models={**models, **others},
        members={**{name: f"thing {name[3]}" for name in names}, "b/e/t": ""},
        labels={**labels, **{key: given["labels"][key] for key in others}},
    )
    entries = [entry for entry in figure.legends[0].get_lines() if entry.get_label().startswith("a")]
    looks = [(entry.get_marker(), entry.get_fillstyle(), entry.get_markerfacecolor()) for entry in entries]
    assert len(set(looks)) == 4
    shown = [(line.get_marker(), line.get_fillstyle(), line.get_markerfacecolor()) for line in figure.axes[0].lines]
    assert {*looks} <= {*shown}


def test_networks_that_did_not_meet_their_stopping_rule_are_in_no_relation() -> None:
    """As in the figure of a study, whose τ is of the others."""
    given = example("sensitivity", "ab", replicates=20)
    table, own = given["table"], given["table"]["model"].str.startswith("a")
    table["loss_gap"] = table["jacobian_norm_logits"]
    table["stopped"] = np.where(own, table["replicate"] < 8, None)
    # those that were cut short have it the other way round
    table.loc[table["stopped"].eq(False), "loss_gap"] *= -1
    *_, told, left_out = answer("sensitivity", **given)
    assert told == "A larger norm goes with a larger gap between test and training loss in both studies (τ 1.00)."
    assert left_out == "24 of 40 networks of a missed their stopping rule and are left out of this comparison."
    table["stopped"] = np.where(own, table["replicate"] > 0, table["replicate"] > 1)
    assert answer("sensitivity", **given)[-1] == (
        "2 of 40 networks of a and 4 of 40 of b missed their stopping rule and are left out of this comparison."
    )
    table["stopped"] = np.where(own, False, None)
    assert answer("sensitivity", **given)[-1] == (
        "All 40 networks of a missed their stopping rule and are left out of this comparison."
    )


def test_networks_are_left_out_of_a_comparison_that_is_told() -> None:
    # two networks have no τ
    given = example("sensitivity", "a", replicates=1)
    given["table"]["stopped"] = False
    said = answer("sensitivity", **given)
    assert said[1:] == ["", ""]
    # and where there is one, each is counted once, whatever the number of its rows
    given = example("sensitivity", "ab", replicates=20)
    table = given["table"]
    table["loss_gap"] = table["jacobian_norm_logits"]
    own = table["model"].str.startswith("a")
    table["stopped"] = np.where(own, table["replicate"] > 0, table["replicate"] > 1)
    table.loc[~own, "loss_gap"] = np.nan
    said = answer("sensitivity", **{**given, "table": pd.concat([table, table])})
    assert said[-1] == ("2 of 40 networks of a missed their stopping rule and are left out of this comparison.")


def test_hollow_points_are_explained() -> None:
    given = example("capacity", "ab")
    given["table"]["stopped"] = np.where(
        given["table"]["model"].str.startswith("a"), given["table"]["replicate"] > 0, None
    )
    notes = [text.get_text() for text in drawn("capacity", **given).legends[1].get_texts()]
    assert notes == ["stopping criterion reached by 4 of 6 networks; hollow: not by all"]


def test_what_is_not_drawn_is_not_in_the_legend() -> None:
    given = example("minimal-ratio", "ab")
    given["table"]["converged"] = given["table"]["model"].str.startswith("a")
    legend = [text.get_text() for text in drawn("minimal-ratio", **given).legends[0].get_texts()]
    assert legend == ["a"]


def test_points_without_a_zero_gradient_have_no_ratio() -> None:
    given = example("minimal-ratio", "a")
    given["table"]["converged"] = given["table"]["replicate"] > 0
    given["table"].loc[0, "kind"] = "padded"
    derived = asked_of("minimal-ratio").derived(joined(**given).table)
    assert len(derived) == 5
    assert derived["minimal_ratio"].notna().tolist() == derived["reached"].astype(bool).tolist()


def test_the_answer_says_when_a_gradient_counts_as_zero(tmp_path: Path) -> None:
    given = example("minimal-ratio", "ab")
    said = "The share of networks whose gradient norm is at most the tolerance of the analysis, {}, lies at 100 %."
    assert answer("minimal-ratio", **given)[0] == said.format("10⁻⁶")
    for model in given["models"]:
        given["models"][model]["tolerance"] = 1e-6 if model.startswith("a") else 1e-8
    assert answer("minimal-ratio", **given)[0] == said.format("10⁻⁸ or 10⁻⁶")

    def edit(text: str) -> str:
        return asks("minimal-ratio")(text).replace("evaluation: {}", "critical-points: {solver: none, tolerance: 0.01}")

    models = answers.describe("minimal-ratio", {"tiny": study(tmp_path, edit)})["models"]
    assert {known["tolerance"] for known in models.values()} == {0.01}


def test_settings_in_which_models_differ_are_several(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        text = asks("fit-function")(text).replace('section: "2"', 'section: "2"\n    question: train-task')
        text = text.replace("mlp: [1, 8, 1]}", "mlp: [1, 8, 1], training: {steps: 9, epochs: null}}")
        big = "      big: {label: big, mlp: [784, 5, 10], data: {train_samples: null}}\n    figures:\n      accuracy:"
        return text.replace("    figures:\n      accuracy:", big)

    study(tmp_path, edit)
    config = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": "standard"}
    tiny = load("tiny", tmp_path, parse(config, ["config.yaml"]))
    first, *_ = answers.describe("fit-function", {"tiny": tiny})["settings"]
    assert first["cells"][5] == "several lengths"
    (second,) = answers.describe("train-task", {"tiny": tiny})["settings"]
    assert second["cells"][2:4] == ["MNIST", "100 to all"]


def test_a_small_learning_rate_is_a_power_of_ten_in_the_table_of_settings(tmp_path: Path) -> None:
    tiny = study(tmp_path, lambda text: re.sub(r"\blr: [\d.]+", "lr: 0.00001", asks("fit-function")(text)))
    first, *_ = answers.describe("fit-function", {"tiny": tiny})["settings"]
    assert first["cells"][4] == "Adam, 10⁻⁵"


def test_a_number_of_a_replicate_counts_once_in_all_of_its_rows() -> None:
    """Its interval is that of three replicates, and not of as many numbers as there are rows."""
    given = example("interpolation", "a")
    given["table"]["test_accuracy"] = 0.5 + 0.1 * given["table"]["replicate"]
    # a row without a number is not that of the replicate
    given["table"].loc[0, "test_accuracy"] = np.nan
    derived = asked_of("interpolation").derived(joined(**given).table)
    derived.loc[0, "middle_accuracy"] = np.nan
    (place,) = Findings(Rows(derived, given["members"], {}), ()).places("middle_accuracy")
    assert place.within == pytest.approx(stats.t.interval(0.95, 2, 0.6, stats.sem([0.5, 0.6, 0.7])))


def test_a_line_is_judged_at_its_ends_and_midway() -> None:
    given = example("interpolation", "a")
    heights = {-1.0: 0.1, 0.0: 0.9, 0.5: 0.2, 1.0: 0.8, 2.0: 0.1}
    given["table"]["test_accuracy"] = given["table"]["alpha"].map(heights)
    given["table"].loc[given["table"]["alpha"] == 0.5, "test_accuracy"] += 0.01 * given["table"]["replicate"]
    assert answer("interpolation", **given) == [
        "The test accuracy midway between the two networks is clearly lower than at the worse end.",
        "Midway it lies at 21.0 %.",
    ]
    # a line without α = 0.5 is told at the nearest one
    given["table"]["alpha"] = given["table"]["alpha"].replace(0.5, 0.4)
    assert answer("interpolation", **given)[1] == "Midway, or at the α nearest to it, it lies at 21.0 %."


@pytest.mark.parametrize(
    ("lower", "says"),
    [
        ("", "In no study is the test accuracy midway between the two networks clearly lower than at the worse end."),
        ("a", "In one of three studies the test accuracy midway between the two networks is clearly lower than"),
        ("abc", "In all three studies the test accuracy midway between the two networks is clearly lower than"),
    ],
)
def test_lines_are_counted_that_are_worse_midway(lower: str, says: str) -> None:
    given = example("interpolation", "abc")
    drop = given["table"]["pair"].str[0].isin([*lower]) & given["table"]["alpha"].eq(0.5)
    given["table"]["test_accuracy"] = np.where(drop, 0.2, 0.8) + 0.01 * given["table"]["replicate"] * drop
    assert answer("interpolation", **given)[0].startswith(says)


@pytest.mark.parametrize(
    ("count", "total", "says"),
    [
        (0, 1, "no network"),
        (1, 1, "the only network"),
        (0, 5, "no network"),
        (1, 2, "one of two networks"),
        (2, 2, "both networks"),
        (5, 5, "all five networks"),
        (11, 26, "11 of 26 networks"),
        (26, 26, "all 26 networks"),
    ],
)
def test_counts_are_told_in_words(count: int, total: int, says: str) -> None:
    assert some_of(count, total, "network") == says


# The page.


def context() -> dict[str, Any]:
    given = example("capacity", "ab")
    settings = [
        {"study": study, "base": base, "title": title, "variant": variant, "shown": shown, "cells": cells}
        for study, base, title, variant, shown, cells in [
            ("a", "sizes", "Ten | networks", "as-described", True, ["10 networks", *"2345678"]),
            ("a", "sizes", "Ten | networks", "as-run", False, ["10 networks", *"2345678"]),
            ("b", "sizes", "Sizes", "as-described", False, ["two", *"2345678"]),
            ("b", "sizes", "Sizes", "corrected", True, ["three", *"2345678"]),
            ("b", "stated", "Not done", "as-described", False, []),
        ]
    ]
    capacity = {
        **{part: given[part] for part in ("models", "members", "labels")},
        **{"id": "capacity", "title": "Does size help?", "caption": "Sizes.", "figure": "figures/questions/capacity"},
        **{"settings": settings, "claims": {"a": ["c", "d", "e"], "b": []}},
        **{"cuts": [], "fewer_images": [], "uneven": []},
    }
    nothing = {
        **{"id": "random-labels", "title": "Random?", "caption": "Labels.", "figure": None},
        **{"models": {}, "members": {}, "labels": {}, "settings": [], "claims": {"a": [], "b": []}},
        **{"cuts": [], "fewer_images": [], "uneven": []},
    }
    return {
        "scale": {"name": "quick", "judged": "no", "describes": "little"},
        "studies": {"a": "Study A", "b": "Study B"},
        "questions": [capacity, nothing],
    }


def page(folder: Path, **cut: Any) -> str:
    """Of trainings that a scale cuts so."""
    ledger = [("a", "c", "holds"), ("a", "d", "fails"), ("a", "e", "holds"), ("b", "c", "wrong")]
    pd.DataFrame(ledger, columns=["study", "claim", "verdict"]).to_parquet(folder / "claims.parquet")
    recipe = folder / "figures/questions/capacity.json"
    recipe.parent.mkdir(parents=True)
    recipe.write_text('{"commit": null, "dirty": false}')
    output = folder / "report/questions.md"
    told = context()
    told["questions"][0] |= cut
    questions(told, {"capacity": example("capacity", "ab")["table"]}, folder / "claims.parquet", output)
    return output.read_text()


def test_the_matrix_counts_verdicts_and_links_to_the_studies(tmp_path: Path) -> None:
    row = next(line for line in page(tmp_path).splitlines() if line.startswith("| [Does size help?]"))
    link = "(a.html#experiment-sizes)"
    assert row == (
        "| [Does size help?](#capacity) | "
        f"[[2 hold]{{.verdict .holds}}]{link} [[1 fails]{{.verdict .fails}}]{link} | "
        "[no claim](b.html#experiment-sizes) |"
    )


def test_the_page_says_what_counts_as_clear(tmp_path: Path) -> None:
    introduction = " ".join(page(tmp_path).partition("## Verdicts")[0].split())
    assert "or has a *clear trend*, where a 95 % interval excludes zero: that of Kendall" in introduction


def test_a_table_of_settings_has_a_row_for_what_differs(tmp_path: Path) -> None:
    rows = [line for line in page(tmp_path).splitlines() if line.startswith(("| a |", "| b |"))]
    assert [row.removesuffix(" |").split(" | ")[1:3] for row in rows] == [
        ["[Ten \\| networks](a.html#experiment-sizes)", "10 networks"],
        ["[Sizes](b.html#experiment-sizes)", "two"],
        ["[Sizes](b.html#experiment-sizes), corrected", "three"],
        ["[Not done](b.html#experiment-stated)", "not run again"],
    ]


def settings_of(folder: Path, *cells: list[str]) -> list[str]:
    """What stands above the table of settings of these experiments, and the lines of the table."""
    folder.mkdir()
    rows = [
        {"study": "a", "base": f"e{at}", "title": f"E{at}", "variant": "as-described", "shown": True, "cells": own}
        for at, own in enumerate(cells)
    ]
    after = page(folder, settings=rows).partition('id="figure-capacity"')[2].partition("\n\n</div>\n\n</div>\n\n")[2]
    return after.partition("\n\n## ")[0].splitlines()


def test_what_all_rows_of_settings_share_stands_above_them(tmp_path: Path) -> None:
    data, adam = ["digits (full scale: MNIST)", "1,000 (full scale: all)"], "Adam, 0.001"
    one = ["small", "10", *data, adam, "5 to 60 (full scale: 4,008) steps", "64", "3 (full scale: 5)"]
    two = ["large", "90", "digits (full scale: MNIST), labels random", *one[3:6], "32", one[7]]
    note, _, heads, _, *rows = settings_of(tmp_path / "both", one, two, [])
    assert note == (
        "The same in all rows: samples 1,000 (all); Adam, 0.001; 5 to 60 (4,008) steps; replicates 3 (5). "
        "Values at full scale are in parentheses."
    )
    assert heads == "| study | experiment | networks | parameters | data | batch size |"
    assert [row.split(" | ")[2:] for row in rows] == [
        ["small", "10", "digits (MNIST)", "64 |"],
        ["large", "90", "digits (MNIST), labels random", "32 |"],
        ["not run again", "", "", " |"],
    ]
    # a single row shares nothing, and nothing is cut at full scale
    heads, _, row = settings_of(tmp_path / "one", ["small", "10", "MNIST", "all", adam, "10", "64", "5"])
    assert heads.count("|") == row.count("|") == 11


def cut_of(study: str, lengths: list[int], full: list[int], unit: str = "epochs", every: bool = True) -> answers.Cut:
    return {"member": f"{study}/e/t", "unit": unit, "lengths": lengths, "full_lengths": full, "all": every}


UNEVEN = (
    "Comparisons between networks leave out b, where the training of some networks is cut much more than that of"
    " others."
)


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        ({}, ""),
        (
            {"cuts": [cut_of("a", [10, 10], [100, 140]), cut_of("b", [10], [2000])]},
            "At this scale these trainings have 10 epochs instead of 100 to 2,000.",
        ),
        (
            {"cuts": [cut_of("a", [1], [40], every=False), cut_of("b", [1], [40])]},
            "At this scale some of these trainings have 1 epoch instead of 40.",
        ),
        ({"cuts": [cut_of("b", [10], [15])]}, "At this scale the trainings of b have 10 epochs instead of 15."),
        (
            {
                "cuts": [cut_of("a", [5, 10], [50, 50]), cut_of("b", [37], [4008], "steps", every=False)],
                "fewer_images": ["b/e/t"],
                "uneven": ["b/e/t"],
            },
            "At this scale the trainings of a have 5 to 10 epochs instead of 50 and some of those of b have 37 steps "
            f"instead of 4,008. Networks of b learn from fewer images than at full scale. {UNEVEN}",
        ),
        (
            {"fewer_images": ["a/e/t", "b/e/t"]},
            "At this scale networks of both studies learn from fewer images than at full scale.",
        ),
    ],
)
def test_an_answer_says_how_trainings_are_cut(tmp_path: Path, cut: dict[str, Any], says: str) -> None:
    said = page(tmp_path, **cut).partition('<div class="answer">\n\n')[2].partition("\n\n</div>")[0]
    # the last sentence is on the gap of the losses
    assert re.sub(r".*The gap .*? \(90 parameters\)\.(?: |$)", "", said) == says


def answer_on_page(folder: Path, **cut: Any) -> str:
    return page(folder, **cut).partition('<div class="answer">\n\n')[2].partition("\n\n</div>")[0]


def test_networks_that_are_cut_unevenly_are_not_compared(tmp_path: Path) -> None:
    for folder in ("none", "one", "both"):
        (tmp_path / folder).mkdir()
    same = "From the smallest network to the largest, the test accuracy has no clear trend in "
    assert answer_on_page(tmp_path / "none").startswith(f"{same}any study; ")
    one = answer_on_page(tmp_path / "one", uneven=["b/e/t"])
    assert one.startswith(f"{same}a: it goes from ")
    assert one.endswith(UNEVEN)
    assert answer_on_page(tmp_path / "both", uneven=["a/e/t", "b/e/t"]) == (
        f"At this scale the question stays open. {UNEVEN.replace(' b,', ' a and b,')}"
    )


def at_standard(folder: Path, edit: Edit, **caps: int) -> Study:
    """The tiny study with its text edited, at a scale with these caps on data sets."""
    study(folder, edit)
    config = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": "standard"}
    config["scales"]["standard"]["caps"]["datasets"] = caps
    return load("tiny", folder, parse(config, ["config.yaml"]))


def test_trainings_that_are_cut_are_those_of_the_plan(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        text = asks("fit-function")(text).replace("{epochs: 12}", "{epochs: 12000}")
        return text.replace("mlp: [1, 8, 1]}", "mlp: [1, 8, 1], training: {epochs: 6}}")

    described = answers.describe("fit-function", {"tiny": at_standard(tmp_path, edit)})
    cut = {"unit": "epochs", "lengths": [5000], "full_lengths": [12000], "all": False}
    assert described["cuts"] == [{"member": "tiny/fit--corrected/evaluation", **cut}]
    assert described["fewer_images"] == []


def test_networks_that_learn_from_fewer_images_are_those_of_the_plan(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return text.replace('section: "2"', 'section: "2"\n    question: train-task\n    analyses: {evaluation: {}}')

    described = answers.describe("train-task", {"tiny": at_standard(tmp_path, edit, train_samples=50)})
    assert described["cuts"] == []
    assert described["fewer_images"] == ["tiny/classify/evaluation"]


@pytest.mark.parametrize(("teraflop", "uneven"), [(None, []), (1e-5, ["tiny/classify/evaluation"])])
def test_networks_are_cut_unevenly_where_one_costs_more(
    tmp_path: Path, teraflop: float | None, uneven: list[str]
) -> None:
    def edit(text: str) -> str:
        text = text.replace('section: "2"', 'section: "2"\n    question: capacity\n    analyses: {evaluation: {}}')
        wide = "      wide: {label: wide, mlp: [784, 50, 10]}\n    figures:\n      accuracy:"
        return text.replace("    figures:\n      accuracy:", wide)

    study(tmp_path, edit)
    config = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "scale": "standard"}
    config["scales"]["standard"]["caps"] = {"datasets": {"teraflop": teraflop} if teraflop else {}}
    tiny = load("tiny", tmp_path, parse(config, ["config.yaml"]))
    assert answers.describe("capacity", {"tiny": tiny})["uneven"] == uneven


def test_a_question_without_numbers_is_left_open(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "No claim is judged." in text
    after = text.partition("## Random? {#random-labels}")[2]
    assert after.partition("What was run leaves this question open")[2]
    assert "![" not in after
