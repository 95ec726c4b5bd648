"""Claims: intervals as SciPy has them, and verdicts that follow from them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from hwcore.claims.judge import COLUMNS, judge
from hwcore.claims.measure import estimate
from hwcore.claims.spec import Claim
from hwcore.errors import HwcoreError


def claim(measure: dict[str, Any], expect: dict[str, Any], **changes: Any) -> Claim:
    return Claim.model_validate(
        {"where": "1", "says": "so", "experiment": "e", "measure": measure, "expect": expect, **changes}
    )


def metrics(values: dict[str, list[list[float]]]) -> pd.DataFrame:
    """For each model a list of replicates, each a list over epochs."""
    rows = [
        {"model": model, "replicate": r, "epoch": epoch, "loss": value}
        for model, replicates in values.items()
        for r, losses in enumerate(replicates)
        for epoch, value in enumerate(losses, start=1)
    ]
    return pd.DataFrame(rows)


def judged(one: Claim, how: str = "yes", **tables: pd.DataFrame) -> Any:
    own = {("e", name): table for name, table in tables.items()}
    found = judge("study", {"c": one}, own, variants={"c": []}, judged=how)
    assert tuple(found.columns) == COLUMNS
    return found.iloc[0]


@pytest.mark.parametrize(
    ("described", "as_run", "verdict", "says"),
    [
        ([1.0, 1.1], [3.0, 3.1], "fails", "; as run it holds: 3.050 [2.415, 3.685], n = 2; one note"),
        ([3.0, 3.1], [1.0, 1.1], "holds", "; as run it fails: 1.050 [0.4147, 1.685], n = 2; one note"),
        ([1.0, 9.0], [3.0, 3.0], "undecided", "; as run it holds: 3; one note"),
        ([3.0, 3.1], [3.1, 3.2], "holds", "lies above 2; one note"),
        ([1.0, 1.1], [1.0, 9.0], "fails", "; as run it is undecided: 5 [−45.82, 55.82], n = 2; one note"),
        ([1.0, 1.1], [3.0], "fails", "; as run it is undecided: 3 (one replicate); one note"),
        ([1.0, 1.1], [np.nan, np.nan], "fails", "lies not above 2; one note"),
    ],
)
def test_a_variant_with_another_verdict_is_told(
    described: list[float], as_run: list[float], verdict: str, says: str
) -> None:
    one = claim({"value": "loss", "model": "m"}, {"above": 2}, note="one note")
    tables = {
        ("e", "metrics"): metrics({"m": [[x] for x in described]}),
        ("e--as-run", "metrics"): metrics({"m": [[x] for x in as_run]}),
    }
    found = judge("study", {"c": one}, tables, variants={"c": ["e--as-run"]}, judged="yes").iloc[0]
    assert found.verdict == verdict
    assert found.reason.endswith(says), found.reason
    assert found.reproduced == pytest.approx(np.mean(described))
    unjudged = judge("study", {"c": one}, tables, variants={"c": ["e--as-run"]}, judged="no").iloc[0]
    assert unjudged.reason == "not judged at this scale; one note"


def test_a_variant_without_the_point_of_a_claim_is_passed_over() -> None:
    one = claim({"value": "loss", "where": {"epoch": 2}}, {"above": 2})
    tables = {("e", "metrics"): metrics({"m": [[1, 1], [1, 1]]}), ("e--corrected", "metrics"): metrics({"m": [[3]]})}
    found = judge("study", {"c": one}, tables, variants={"c": ["e--corrected"]}, judged="yes").iloc[0]
    assert found.reason == "the value is not above 2"


numbers = st.floats(-100, 100).map(lambda x: round(x, 3))


@given(st.lists(numbers, min_size=2, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_mean_has_the_t_interval_of_scipy(values: list[float]) -> None:
    table = metrics({"m": [[0, value] for value in values]})
    found = estimate(claim({"value": "loss", "model": "m"}, {"above": 0}).measure, lambda _: table)
    sem = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=sem) if sem else (values[0],) * 2
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high), abs=1e-9)
    assert found.n == len(values)


@given(st.lists(numbers, min_size=2, max_size=9), st.lists(numbers, min_size=2, max_size=9))
@settings(max_examples=50, deadline=None)
def test_a_difference_has_welchs_interval(first: list[float], second: list[float]) -> None:
    table = metrics({"a": [[x] for x in first], "b": [[x] for x in second]})
    parts = [{"value": "loss", "model": model} for model in "ab"]
    found = estimate(claim({"difference": parts}, {"above": 0}).measure, lambda _: table)
    assert found.value == pytest.approx(np.mean(first) - np.mean(second), abs=1e-9)
    if min(np.std(first), np.std(second)) > 1e-3:
        interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
    elif np.std(first) == np.std(second) == 0:
        assert found.low == found.high == found.value


@given(st.integers(1, 60), st.data())
@settings(max_examples=50, deadline=None)
def test_a_share_has_wilsons_interval(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    table = pd.DataFrame({"replicate": range(n), "there": [i < hits for i in range(n)]})
    found = estimate(claim({"share": "there", "table": "t"}, {"above": 0.5}).measure, lambda _: table)
    # Wilson 1927, written out
    z, p = stats.norm.ppf(0.975), hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.low, found.high) == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-9)


@pytest.mark.parametrize(
    ("at", "expected"), [("last", [3, 6]), ("first", [2, 5]), ("min", [1, 4]), ("max", [3, 6]), ("sum", [6, 15])]
)
def test_which_row_of_a_replicate_counts(at: str, expected: list[float]) -> None:
    table = metrics({"m": [[2, 1, 3], [5, 4, 6]], "other": [[9, 9, 9]]})
    found = estimate(claim({"value": "loss", "model": "m", "at": at}, {"above": 0}).measure, lambda _: table)
    assert found.value == np.mean(expected)


def test_a_threshold_that_is_not_reached_is_no_number() -> None:
    table = metrics({"m": [[3, 2, 1], [3, 3, 3], [1, 1, 1]]})
    row = judged(claim({"reached": "loss", "below": 1.5}, {"below": 5}), metrics=table)
    assert (row.reproduced, row.n) == (2, 2)
    assert "1 of 3 replicates do not get there within 3 epochs" in row.reason
    # two of three are as expected, but the claim is about all
    assert row.verdict == "undecided"
    never = judged(claim({"reached": "loss", "below": 0}, {"below": 3}), metrics=table)
    assert (never.verdict, never.n) == ("fails", 0)
    later = judged(claim({"reached": "loss", "below": 0}, {"below": 5}), metrics=table)
    assert (later.verdict, later.n) == ("not judged", 0)
    all_there = judged(claim({"reached": "loss", "below": 3}, {"below": 5}), metrics=table)
    assert (all_there.verdict, all_there.n) == ("holds", 3)


def test_a_replicate_that_diverged_is_left_out_and_counted() -> None:
    table = metrics({"m": [[1.0], [1.1], [float("nan")], [0.9]]})
    row = judged(claim({"value": "loss"}, {"within": [0, 2]}), metrics=table)
    assert (row.verdict, row.n) == ("holds", 3)
    assert "1 of 4 replicates diverged" in row.reason


def test_which_is_best_by_replicate() -> None:
    table = metrics({"a": [[9, 1], [0, 5]], "b": [[0, 3], [9, 2]]})
    measure = {"best": "loss", "table": "metrics", "is": "a", "at": "max"}
    # the last epoch counts: b is larger in the first replicate, a in the second
    assert judged(claim(measure, {"above": 0.9}), metrics=table).reproduced == 0.5
    either = {**measure, "is": ["a", "b"]}
    assert judged(claim(either, {"above": 0.9}), metrics=table).reproduced == 1


def test_a_rank_correlation_is_of_each_replicate() -> None:
    rows = [{"replicate": r, "x": x, "y": (x if r == 0 else -x) ** 3} for r in range(2) for x in range(5)]
    row = judged(claim({"correlation": ["x", "y"], "table": "t"}, {"above": 0}), t=pd.DataFrame(rows))
    assert row.reproduced == 0
    assert row.n == 2


def test_the_interval_of_a_correlation_ends_where_correlations_do() -> None:
    rows = [{"replicate": r, "x": x, "y": x if (r, x) != (0, 4) else 2.5} for r in range(3) for x in range(5)]
    row = judged(claim({"correlation": ["x", "y"], "table": "t"}, {"above": 0.5}), t=pd.DataFrame(rows))
    assert row.ci_high == 1
    assert row.reproduced < 1


REGIONS = [{"above": 0.0}, {"below": 0.0}, {"within": [-1.0, 1.0]}]


@given(st.lists(numbers, min_size=2, max_size=8), st.sampled_from(REGIONS), st.floats(0.01, 0.9))
@settings(max_examples=80, deadline=None)
def test_more_certainty_never_turns_a_verdict_round(values: list[float], expect: dict[str, Any], shrink: float) -> None:
    centre = np.mean(values)
    narrow = [centre + (value - centre) * shrink for value in values]
    asked = claim({"value": "loss"}, expect)
    wide, tight = (judged(asked, metrics=metrics({"m": [[v] for v in some]})) for some in (values, narrow))
    if wide.verdict != "undecided":
        assert tight.verdict == wide.verdict
    low, high = asked.expect.region()
    assert (wide.verdict == "holds") == (low <= wide.ci_low and wide.ci_high <= high)
    assert (wide.verdict == "fails") == (wide.ci_high < low or high < wide.ci_low)


@pytest.mark.parametrize(("reported", "verdict"), [(751, "holds"), (750, "fails")])
def test_a_count_is_exact(reported: int, verdict: str) -> None:
    models = pd.DataFrame({"model": ["m"], "parameters": [751], "reported_parameters": [reported]})
    row = judged(claim({"parameters": "m"}, {"equal": reported}, reported=reported), models=models)
    assert (row.verdict, row.reproduced, row.ci_low, row.ci_high, row.n) == (verdict, 751, 751, 751, 1)
    assert row.reported == str(reported)


def test_how_a_scale_judges() -> None:
    asked, table = claim({"value": "loss"}, {"above": 0}), metrics({"m": [[1.0], [1.1]]})
    assert judged(asked, "no", metrics=table).verdict == "not judged"
    provisional = judged(asked, "provisional", metrics=table)
    assert (provisional.verdict, "provisional" in provisional.reason) == ("holds", True)
    single = judged(asked, "yes", metrics=metrics({"m": [[1.0]]}))
    assert (single.verdict, "single replicate" in single.reason) == ("undecided", True)


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ({"value": "los"}, "there is no column 'los'; there are model, replicate, epoch, loss"),
        ({"value": "loss", "model": "n"}, "there is no model 'n'; there are m"),
        ({"value": "loss", "where": {"epoch": 7}}, "no row has epoch = 7"),
        ({"best": "loss", "table": "metrics", "is": "n"}, r"no row has model in \['n'\]; there are m"),
    ],
)
def test_a_measure_of_what_is_not_there(measure: dict[str, Any], says: str) -> None:
    with pytest.raises(HwcoreError, match=says):
        judged(claim(measure, {"above": 0}), metrics=metrics({"m": [[1.0], [2.0]]}))


@pytest.mark.parametrize(
    ("measure", "expect"),
    [
        ({"valeu": "loss"}, {"above": 0}),
        ({"value": "loss", "share": "x"}, {"above": 0}),
        ({"reached": "loss"}, {"above": 0}),
        ({"reached": "loss", "above": 1, "below": 2}, {"above": 0}),
        ({"value": "loss"}, {}),
        ({"value": "loss"}, {"above": 0, "below": 1}),
        ({"value": "loss"}, {"within": [2, 1]}),
        ({"difference": [{"value": "loss"}]}, {"above": 0}),
    ],
)
def test_a_claim_that_says_too_little_or_too_much(measure: dict[str, Any], expect: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        claim(measure, expect)
