"""What a page tells of claims: its summary, the ledger, and links between claims and figures."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pypandoc
import pytest
import yaml
from test_reporting import context

from conftest import ROOT
from hwcore.claims.cuts import Cut
from hwcore.claims.judge import Case, judge
from hwcore.claims.ledger import frame
from hwcore.claims.spec import Claim
from hwcore.config import Config
from hwcore.errors import HwcoreError
from hwcore.reporting.claims import about_figure, claims_table, interval, sentence
from hwcore.reporting.judging import TERMS
from hwcore.reporting.markdown import render
from hwcore.reporting.summary import summary
from hwcore.reporting.words import plain
from hwcore.studies.study import load

NAN = float("nan")


def row(claim: str, verdict: str, says: str, **changes: Any) -> dict[str, Any]:
    known = {"study": "s", "where": "1", "metric": "final loss", "reported": "", "reason": "It is so."}
    numbers = {"reproduced": 0.4, "ci_low": 0.3, "ci_high": 0.5, "expected_low": NAN, "expected_high": 0.2, "n": 3}
    rest = {
        "kind": "statement",
        "rule": "threshold",
        "variant": "as-described",
        "figure": "figures/s/fit/loss",
        "diagnosis": "",
        "unit": "",
        "absent": "",
    }
    return {**known, **numbers, **rest, "claim": claim, "verdict": verdict, "says": says, "p": 0.01, **changes}


def page(tmp_path: Path, rows: list[dict[str, Any]], text: str, **changes: Any) -> str:
    said = {**context("yes"), "claims": {each["claim"]: "fit" for each in rows}, **changes}
    for each in said["experiments"]:
        each["figures"][0]["recipe"] = "recipe.json"
        each["tables"] = []
    results = tmp_path / "results/quick"
    results.mkdir(parents=True, exist_ok=True)
    (results / "recipe.json").write_text('{"commit": null, "dirty": false}')
    frame(rows).to_parquet(results / "claims.parquet")
    (results / "report.md").write_text(text)
    render(said, results / "report.md", results / "claims.parquet", results / "report/s.md")
    return (results / "report/s.md").read_text()


def test_the_first_page_tells_findings_then_what_differs_most_then_what_to_keep_in_mind(tmp_path: Path) -> None:
    rows = [
        row("a", "holds", "it falls", reported="0.5", diagnosis="As run it fails: 2."),
        row("b", "fails", "it rises", p=0.04),
        row("c", "wrong", "it has 5 (layers)", p=NAN),
        row("d", "wrong", "it has 5 (neurons)", p=NAN),
        row("e", "undecided", "it stays"),
        *(row(f"f{i}", "fails", f"claim {i}", p=0.001 * i) for i in range(1, 4)),
    ]
    text = page(tmp_path, rows, '{{ experiment("fit") }}\n\n{{ claims() }}\n', findings=["a"])
    first = text[: text.index("### 1 Fit")]
    assert "abstract: 'The experiments of “Homework” (A. Author, 2023) were run again: 1 experiment, also " in first
    assert "Of 8 claims, 1 holds, 4 fail, 1 is undecided and 2 are wrong." in first
    assert '<span class="verdict fails" data-count="4">4 fail</span>' in first
    told = re.findall(r'^- <span class="verdict \w+">(\w+)</span> The report says (.*?\))', first, re.MULTILINE)
    # what is counted comes last, and what is said of layers and of neurons is said once
    assert told == [
        ("holds", "that it falls (§\u00a01, reported 0.5)"),
        *(("fails", f"that claim {i} (§\u00a01)") for i in range(1, 4)),
        ("fails", "that it rises (§\u00a01)"),
        ("wrong", "that it has 5 (layers, §\u00a01)"),
    ]
    assert "**Where this reproduction differs most** (1 more claim below)" not in first
    assert "**Where this reproduction differs most (1 more claim below)**" in first
    line = "; here the final loss is 0.40 (95 % interval 0.30 to 0.50). [Figure 1a](#figure-fit--loss)."
    assert f"{line} As run it fails: 2." in first


def test_the_first_page_counts_the_verdicts_that_the_number_of_claims_takes_back(tmp_path: Path) -> None:
    rows = [
        row("a", "holds", "it falls", p_holm=0.06),
        row("b", "holds", "it rises", p_holm=0.05),
        row("c", "inconsistent", "it is 5", p_holm=0.2),
        row("d", "right", "it has 5", p=NAN, p_holm=NAN),
        row("e", "undecided", "it stays", p_holm=0.9),
    ]
    prose = '{{ experiment("fit") }}\n\n{{ claims() }}\n'
    said = (
        "- With [Holm’s correction](#appendix-judging) for all claims of the study, 1 of 2 “holds” and 1 of 1 "
        "“inconsistent” that rest on a test would not stand; the reason of each says so.\n"
    )
    assert said in page(tmp_path, rows, prose)
    assert "Holm" not in page(tmp_path, [rows[1], rows[3]], prose)


SAID = "The report says that the ratio is 0.001 (§\u00a01)"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"rule": "prediction-interval", "metric": "final minimal ratio", "reported": "0.001"},
            f"{SAID}; here the final minimal ratio is 0.40 (a further run: 0.30 to 0.50).",
        ),
        (
            {"rule": "trend", "metric": "Kendall's τ of loss against width"},
            f"{SAID}; here Kendall's τ of loss against width is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        (
            {"rule": "best", "metric": "model with the highest loss: loss of a over that of b"},
            f"{SAID}; here the loss of a over that of b is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        # names may have colons
        (
            {
                "rule": "order",
                "metric": "a: 1 and b: 2, from the highest loss to the lowest: loss of a: 1 over that of b: 2",
            },
            f"{SAID}; here the loss of a: 1 over that of b: 2 is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        (
            {"rule": "comparison", "metric": "final loss of a over first loss of a"},
            f"{SAID}; here the final loss of a over the first loss of a is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        # of a best of which there is no number
        (
            {"rule": "best", "metric": "model with the highest loss", "reproduced": NAN, "absent": "one replicate"},
            f"{SAID}; here there is no number for the model with the highest loss: one replicate.",
        ),
        (
            {"reproduced": 0.415, "ci_low": NAN, "ci_high": NAN, "n": 1, "unit": "%"},
            f"{SAID}; here the final loss is 41.5 % (one replicate).",
        ),
        ({"verdict": "not testable", "metric": "", "reproduced": NAN}, f"{SAID}."),
        # what the report says of several is told without of which
        (
            {"says": "all “converge” here. (deep)", "reported": "3"},
            "The report says that all “converge” here (deep, §\u00a01, reported 3); "
            "here the final loss is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        # what stands in the first person, or leaves words out, can only be quoted
        *(
            (
                {"says": f"{says} (deep)"},
                f"The report says “{quoted}” (deep, §\u00a01); "
                "here the final loss is 0.40 (95 % interval 0.30 to 0.50).",
            )
            for says, quoted in [
                ("we find that all “converge”", "we find that all ‘converge’"),
                ("all … converge", "all … converge"),
                ("they [all] converge", "they \\[all\\] converge"),
            ]
        ),
        # what a figure shows are not words of the report
        (
            {"says": "in the graph, the loss is 1 (deep)"},
            "In the report’s graph, the loss is 1 (deep, §\u00a01); "
            "here the final loss is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        (
            {"says": "Figure 16 has a loss of 1"},
            "The report’s Figure 16 has a loss of 1 (§\u00a01); "
            "here the final loss is 0.40 (95 % interval 0.30 to 0.50).",
        ),
        (
            {"says": "the result table has a loss of 1"},
            "The report’s result table has a loss of 1 (§\u00a01); "
            "here the final loss is 0.40 (95 % interval 0.30 to 0.50).",
        ),
    ],
)
def test_a_finding_tells_what_the_report_says_and_what_was_measured_here(changes: dict[str, Any], line: str) -> None:
    (one,) = frame([{**row("a", "holds", "the ratio is 0.001"), **changes}]).itertuples()
    chip, text = sentence(one, context("yes"), lambda _: "").split("</span> ")
    assert chip.startswith('<span class="verdict')
    assert text == line


def test_a_finding_tells_why_a_number_of_a_cut_training_decides_nothing() -> None:
    table = pd.DataFrame({"replicate": range(4), "model": "m", "epoch": 1, "train_loss": [1.0, 1.1, 0.9, 1.05]})
    one = Claim.model_validate(
        {"where": "1", "says": "it learns", "experiment": "e", "rule": "threshold", "expect": {"below": 2}}
        | {"measure": {"value": "train_loss"}}
    )
    cut = Cut("1 epoch on 3,900 of 50,000 images instead of 20 on all", share=0.1, fewer_images=True)
    case = Case(one, "as-described", cut=cut)
    (judged,) = judge("s", {"c": case}, {("e", "metrics"): table}, judged="provisional").itertuples()
    because = f"After {cut.words}, this decides nothing, because images are left out."
    assert judged.verdict == "undecided"
    told = sentence(judged, context("provisional"), lambda _: "", why=True)
    assert told.endswith(f" {because}")
    assert because not in sentence(judged, context("provisional"), lambda _: "")


def test_a_finding_of_a_study_without_a_report_is_a_claim() -> None:
    (one,) = frame([row("a", "not judged", "it falls")]).itertuples()
    text = sentence(one, {**context("no"), "source": None}, lambda _: "")
    assert text == "The claim is that it falls (§\u00a01); here the final loss is 0.40 (95 % interval 0.30 to 0.50)."


@pytest.mark.parametrize(
    ("bases", "words"),
    [
        (
            ["fit"],
            "In one experiment the code of the report did something that its text does not say; it was run both ",
        ),
        (
            ["fit", "more"],
            "In 2 experiments the code of the report did something that its text does not say; each was run both ",
        ),
    ],
)
def test_the_first_page_tells_which_experiments_were_run_both_ways(bases: list[str], words: str) -> None:
    said = context("yes")
    (first, _) = said["experiments"]
    said["experiments"] = [{**first, "base": base, "variant": "as-run", "title": base} for base in bases]
    links = " and ".join(f"[{base}](#experiment-{base})" for base in bases)
    assert f"- {words}ways: {links}." in summary(said, frame([row("a", "holds", "it falls")]), lambda _: "")


def test_the_first_page_tells_that_networks_were_trained_once() -> None:
    claims = frame([row("a", "undecided", "it falls")])
    once = "- Each network was trained once, which shows nothing of how one run differs from another."
    assert once not in summary(context("yes"), claims, lambda _: "")
    said = context("yes")
    for each in said["experiments"]:
        for model in each["models"]:
            model["replicates"] = 1
    assert once in summary(said, claims, lambda _: "")


def test_claims_and_figures_lead_to_each_other(tmp_path: Path) -> None:
    rows = [row("a", "holds", "it falls"), row("b", "fails", "it rises", figure="figures/s/fit--corrected/loss")]
    text = page(tmp_path, rows, '{{ claims() }}\n\n{{ experiment("fit") }}\n')
    assert text.count('id="claim-a"') == text.count('id="figure-fit--loss"') == 1
    # the list stands above the experiment, and knows its claims and figures all the same
    assert "[it falls](#claim-a)" in text
    assert "| [Figure 1a](#figure-fit--loss) |" in text
    assert "| [Figure 1b](#figure-fit--corrected--loss) |" in text
    assert '[<span class="verdict holds">holds</span>](#claim-a) it falls' in text
    anchors = set(re.findall(r'id="([^"]+)"', text)) | set(re.findall(r"\{#([\w-]+)", text))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    # a claim of an experiment that the page does not show leads nowhere
    assert "[it falls]" not in page(tmp_path, rows, "{{ claims() }}\n")


def test_figures_are_numbered_in_their_order_on_the_page(tmp_path: Path) -> None:
    both = {
        **context()["experiments"][0]["figures"][0],
        "name": "both",
        "path": "figures/s/both",
        "recipe": "recipe.json",
    }
    text = page(tmp_path, [], '{{ figure("both") }}\n\n{{ experiment("fit") }}\n', figures=[both])
    assert re.findall(r"!\[\*\*Figure (\w+)\.\*\*", text) == ["1", "2a", "2b"]
    # a link may stand before its figure
    linked = page(tmp_path, [], '{{ ref("fit--corrected", "loss") }}\n\n{{ experiment("fit") }}\n')
    assert "\n[Figure 1b](#figure-fit--corrected--loss)\n" in linked
    # the caption that variants share is told once
    assert "![**Figure 2b.** Corrected.](" in text


def test_what_is_said_of_several_models_shares_a_row() -> None:
    rows = [
        row("a", "holds", "it fits (deep)"),
        row("b", "fails", "it fits (wide)", reason="Not so."),
        row("c", "holds", "so (x)"),
    ]
    table = claims_table(frame(rows), context("yes"), lambda _: "")
    lines = [line for line in table.splitlines() if line.startswith("| <span")]
    assert len(lines) == 2
    assert (
        'id="claim-a">holds</span><br><span class="verdict fails" id="claim-b">fails</span> | it fits<br>' in lines[0]
    )
    assert "**deep:** Final loss. It is so.<br>**wide:** Final loss. Not so.</span>" in lines[0]
    assert "deep: <span" in lines[0]
    assert "| so (x)<br>" in lines[1]


def test_the_sentences_with_which_all_reasons_end_are_said_once() -> None:
    rows = [
        row("a", "holds", "it fits (deep)", reason="It is 0.5. Fitting means less than 1. Provisional."),
        row("b", "fails", "it fits (wide)", reason="It is 2. Fitting means less than 1. Provisional."),
    ]
    told = (
        "**deep:** Final loss. It is 0.5.<br>**wide:** Final loss. It is 2.<br>Fitting means less than 1. Provisional."
    )
    assert told in claims_table(frame(rows), context("yes"), lambda _: "")
    # what variants say comes before what all share, and is said once where it is the same
    rows[0]["diagnosis"] = "As run, it fails: 3."
    assert "It is 0.5. As run, it fails: 3.<br>" in claims_table(frame(rows), context("yes"), lambda _: "")
    rows[1]["diagnosis"] = "As run, it fails: 3."
    assert f"{told} As run, it fails: 3.</span>" in claims_table(frame(rows), context("yes"), lambda _: "")


@pytest.mark.parametrize(
    ("reported", "cell"),
    [
        (["98 %", "97 %", "98 %", ""], "98 %<br>97 %<br>98 %<br>–"),
        (["98 %", "98 %"], "98 %"),
        (["", ""], ""),
    ],
)
def test_what_is_reported_of_each_of_several_networks_stands_in_their_order(reported: list[str], cell: str) -> None:
    rows = [row(f"c{i}", "holds", f"it is good (net {i})", reported=each) for i, each in enumerate(reported)]
    (line,) = [each for each in claims_table(frame(rows), context("yes"), lambda _: "").splitlines() if "good" in each]
    assert line.split(" | ")[2].strip() == cell


def test_a_scale_that_judges_nothing_has_no_column_of_verdicts() -> None:
    rows = [row("a", "not judged", "it falls"), row("b", "not testable", "it thinks", reproduced=NAN)]
    table = claims_table(frame(rows), context("no"), lambda _: "")
    assert table.splitlines()[2].startswith("| the report says | reported | measured")
    assert '| <span id="claim-a"></span>it falls<br>' in table
    assert "| not testable |" in table
    assert about_figure(frame(rows)) == ""


def test_a_figure_tells_three_claims_and_how_many_more_there_are() -> None:
    rows = [row(name, "holds", f"so is {name}") for name in "abcde"]
    assert "so is c · and 2 more claims\n" in about_figure(frame(rows))
    assert "so is c · and 1 more claim\n" in about_figure(frame(rows[:4]))
    assert " more " not in about_figure(frame(rows[:3]))


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({}, 'data-scale="linear" data-value="0.4" data-low="0.3" data-high="0.5" data-to="0.2"'),
        ({"expected_high": 0.02}, 'data-scale="log" data-value="0.4" data-low="0.3" data-high="0.5" data-to="0.02"'),
        (
            {"expected_low": 0.0},
            'data-scale="linear" data-value="0.4" data-low="0.3" data-high="0.5" data-from="0" data-to="0.2"',
        ),
        ({"expected_high": NAN}, None),
        ({"reproduced": NAN, "ci_low": NAN, "ci_high": NAN}, None),
    ],
)
def test_an_interval_is_marked_with_the_region_that_the_claim_states(changes: dict[str, Any], data: str | None) -> None:
    (one,) = frame([row("a", "fails", "it falls", **changes)]).itertuples()
    text = interval(one)
    assert text == (f'<span class="interval" {data}>0.40 [0.30, 0.50], n = 3</span>' if data else text)
    assert ("<span" in text) == (data is not None)


def test_a_finding_that_is_no_claim_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "report/tiny"
    folder.mkdir(parents=True)
    content = yaml.safe_load((ROOT / "tests/tiny/study.yaml").read_text())
    (claim, *_) = content["claims"]
    content["findings"] = [f"{claim}x"]
    (folder / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    config = Config.model_validate(yaml.safe_load((ROOT / "config.yaml").read_text()))
    with pytest.raises(HwcoreError, match=rf"study.yaml:\d+: findings\.0: there is no claim '{claim}x'; did you mean"):
        load("tiny", tmp_path / "report", config)


@pytest.mark.parametrize(
    "text", ["<b>&amp;</b>", r"\input{x}", "$x$ 5 % a_b_c *b* `c` ~d~ 2^3^", "# [x](y) ![z](w) @k"]
)
def test_texts_of_a_study_are_shown_letter_by_letter(text: str) -> None:
    html = pypandoc.convert_text(f"before {plain(text)} | after", "html", format="markdown+native_divs")
    assert re.sub(r"<[^>]+>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").split() == [
        "before",
        *text.split(),
        "|",
        "after",
    ]


def test_an_appendix_explains_the_words_of_the_verdicts_that_a_page_has(tmp_path: Path) -> None:
    prose = '{{ experiment("fit") }}\n\n{{ claims() }}\n'
    reason = "The mean by Fisher's z of 5 replicates is 0.9. With Holm's correction this verdict would not stand."
    text = page(tmp_path, [row("a", "holds", "it falls", reason=reason)], prose)
    appendix = text.partition("## Appendix: how claims were judged {#appendix-judging}\n")[2].partition("\n## ")[0]
    assert "A statement **holds** or **fails**" in appendix
    assert re.findall(r"^- \*\*(.*?)\*\*", appendix, re.MULTILINE) == ["Holm’s correction", "Mean by Fisher’s z"]
    assert "**right**" not in appendix
    counted = page(tmp_path, [row("a", "right", "it has 5")], prose)
    assert "What can be counted" in counted
    assert "**holds**" not in counted.partition("{#appendix-judging}")[2].partition("\n## ")[0]
    assert "{#appendix-judging}" not in page(tmp_path, [row("a", "not judged", "it falls")], prose)
    assert "{#appendix-judging}" not in page(tmp_path, [row("a", "not testable", "it falls")], prose)


def test_all_words_of_the_appendix_are_those_of_reasons() -> None:
    """A term that no rule writes any more would never be explained."""
    written = "".join(path.read_text() for path in (ROOT / "hwcore/claims").rglob("*.py"))
    for term in TERMS:
        assert term in written, term


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("The gap falls", "that the gap falls"),
        ("All networks learn", "that all networks learn"),
        ("Model 2 learns", "that Model 2 learns"),
        ("Model A beats The Other", "that Model A beats The Other"),
        ("A-priori bounds hold", "that A-priori bounds hold"),
    ],
)
def test_a_claim_in_a_sentence_begins_with_a_small_letter(says: str, told: str) -> None:
    (one,) = frame([row("a", "holds", says)]).itertuples()
    assert f"The report says {told} (" in sentence(one, context("yes"), lambda _: "")
