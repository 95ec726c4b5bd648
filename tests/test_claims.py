"""Claims: what measures read, which verdicts rules reach, and the sentences that say why."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from conftest import ROOT
from hwcore.claims import ledger, student
from hwcore.claims.cuts import Cut, is_untrained
from hwcore.claims.judge import Case, Variant, judge
from hwcore.claims.measures.value import excess_variation
from hwcore.claims.samples import NoSuchDataError, Pair, Sample, median
from hwcore.claims.spec import MEASURES, RULES, Claim, _measure
from hwcore.claims.words import POINTS, about_cut, percent, several
from hwcore.diverged import without_guesses
from hwcore.errors import HwcoreError
from hwcore.figures.means import interval, scale_of

NAN = float("nan")
Replicates = Sequence[float | Sequence[float]]


def claim(measure: dict[str, Any] | None, rule: str | None = None, expect: Any = None, **changes: Any) -> Claim:
    said = {
        "where": "1",
        "says": "so",
        "experiment": "e",
        "measure": measure,
        "rule": rule,
        "expect": expect,
        **changes,
    }
    return Claim.model_validate({key: value for key, value in said.items() if value is not None})


def metrics(column: str = "loss", **models: Replicates) -> pd.DataFrame:
    """For each model its replicates, each a number or a list over epochs."""
    rows = [
        {"model": model, "replicate": replicate, "epoch": epoch, column: value}
        for model, replicates in models.items()
        for replicate, values in enumerate(replicates)
        for epoch, value in enumerate(values if isinstance(values, Sequence) else [values], start=1)
    ]
    return pd.DataFrame(rows)


def judged(one: Claim, judged: str = "yes", variants: Sequence[Variant] = (), **tables: pd.DataFrame) -> Any:
    """The row of a claim; a table is of experiment `e`, or of `e--corrected` if it is called `corrected_…`."""
    named = {
        ("e--corrected" if name.startswith("corrected_") else "e", name.removeprefix("corrected_")): table
        for name, table in tables.items()
    }
    case = Case(one, "as-described", variants, ["m", "a", "b", "c"], "figures/s/e/loss")
    table = judge("study", {"c": case}, named, judged=judged)
    assert tuple(table.columns) == ledger.COLUMNS
    return table.iloc[0]


LAST = {"value": "loss", "model": "m"}
FALLS = {"difference": [{**LAST, "at": "last"}, {**LAST, "at": "first"}]}
A_MINUS_B = {"difference": [{"value": "loss", "model": model} for model in "ab"]}
ALPHAS = pd.DataFrame(
    [
        {"replicate": r, "alpha": a / 4, "accuracy": 0.5 + 0.1 * a + 0.01 * ((7 * r + 3 * a) % 5)}
        for r in range(4)
        for a in range(5)
    ]
)
SKEWED = ALPHAS.assign(accuracy=[5, 6, 5, 7, 6, 4, 6, 5, 7, 8, 5, 4, 6, 9, 8, 3, 5, 4, 6, 9])
SIZES = pd.DataFrame(
    [
        {"model": f"p{i}", "replicate": r, "parameters": 10**i, "accuracy": 0.5 + 0.05 * i + 0.01 * ((r + i) % 3)}
        for i in range(5)
        for r in range(3)
    ]
)


def hits(true: int, of: int) -> pd.DataFrame:
    return pd.DataFrame({"replicate": range(of), "there": [i < true for i in range(of)]})


class Example:
    """A claim on tables, the verdict that is right, and the reason."""

    def __init__(self, verdict: str, reason: str, one: Claim, **tables: pd.DataFrame) -> None:
        self.verdict, self.reason, self.claim, self.tables = verdict, reason, one, tables


CLOSE = metrics(m=[1.0, 1.1, 0.9, 1.05, 0.95])
EXAMPLES = [
    Example(
        "holds",
        "The geometric mean of 5 replicates is 0.997, and its 95 % interval, 0.904 to 1.101, lies below 2.",
        claim(LAST, "threshold", {"below": 2}),
        metrics=CLOSE,
    ),
    Example(
        "fails",
        "The geometric mean of 5 replicates is 0.997, and its 95 % interval, 0.904 to 1.101, lies above 0.5.",
        claim(LAST, "threshold", {"below": 0.5}),
        metrics=CLOSE,
    ),
    Example(
        "undecided",
        "The geometric mean of 5 replicates is 0.997, and its 95 % interval, 0.904 to 1.101, contains 1.05. With "
        "5 replicates, a mean of at least 1.20 or at most 0.92 could be shown with a probability of 80 %; to show "
        "what was measured would take 21.",
        claim(LAST, "threshold", {"below": 1.05}),
        metrics=CLOSE,
    ),
    Example(
        "holds",
        "The mean of 5 replicates is 1.000, and its 95 % interval, 0.902 to 1.098, lies between 0.8 and 1.2.",
        claim(LAST, "threshold", {"within": [0.8, 1.2], "scale": "linear"}),
        metrics=CLOSE,
    ),
    Example(
        "consistent",
        "The reported 1.2 lies in the 95 % prediction interval of a single run, 0.78 to 1.27, from 5 replicates.",
        claim(LAST, "prediction-interval", reported=1.2),
        metrics=CLOSE,
    ),
    Example(
        "inconsistent",
        "The reported 2 lies above the 95 % prediction interval of a single run, 0.78 to 1.27, from 5 replicates.",
        claim(LAST, "prediction-interval", reported=2.0),
        metrics=CLOSE,
    ),
    Example(
        "consistent",
        "The reported mean, 1.05, lies in the 95 % prediction interval of a mean of 10 runs, 0.89 to 1.13, from "
        "5 replicates.",
        claim(LAST, "reported-mean", {"runs": 10}, reported="1.05"),
        metrics=CLOSE,
    ),
    Example(
        "inconsistent",
        "The reported mean, 1.50, lies above the 95 % prediction interval of a mean of 10 runs, 0.90 to 1.12, from "
        "5 replicates.",
        claim(LAST, "reported-mean", {"runs": 10, "sd": 0.15}, reported="1.50"),
        metrics=CLOSE,
    ),
    Example(
        "holds",
        "The ratio of the geometric means of 5 and 5 replicates is 0.512, and its 95 % interval, 0.462 to 0.567, "
        "lies below 1. The former is the larger in 0 % of all 25 pairs of runs (95 % interval 0 % to 52 %).",
        claim(A_MINUS_B, "comparison", {"below": 0}),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[2.0, 2.1, 1.9, 1.95, 1.81]),
    ),
    Example(
        "holds",
        "The difference of the means is 0.14, and its 90 % interval, 0.054 to 0.226, lies within 0.3 either way.",
        claim(A_MINUS_B, "no-difference", {"margin": 0.3}),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[0.8, 0.9, 0.95, 0.85, 0.8]),
    ),
    Example(
        "fails",
        "The difference of the means is −0.95, and its 95 % interval, −1.09 to −0.81, lies outside 0.3 either way.",
        claim(A_MINUS_B, "no-difference", {"margin": 0.3}),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[2.0, 2.1, 1.9, 1.95, 1.81]),
    ),
    Example(
        "holds",
        "A has the lowest geometric mean, with a clear lead over b and c; the ratio of a to c is 0.500 (95 % "
        "interval 0.445 to 0.561). A comes out lowest in 100 % of all 125 combinations of replicates.",
        claim({"best": "loss", "is": "a", "at": "min"}, "best"),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[2.0, 2.1, 2.4, 2.6, 2.5], c=[2, 2.2, 1.9, 2.1, 1.8]),
    ),
    Example(
        "fails",
        "A has the lowest geometric mean, with a clear lead over b; the ratio of b to a is 2.31 (95 % interval "
        "2.00 to 2.68). B comes out lowest in 0 % of all 125 combinations of replicates.",
        claim({"best": "loss", "is": "b", "at": "min"}, "best"),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[2.0, 2.1, 2.4, 2.6, 2.5], c=[2, 2.2, 1.9, 2.1, 1.8]),
    ),
    Example(
        "undecided",
        "α 1 has the highest mean, but no clear lead over each of the 4 others",
        claim({"best": "accuracy", "table": "i", "by": "alpha", "is": 1.0}, "best"),
        i=ALPHAS.assign(accuracy=[0.5, 0.6, 0.5, 0.4, 0.6, 0.4, 0.5, 0.7, 0.3, 0.8] * 2),
    ),
    Example(
        "holds",
        "Each is above the next, and the closest two are apart: the ratio of b to c is 1.16 (95 % interval 1.02 to "
        "1.31). The order is as stated in 88 % of all 125 combinations of replicates.",
        claim({"order": "loss", "of": ["b", "c", "a"]}, "order"),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[2.0, 2.3, 2.4, 2.6, 2.4], c=[2, 2.2, 1.9, 2.1, 1.9]),
    ),
    Example(
        "holds",
        "Over all pairs of different models (15 networks of 5 models), Kendall's τ is 1.00, and its 95 % interval, ",
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "trend", {"above": 0}),
        sizes=SIZES,
    ),
    Example(
        "fails",
        "Over 15 networks, the rank correlation τ is 1.00, and its 95 % interval, 0.69 to 1.00, lies abov",
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "relation", {"below": 0}),
        sizes=SIZES,
    ),
    Example(
        "holds",
        "Over 5 points in each of 4 replicates, the mean rank correlation is 1.00 (95 % interval 0.61 to 1.00): the "
        "numbers are rising.",
        claim({"along": ["alpha", "accuracy"], "table": "i"}, "trend-within", {"direction": "rising"}),
        i=ALPHAS,
    ),
    Example(
        "holds",
        "The geometric mean of 4 replicates is epoch 2.45, and its 95 % interval, 1.69 to 3.56, lies below 5.",
        claim({"reached": "loss", "below": 1}, "reached-by", {"below": 5}),
        metrics=metrics(m=[[3, 1], [3, 1], [3, 2, 1], [3, 2, 1]]),
    ),
    Example(
        "undecided",
        "1 of 4 replicates does not get there by epoch 3, so it is not shown whether the typical epoch lies below "
        "5. The median is epoch 2.500. Even 4 of 4 would not decide it; 29 replicates with the same shares would.",
        claim({"reached": "loss", "below": 1}, "reached-by", {"below": 5}),
        metrics=metrics(m=[[3, 1], [3, 1], [3, 2, 1], [3, 2, 2]]),
    ),
    Example(
        "fails",
        "8 of 8 replicates do not get there by epoch 2, and in most, 100 %, the epoch does not lie below 2 "
        "(sign test).",
        claim({"reached": "loss", "below": 1}, "reached-by", {"below": 2}),
        metrics=metrics(m=[[3, 2]] * 8),
    ),
    Example(
        "fails",
        "9 of 10 replicates do not get there by epoch 6, and in most, 100 %, the epoch does not lie between 3 and 5 "
        "(sign test).",
        claim({"reached": "loss", "below": 1}, "reached-by", {"within": [3, 5]}),
        metrics=metrics(m=[[3, 0, 0, 0, 0, 0], *[[3, 2, 2, 2, 2, 2]] * 9]),
    ),
    Example(
        "holds",
        "4 of 8 replicates do not get there by epoch 2; a rank test shows that the latter takes longer. The "
        "former takes longer in 0 % of all pairs of runs, with ties counted half.",
        claim({"difference": [{"reached": "loss", "below": 1, "model": m} for m in "ab"]}, "comparison", {"below": 0}),
        metrics=metrics(a=[[3, 1], [3, 1], [3, 1], [1, 1]], b=[[3, 3]] * 4),
    ),
    Example(
        "holds",
        "It is true of 15 of 20 networks, and the 95 % interval of the share, 51 to 91 %, lies above 50 %.",
        claim({"share": "there", "table": "t"}, "share", {"above": 0.5}),
        t=hits(15, 20),
    ),
    Example(
        "undecided",
        "It is true of 15 of 20 networks, and the 95 % interval of the share, 51 to 91 %, contains 90 %. With 20 "
        "networks, a share of at most 71 % could be shown with a probability of 80 %; to show what was measured "
        "would take 41.",
        claim({"share": "there", "table": "t"}, "share", {"above": 0.9}),
        t=hits(15, 20),
    ),
    Example(
        "undecided",
        "It is true of 0 of 20 networks, and the 95 % interval of the share, 0.0 to 16.8 %, contains 0 %.",
        claim({"share": "there", "table": "t"}, "share", {"above": 0}),
        t=hits(0, 20),
    ),
    Example(
        "right",
        "It is 11,173,962, as stated.",
        claim({"parameters": "m"}, "count", {"equal": 11173962}),
        models=pd.DataFrame({"model": ["m"], "parameters": [11173962]}),
    ),
    Example(
        "undecided",
        "1 of 4 replicates diverged or gave no number, too many to judge the others alone.",
        claim(LAST, "count", {"equal": 1}),
        metrics=metrics(m=[1.0, 1.0, 1.0, NAN]),
    ),
    Example(
        "right",
        "It is 751, as stated.",
        claim({"parameters": "m"}, "count", {"equal": 751}),
        models=pd.DataFrame({"model": ["m"], "parameters": [751]}),
    ),
    Example(
        "wrong",
        "It is 751, not 750.",
        claim({"parameters": "m"}, "count", {"equal": 750}),
        models=pd.DataFrame({"model": ["m"], "parameters": [751]}),
    ),
    Example(
        "wrong",
        "It is 3, not 4.",
        claim({"layers": "m", "kinds": ["linear", "leaky_relu"]}, "count", {"equal": 4}),
        models=pd.DataFrame({"model": ["m"], "layers": [{"linear": 2, "leaky_relu": 1, "dropout": 7}]}),
    ),
    Example(
        "right",
        "1 is above 0.",
        claim(
            {"difference": [{"layers": model, "kinds": ["conv", "linear"]} for model in ("a", "b")]},
            "count",
            {"above": 0},
        ),
        models=pd.DataFrame({"model": ["a", "b"], "layers": [{"conv": 2, "linear": 1}, {"linear": 2}]}),
    ),
    Example(
        "right",
        "751 is in the stated range of 700 to 800.",
        claim({"parameters": "m"}, "count", {"within": [700, 800]}),
        models=pd.DataFrame({"model": ["m"], "parameters": [751]}),
    ),
    Example(
        "undecided",
        (
            "The ratio of the geometric means of 5 and 5 replicates is 1.01, and its 95 % interval, 0.90 to 1.13, "
            "contains 1. With 5 replicates, a ratio of at least 1.17 or at most 0.86 could be shown with a "
            "probability of 80 %; to show what was measured would take about 980. The former is the larger in 54 % of "
            "all 25 pairs of runs (95 % interval 8 % to 100 %)."
        ),
        claim(A_MINUS_B, "comparison", {"above": 0}),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[0.95, 1.0, 1.0, 1.1, 0.9]),
    ),
    Example(
        "undecided",
        (
            "The difference of the means is 0.010, and its 90 % interval, −0.080 to 0.100, lies partly within "
            "0.05 either way and partly outside. With 5 replicates, equality up to 0.156 could be shown "
            "with a probability of 80 %; to show what was measured would take 49."
        ),
        claim(A_MINUS_B, "no-difference", {"margin": 0.05}),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[0.95, 1.0, 1.0, 1.1, 0.9]),
    ),
    Example(
        "undecided",
        (
            "Not all are shown to be apart: the ratio of a to b is 1.01 (95 % interval 0.90 to 1.13). The order "
            "is as stated in 44 % of all 25 combinations of replicates. With 5 replicates, a ratio of at least "
            "1.17 or at most 0.86 could be shown with a probability of 80 %; to show what was measured would take "
            "about 980."
        ),
        claim({"order": "loss", "of": ["a", "b"]}, "order"),
        metrics=metrics(a=[1.0, 1.1, 0.9, 1.05, 0.95], b=[0.95, 1.0, 1.0, 1.1, 0.9]),
    ),
    Example(
        "fails",
        (
            "B is below a: the ratio of b to a is 0.50 (95 % interval 0.40 to 0.61). The order is as stated "
            "in 0 % of all 9 combinations of replicates."
        ),
        claim({"order": "loss", "of": ["b", "a"]}, "order"),
        metrics=metrics(a=[2.0, 2.1, 1.9], b=[1.0, 1.1, 0.9]),
    ),
    Example(
        "undecided",
        (
            "Over all pairs of different models (15 networks of 5 models), Kendall's τ is 1.00, and its 95 % "
            "interval, 0.69 to 1.00, contains "
            "0.9. With 3 replicates, a τ of at most 0.63 could be shown with a probability of 80 %; to show what "
            "was measured would take 22."
        ),
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "trend", {"above": 0.9}),
        sizes=SIZES,
    ),
    Example(
        "undecided",
        (
            "Over 15 networks, the rank correlation τ is 0.040, and its 95 % interval, −0.41 to 0.48, contains 0. "
            "With 3 replicates, a τ of at least 0.71 or at most −0.71 could be shown with a probability of 80 %; "
            "to show what was measured would take about 940."
        ),
        claim({"relation": ["replicate", "accuracy"], "table": "sizes"}, "relation", {"above": 0}),
        sizes=SIZES,
    ),
    Example(
        "undecided",
        (
            "Over 5 points in each of 4 replicates, the mean rank correlation is 0.050 (95 % interval −0.40 to "
            "0.48): no clear trend. With 4 replicates, a correlation of at least 0.70 or at most −0.70 could be "
            "shown with a probability of 80 %; to show what was measured would take about 780."
        ),
        claim({"along": ["alpha", "accuracy"], "table": "i"}, "trend-within", {"direction": "falling"}),
        i=ALPHAS.assign(accuracy=[0.5, 0.6, 0.5, 0.4, 0.6] * 4),
    ),
    Example(
        "fails",
        (
            "Over 5 points in each of 4 replicates, the mean rank correlation is 1.00 (95 % interval 0.61 to 1.00): "
            "the numbers are rising."
        ),
        claim({"along": ["alpha", "accuracy"], "table": "i"}, "trend-within", {"direction": "falling"}),
        i=ALPHAS,
    ),
    Example(
        "undecided",
        (
            "The mean by Fisher's z of 4 replicates is 0.83, and its 95 % interval, 0.51 to 0.95, lies "
            "above 0, but the replicates are too skewed to rely on it (Hall's test)."
        ),
        claim({"correlation": ["alpha", "accuracy"], "table": "i"}, "threshold", {"above": 0}),
        i=ALPHAS.assign(
            accuracy=[
                0.5,
                0.6,
                0.5,
                0.7,
                0.6,
                0.4,
                0.6,
                0.5,
                0.7,
                0.8,
                0.5,
                0.4,
                0.6,
                0.9,
                0.8,
                0.3,
                0.5,
                0.4,
                0.6,
                0.9,
            ]
        ),
    ),
    Example("not testable", "The report names no data.", claim(None, not_testable="the report names no data")),
]
# What cannot be judged, and must not be.
UNDECIDED = [
    Example(
        "undecided",
        "A single replicate says nothing about the spread between replicates.",
        claim(LAST, rule, expect, reported=1.0),
        metrics=metrics(m=[1.0]),
    )
    for rule, expect in (("threshold", {"above": 0}), ("prediction-interval", {}), ("reported-mean", {"runs": 3}))
]
UNDECIDED += [
    Example(
        "undecided",
        "All replicates give the same number, so their spread is unknown.",
        claim(LAST, rule, expect, reported=1.0),
        metrics=metrics(m=[2.0, 2.0, 2.0]),
    )
    for rule, expect in (("threshold", {"above": 0}), ("prediction-interval", {}), ("reported-mean", {"runs": 3}))
]
UNDECIDED += [
    Example(
        "undecided",
        "1 of 4 replicates diverged or gave no number, too many to judge the others alone.",
        one,
        metrics=metrics(a=[1.0, 1.1, NAN, 0.9], b=[9.0, 9.1, 9.2, 9.3], c=[8.0, 8.1, 8.2, 8.3]),
    )
    for one in (
        claim({"value": "loss", "model": "a"}, "threshold", {"below": 5}),
        claim({"value": "loss", "model": "a"}, "prediction-interval", reported=5.0),
        claim(A_MINUS_B, "comparison", {"below": 0}),
        claim(A_MINUS_B, "no-difference", {"margin": 1.0}),
        claim({"best": "loss", "is": "a", "at": "min"}, "best"),
        claim({"order": "loss", "of": ["b", "c", "a"]}, "order"),
    )
]
UNDECIDED += [
    Example(
        "undecided",
        f"Each of the {count} gives one and the same number in all of its replicates, so their spread is unknown.",
        one,
        metrics=metrics(a=[1.0] * 3, b=[2.0] * 3, c=[3.0] * 3),
    )
    for count, one in (
        ("two", claim(A_MINUS_B, "comparison", {"below": 0})),
        ("two", claim(A_MINUS_B, "no-difference", {"margin": 1.5})),
        ("3", claim({"best": "loss", "is": "a", "at": "min"}, "best")),
        ("3", claim({"order": "loss", "of": ["c", "b", "a"]}, "order")),
    )
]
UNDECIDED += [
    Example(
        "undecided",
        "A single replicate says nothing about the spread between replicates.",
        claim({"along": ["alpha", "accuracy"], "table": "i"}, "trend-within", {"direction": "rising"}),
        i=ALPHAS[ALPHAS.replicate == 0],
    ),
    Example(
        "undecided",
        "All points of a replicate give the same number, so nothing rises or falls.",
        claim({"along": ["alpha", "accuracy"], "table": "i"}, "trend-within", {"direction": "rising"}),
        i=ALPHAS.assign(accuracy=0.5),
    ),
    Example(
        "undecided",
        "4 of 15 networks diverged, too many to judge the rest alone.",
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "trend", {"above": 0}),
        sizes=SIZES.assign(accuracy=SIZES.accuracy.mask(SIZES.replicate.eq(1) & SIZES.parameters.gt(1))),
    ),
    Example(
        "undecided",
        "Two models make no trend; the rule comparison fits them.",
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "trend", {"above": 0}),
        sizes=SIZES[SIZES.parameters < 100],
    ),
    Example(
        "undecided",
        "The replicates of a model differ in the first column; the rule relation fits these.",
        claim({"relation": ["accuracy", "parameters"], "table": "sizes"}, "trend", {"above": 0}),
        sizes=SIZES,
    ),
    Example(
        "undecided",
        "All networks give the same number, so there is nothing to correlate.",
        claim({"relation": ["parameters", "accuracy"], "table": "sizes"}, "relation", {"above": 0}),
        sizes=SIZES.assign(accuracy=0.5),
    ),
    Example(
        "undecided",
        "The number differs between replicates, so it is no count.",
        claim(LAST, "count", {"equal": 1}),
        metrics=metrics(m=[1.0, 2.0]),
    ),
    Example(
        "undecided",
        "1 of 3 replicates does not get there by epoch 2, which says too little of whether a further run could get "
        "there at epoch 1.",
        claim({"reached": "loss", "below": 1}, "prediction-interval", reported=1),
        metrics=metrics(m=[[3, 1], [3, 1], [3, 3]]),
    ),
]


@pytest.mark.parametrize(
    ("times", "high", "needed"),
    [
        # 26 of 50 are too early, which is hardly a majority, and 15 as expected, which is none
        ([*range(100, 126), *range(600, 615), *[2000] * 9], 1000, True),
        # 30 of 50 are not known to be too late or not, and more of them say no more
        ([*range(100, 110), *range(600, 610), *[2000] * 30], 3000, False),
    ],
)
def test_as_many_times_as_are_there_are_not_said_to_be_enough(times: list[int], high: int, needed: bool) -> None:
    rows = [
        {"model": "m", "replicate": replicate, "epoch": epoch, "loss": float(epoch < time)}
        for replicate, time in enumerate(times)
        for epoch in (50, *range(100, 126), *range(600, 615), 1000)
    ]
    measure = {"reached": "loss", "model": "m", "below": 0.5}
    row = judged(claim(measure, "reached-by", {"within": [500, high]}), metrics=pd.DataFrame(rows))
    assert row.verdict == "undecided"
    assert pd.notna(row.needed) == needed
    assert not needed or row.needed > 1000
    assert "33 of 50 on one side would decide it" in row.reason


@pytest.mark.parametrize("example", EXAMPLES + UNDECIDED, ids=lambda each: f"{each.claim.rule}-{each.verdict}")
def test_a_verdict_and_its_reason(example: Example) -> None:
    row = judged(example.claim, **example.tables)
    assert (row.verdict, row.reason[: len(example.reason)]) == (example.verdict, example.reason)
    assert row.verdict == "not testable" or row.rule == example.claim.rule


@pytest.mark.parametrize("example", EXAMPLES + UNDECIDED, ids=lambda each: f"{each.claim.rule}-{each.verdict}")
def test_a_reason_is_made_of_sentences(example: Example) -> None:
    corrected = {f"corrected_{name}": table for name, table in example.tables.items()}
    variants = [Variant("e--corrected", "corrected", ["training labels random"])]
    for how in ("yes", "provisional", "no"):
        row = judged(example.claim, how, variants, **example.tables, **corrected)
        reason = f"{row.reason} {row.diagnosis}".strip()
        if how == "no" and row.verdict != "not testable":
            assert reason == ""
            continue
        assert re.fullmatch(r"[A-Z0-9a-cα][^;]*(;[^;]*)?\.", reason), reason
        # a full stop ends a sentence, and a sentence begins with a capital letter, a number or the name of a model
        assert not re.search(r"\.\.|  | [.,;:]|nan|inf\b|–|None", reason.replace("infeasible", "")), reason
        assert all(re.match(r"[A-Z0-9abcα]", part) for part in re.split(r"(?<=[a-z)%])\. ", reason)), reason


@pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each.claim.rule and each.verdict != "undecided"],
    ids=lambda each: f"{each.claim.rule}-{each.verdict}",
)
def test_the_region_of_a_claim_is_in_the_unit_of_what_was_measured(example: Example) -> None:
    row = judged(example.claim, **example.tables)
    if np.isnan(row.reproduced):
        return
    low, high = (
        np.nan_to_num(end, nan=side) for end, side in ((row.expected_low, -np.inf), (row.expected_high, np.inf))
    )
    assert np.isfinite([low, high]).any()
    assert (low <= row.reproduced <= high) == (row.verdict in ("holds", "right")) or row.kind == "reported value"
    if row.kind == "reported value":
        assert low <= float(row.reported) <= high


def test_every_verdict_and_every_rule_occurs() -> None:
    assert {each.claim.rule for each in EXAMPLES if each.claim.rule} == {*RULES}
    assert {each.verdict for each in EXAMPLES} | {"not judged"} == {*ledger.VERDICTS}
    kinds = {type(measure) for each in EXAMPLES for measure in each.claim.measures()}
    assert {name for name, kind in MEASURES.items() if kind not in kinds} == set()


def test_how_a_scale_judges() -> None:
    one = claim(LAST, "threshold", {"above": 0.1}, note="a note")
    row = judged(one, "no", metrics=CLOSE)
    assert (row.verdict, row.reason) == ("not judged", "A note.")
    assert row.reproduced == pytest.approx(0.9975, abs=1e-4)
    assert np.isnan(row.p)
    provisional = judged(one, "provisional", metrics=CLOSE)
    assert (provisional.verdict, provisional.reason.endswith(" A note. Provisional.")) == ("holds", True)
    # a scale whose caps leave out what a claim names measures the others
    large = claim({"value": "loss", "model": "m", "where": {"epoch": 1000}}, "threshold", {"above": 0.1})
    row = judged(large, "no", metrics=CLOSE)
    assert (row.verdict, row.n) == ("not judged", 0)
    assert np.isnan(row.reproduced)
    with pytest.raises(HwcoreError, match="training ends before epoch 1000"):
        judged(large, "provisional", metrics=CLOSE)
    short = Case(large, "as-described", cut=Cut("7 epochs instead of 2,000"))
    row = judge("s", {"c": short}, {("e", "metrics"): CLOSE}, judged="provisional").iloc[0]
    assert (row.verdict, row.metric) == ("undecided", "loss of m at epoch 1,000")
    nothing = "After 7 epochs instead of 2,000 there is nothing to measure: training ends before epoch 1000."
    assert row.reason == f"{nothing} Provisional."
    untestable = claim(None, not_testable="it is a matter of taste")
    assert judged(untestable, "no").verdict == "not testable"


def test_no_interval_of_fractions_or_correlations_goes_beyond_their_bounds() -> None:
    """A replicate at the very end has no log odds and no z, so that all are judged as they are."""
    sure = metrics(m=[1.0, 1.0, 0.6]).rename(columns={"loss": "accuracy"})
    row = judged(claim({"value": "accuracy", "model": "m"}, "threshold", {"above": 0.5}), metrics=sure)
    assert "Judged on the plain scale, because a replicate does not lie between 0 and 1." in row.reason
    assert (0 < row.ci_low < row.reproduced, row.ci_high) == (True, 1)
    of = {"table": "metrics", "model": "m"}
    falling = metrics(m=[[3, 2, 1], [3, 2, 1], [2, 3, 1]])
    row = judged(claim({**of, "correlation": ["epoch", "loss"]}, "threshold", {"below": 0}), metrics=falling)
    assert (row.ci_low, row.ci_high < 1) == (-1, True)


# Measures


def read(measure: dict[str, Any], table: pd.DataFrame) -> Any:
    kind = next(name for name in MEASURES if name in measure)
    return MEASURES[kind].model_validate(measure).read(lambda _, name: table)


@pytest.mark.parametrize(
    ("at", "expected"), [("last", [3, 6]), ("first", [2, 5]), ("min", [1, 4]), ("max", [3, 6]), ("sum", [6, 15])]
)
def test_which_row_of_a_replicate_counts(at: str, expected: list[float]) -> None:
    table = metrics(m=[[2, 1, 3], [5, 4, 6]], other=[[9, 9, 9]])
    assert list(read({**LAST, "at": at}, table).values) == expected


@pytest.mark.parametrize("at", ["last", "min", "mean", "sum"])
def test_a_replicate_that_diverged_has_no_number(at: str) -> None:
    found = read({**LAST, "at": at}, metrics(m=[[2, 1, NAN], [2, 1, 1]]))
    assert list(found.values.isna()) == [True, False]
    # a first row without a number, that of a moving average, is no divergence
    found = read({**LAST, "at": at}, metrics(m=[[NAN, 1, 2], [2, 1, 1]]))
    assert not found.values.isna().any()


def test_one_diverged_replicate_of_many_is_left_out_and_counted() -> None:
    row = judged(claim(LAST, "threshold", {"below": 2}), metrics=metrics(m=[1.0, 1.1, 0.9, 1.2] * 3 + [NAN]))
    assert (row.verdict, row.n) == ("holds", 12)
    assert "1 of 13 replicates diverged or gave no number and is left out." in row.reason


@pytest.mark.parametrize(
    ("measure", "rule", "unit", "says"),
    [
        ({"value": "test_accuracy", "model": "a"}, "threshold", "%", "lies above 80 %."),
        ({"value": "accuracy_gap", "model": "a"}, "threshold", "points", "lies above 80 points."),
        ({"value": "ratio", "model": "a"}, "threshold", "", "lies above 0.8."),
        (
            {"difference": [{"value": "test_accuracy", "model": "a"}, {"value": "test_accuracy", "model": "b"}]},
            "comparison",
            "points",
            "lies above 80 points.",
        ),
    ],
)
def test_numbers_are_written_in_the_unit_of_their_column(
    measure: dict[str, Any], rule: str, unit: str, says: str
) -> None:
    table = pd.DataFrame(
        [
            {"model": model, "replicate": replicate, "epoch": 1, **dict.fromkeys(columns, value + replicate / 1000)}
            for model, value in (("a", 0.95), ("b", 0.05))
            for replicate in range(8)
            for columns in [("test_accuracy", "accuracy_gap", "ratio")]
        ]
    )
    # those of the same replicate would differ by the same amount
    table.loc[table.model == "b", "test_accuracy"] += [0.001, 0, 0.002, 0, 0.001, 0.003, 0, 0.001]
    row = judged(claim(measure, rule, {"above": 0.8}), metrics=table)
    assert (row.verdict, row.unit) == ("holds", unit)
    assert says in row.reason


def test_what_is_reported_may_be_another_quantity_than_what_is_judged() -> None:
    """A minimal ratio of 0.01 is no per cent because the share of networks that have it is one."""
    ratio = claim({"share": "there", "table": "t"}, "share", {"above": 0.9}, reported="0.01")
    row = judged(ratio, t=pd.DataFrame({"model": "m", "replicate": range(40), "there": True}))
    assert (row.reported, row.unit) == ("0.01", "%")
    table = metrics("accuracy", m=[0.7, 0.71, 0.72, 0.73])
    accuracy = claim({"value": "accuracy", "model": "m"}, "threshold", {"above": 0.6}, reported="0.970")
    assert judged(accuracy, metrics=table).reported == "97.0 %"


def test_what_is_not_reached_is_later_than_the_last_epoch() -> None:
    found = read({"reached": "loss", "below": 1.5}, metrics(m=[[3, 2, 1], [3, 3, 3], [1, 1, 1]]))
    assert list(found.values) == [3, float("inf"), 1]
    assert (found.count, list(found.last)) == ("epoch", [3, 3, 3])


def test_a_rank_correlation_is_of_each_replicate() -> None:
    rows = [{"replicate": r, "x": x, "y": (x if r == 0 else -x) ** 3} for r in range(2) for x in range(5)]
    rows += [{"replicate": 2, "x": x, "y": 1} for x in range(5)]
    found = read({"correlation": ["x", "y"], "table": "t"}, pd.DataFrame(rows))
    assert list(found.values[:2]) == pytest.approx([1, -1])
    assert np.isnan(found.values[2])
    assert found.scale == "fisher"


def test_correlations_close_to_one_are_shown_to_be_high() -> None:
    rows = [{"replicate": r, "x": x, "y": x + (1.5 if x < r else 0.0)} for r in range(5) for x in range(9)]
    row = judged(claim({"correlation": ["x", "y"], "table": "t"}, "threshold", {"above": 0.5}), t=pd.DataFrame(rows))
    assert row.verdict == "holds"
    assert row.ci_high < 1


@pytest.mark.parametrize(
    ("other", "paired"),
    [
        ({"value": "accuracy", "model": "m"}, True),
        ({"value": "loss", "model": "m", "experiment": "e--corrected"}, True),
        ({"value": "loss", "model": "n"}, False),
        ({"value": "loss", "model": "m", "experiment": "f"}, False),
    ],
)
def test_replicates_that_share_their_seeds_are_paired(other: dict[str, Any], paired: bool) -> None:
    one = claim({"difference": [LAST, other]}, "comparison", {"above": 0})
    assert one.measure is not None
    table = pd.concat([metrics(m=[1.0, 2.0], n=[1.0, 2.0])]).assign(accuracy=0.5)
    found = one.measure.read(lambda _, name: table)
    assert isinstance(found, Pair)
    assert found.paired == paired


def test_pairs_show_what_the_spread_between_replicates_hides() -> None:
    table = metrics(m=[1.0, 2.0, 3.0, 4.0]).assign(other=[1.11, 2.09, 3.1, 4.12])
    measure = {"difference": [{"value": "other", "model": "m"}, {"value": "loss", "model": "m"}]}
    row = judged(claim(measure, "comparison", {"above": 0, "scale": "linear"}), metrics=table)
    assert (row.verdict, row.effect) == ("holds", 1)
    assert "4 pairs of runs with the same seeds" in row.reason


def test_a_claim_over_two_experiments() -> None:
    """Function 1 is learned quicker than function 2."""
    reached = {"reached": "loss", "below": 1, "model": "m"}
    one = claim({"difference": [reached, {**reached, "experiment": "f"}]}, "comparison", {"below": 0})
    assert one.reads() == {("e", "metrics"), ("f", "metrics")}
    tables = {
        ("e", "metrics"): metrics(m=[[3, 1], [3, 2, 1], [3, 1], [1]]),
        ("f", "metrics"): metrics(m=[[3] * 9 + [1], [3] * 12 + [1], [3] * 8 + [1], [3] * 10 + [1]]),
    }
    row = judge("s", {"c": Case(one, "as-described")}, tables, judged="yes").iloc[0]
    assert row.verdict == "holds"
    assert row.metric.endswith("over first epoch of m in f with a loss of at most 1")


@pytest.mark.parametrize(
    ("measure", "rule", "says"),
    [
        (
            {"value": "los", "model": "m"},
            "threshold",
            "there is no column 'los'; did you mean `loss`? (known: epoch, loss, model, replicate)",
        ),
        ({"value": "loss", "model": "n"}, "threshold", "there is no model 'n'; there are m"),
        ({"value": "loss", "where": {"epoch": 7}}, "threshold", "training ends before epoch 7"),
        ({"best": "loss", "is": "n"}, "best", "no row has model = 'n'; there are m"),
        ({"best": "loss", "is": "m"}, "best", "`is` names every model that there is"),
        ({"order": "loss", "of": ["m", "n"]}, "order", "no row has model = 'n'; there are m"),
        ({"share": "loss", "table": "metrics"}, "share", "has several rows of a network"),
        (
            {"best": "loss", "table": "metrics", "is": "m", "where": {"epoch": 7}},
            "best",
            "training ends before epoch 7",
        ),
        (
            {"along": ["epoch", "loss"], "table": "metrics"},
            "trend-within",
            "epoch has 2 points there; a trend needs three",
        ),
    ],
)
def test_a_measure_of_what_is_not_there(measure: dict[str, Any], rule: str, says: str) -> None:
    expect = {"best": {}, "order": {}, "trend-within": {"direction": "rising"}}.get(rule, {"above": 0})
    one = claim(measure, rule, expect)
    with pytest.raises(
        HwcoreError, match=re.escape("report/study/study.yaml: claims.c.measure: ") + ".*" + re.escape(says)
    ):
        judged(one, metrics=metrics(m=[[1.0, 2.0], [2.0, 3.0]]))


def test_rows_that_are_no_epochs_are_not_passed_over() -> None:
    pairs = pd.concat([ALPHAS.assign(pair="a–b"), ALPHAS.assign(pair="b–c", accuracy=0.1)])
    measure = {"best": "accuracy", "table": "i", "by": "alpha", "is": 1.0}
    with pytest.raises(HwcoreError, match="a network has several rows with one alpha; choose one with `where`"):
        judged(claim(measure, "best"), i=pairs)
    row = judged(claim({**measure, "where": {"pair": "a–b"}}, "best"), i=pairs)
    assert (
        row.metric
        == "value of α with the highest accuracy at pair a–b: accuracy at pair a–b of α 1 minus that of α 0.5"
    )
    assert row.reason == judged(claim(measure, "best"), i=ALPHAS).reason


def test_the_combinations_of_replicates_count_and_not_their_numbers() -> None:
    """Replicate 1 of one model has nothing to do with replicate 1 of another."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.5, 1, 8).tolist(), rng.normal(0, 1, 8).tolist()
    one = claim({"best": "x", "is": "a"}, "best")
    rows = [judged(one, metrics=metrics("x", a=first, b=second)) for first, second in ((a, b), (a, b[::-1]))]
    pd.testing.assert_series_equal(rows[0], rows[1])
    assert rows[0].effect == np.mean([x > y for x in a for y in b])


@given(
    st.lists(st.floats(0.1, 100).map(lambda x: round(x, 3)), min_size=2, max_size=8),
    st.floats(0.2, 80),
    st.sampled_from(["above", "below"]),
)
@settings(max_examples=60, deadline=None)
def test_a_claim_and_its_contrary_have_opposite_verdicts(values: list[float], bound: float, side: str) -> None:
    table = metrics(m=values)
    contrary = {"above": "below", "below": "above"}[side]
    one, other = (judged(claim(LAST, "threshold", {end: bound}), metrics=table) for end in (side, contrary))
    assert other.verdict == {"holds": "fails", "fails": "holds", "undecided": "undecided"}[one.verdict]
    assert one.verdict == "undecided" or (one.ci_high < bound) != (one.ci_low > bound)


@given(st.permutations(range(6)), st.sampled_from([each for each in EXAMPLES if "metrics" in each.tables]))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_changes_no_verdict(order: Sequence[int], example: Example) -> None:
    table = example.tables["metrics"]
    # replicates in another order, epochs as they are
    shuffled = pd.concat([table[table["replicate"] % 6 == place] for place in order], ignore_index=True)
    row, other = judged(example.claim, metrics=table), judged(example.claim, metrics=shuffled)
    assert other.verdict == row.verdict
    assert other.p == pytest.approx(row.p, nan_ok=True)


# Variants


@pytest.mark.parametrize(
    ("described", "corrected", "verdict", "says"),
    [
        ([1.0, 1.1], [3.0, 3.1], "fails", "Corrected, with labels random, it holds: 3.05 [2.48, 3.76], n = 2."),
        ([3.0, 3.1], [1.0, 1.1], "holds", "Corrected, with labels random, it fails: 1.05 [0.57, 1.92], n = 2."),
        ([1.0, 1.1], [1.0, 9.0], "fails", "Corrected, with labels random, it is undecided: 3.0 ["),
        (
            [1.0, 1.1],
            [3.0],
            "fails",
            "Corrected, with labels random and 1 instead of 2 replicates, it is undecided: 3 (one replicate).",
        ),
        (
            [1.0, 1.1],
            [NAN, NAN],
            "fails",
            "Corrected, with labels random, it is undecided: no number in any replicate.",
        ),
        ([3.0, 3.1], [3.1, 3.2], "holds", None),
    ],
)
def test_a_variant_with_another_verdict_is_told(
    described: list[float], corrected: list[float], verdict: str, says: str | None
) -> None:
    one = claim(LAST, "threshold", {"above": 2})
    variants = [Variant("e--corrected", "corrected", ["labels random"])]
    tables = {"metrics": metrics(m=described), "corrected_metrics": metrics(m=corrected)}
    row = judged(one, "yes", variants, **tables)
    assert row.verdict == verdict
    assert ("Corrected" in row.diagnosis) == (says is not None)
    assert says is None or says in row.diagnosis, row.diagnosis
    assert "Corrected" not in judged(one, "no", variants, **tables).diagnosis


def test_a_variant_with_more_models_is_compared_by_those_of_the_experiment() -> None:
    one = claim({"best": "loss", "is": "a", "at": "min"}, "best")
    described = metrics(a=[1.0, 1.1, 0.9], b=[2.0, 2.1, 1.9])
    # a model that the experiment as described has not is better than all
    more = metrics(a=[2.0, 2.1, 1.9], b=[1.0, 1.1, 0.9], large=[0.1, 0.11, 0.09])
    variants = [Variant("e--corrected", "corrected", [])]
    row = judged(one, "yes", variants, metrics=described, corrected_metrics=more)
    assert "Corrected it fails: 2.01 [" in row.diagnosis


def test_a_variant_without_the_point_of_a_claim_is_passed_over() -> None:
    one = claim({**LAST, "where": {"epoch": 2}}, "threshold", {"above": 0.1})
    variants = [Variant("e--corrected", "corrected", [])]
    row = judged(one, "yes", variants, metrics=metrics(m=[[1, 1], [1, 1.1]]), corrected_metrics=metrics(m=[3]))
    assert (row.verdict, "Corrected" in row.diagnosis) == ("holds", False)


@pytest.mark.parametrize(
    ("one", "verdict", "end"),
    [
        (
            claim(LAST, "prediction-interval", reported=2.0),
            "undecided",
            "from 5 replicates. After 1 epoch instead of 8, this says nothing against it. Provisional.",
        ),
        (claim(LAST, "prediction-interval", reported=1.2), "consistent", "Provisional, after 1 epoch instead of 8."),
        (claim(LAST, "threshold", {"above": 2}), "fails", "Provisional, after 1 epoch instead of 8."),
        # that something is reached earlier than reported is so however long the training goes on
        (
            claim({"reached": "loss", "model": "m", "below": 10}, "prediction-interval", reported=7.0),
            "inconsistent",
            "Provisional, after 1 epoch instead of 8.",
        ),
    ],
)
def test_a_training_that_a_scale_shortens_shows_no_reported_number_to_be_wrong(
    one: Claim, verdict: str, end: str
) -> None:
    table = CLOSE
    if one.measure is not None and one.measure.shape == "times":
        table = metrics(m=[[20, 20, 1], [20, 1, 1], [20, 20, 1], [20, 1, 1], [20, 20, 1], [20, 20, 1]])
    case = Case(one, "as-described", cut=Cut("1 epoch instead of 8"))
    row = judge("s", {"c": case}, {("e", "metrics"): table}, judged="provisional").iloc[0]
    assert (row.verdict, row.reason[-len(end) :]) == (verdict, end)


ON_FEWER = Cut("1 epoch on 400 of 1,000 images instead of 8 on all", fewer_images=True)
FEWER = "decides nothing, because images are left out"
UNEVEN = Cut("1 to 8 epochs instead of 8", uneven=True)
REACHED = {"reached": "loss", "model": "m", "below": 10}


@pytest.mark.parametrize(
    ("one", "cut", "verdict", "why"),
    [
        (
            claim(LAST, "threshold", {"below": 2}),
            ON_FEWER,
            "undecided",
            FEWER,
        ),
        (
            claim(FALLS, "comparison", {"below": 0}),
            ON_FEWER,
            "undecided",
            FEWER,
        ),
        (
            claim(LAST, "prediction-interval", reported=1.0),
            ON_FEWER,
            "undecided",
            FEWER,
        ),
        (
            claim(REACHED, "prediction-interval", reported=7.0),
            ON_FEWER,
            "undecided",
            FEWER,
        ),
        (
            claim(A_MINUS_B, "comparison", {"above": 0}),
            UNEVEN,
            "undecided",
            "training of some networks is cut",
        ),
        (claim(REACHED, "prediction-interval", reported=7.0), UNEVEN, "inconsistent", ""),
        (claim(LAST, "threshold", {"below": 2}), Cut("1 epoch instead of 8"), "holds", ""),
    ],
)
def test_what_fewer_images_and_uneven_cuts_do_not_show(one: Claim, cut: Cut, verdict: str, why: str) -> None:
    rows = [[20, 20, 1], [20, 1, 1], [20, 20, 1], [20, 1, 1.1], [20, 20, 1], [20, 20, 0.9]]
    table = metrics(m=rows, a=[[9, 9, 9 + i / 9] for i in range(6)], b=rows)
    whole = judge("s", {"c": Case(one, "as-described")}, {("e", "metrics"): table}, judged="provisional").iloc[0]
    assert whole.verdict not in ("undecided", "not judged")
    row = judge("s", {"c": Case(one, "as-described", cut=cut)}, {("e", "metrics"): table}, judged="provisional").iloc[0]
    assert row.verdict == verdict
    assert (why in row.reason, f"After {cut.words}, this " in row.reason) == (True, bool(why))


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        # a loss that falls stays below a bound, and what is not below it may come
        ({"below": 2}, "holds"),
        ({"below": 0.5}, "undecided"),
        ({"above": 0.5}, "undecided"),
        ({"above": 2}, "fails"),
        # between two it comes and goes
        ({"within": [0.5, 2]}, "undecided"),
        ({"within": [0.1, 0.2]}, "undecided"),
    ],
)
def test_a_share_of_trainings_that_are_cut(bounds: dict[str, Any], verdict: str) -> None:
    table = pd.DataFrame({"model": "m", "replicate": range(12), "train_loss": [1 + r / 100 for r in range(12)]})
    one = claim({"share": "train_loss", "table": "evaluation", **bounds}, "share", {"above": 0.5})
    case = Case(one, "as-described", cut=Cut("1 epoch instead of 8"))
    row = judge("s", {"c": case}, {("e", "evaluation"): table}, judged="provisional").iloc[0]
    assert row.verdict == verdict
    assert ("decides nothing, because longer training could change it" in row.reason) == (verdict == "undecided")


@pytest.mark.parametrize(("share", "verdict"), [(0.4, "undecided"), (0.6, "consistent")])
def test_a_number_after_less_than_half_of_a_training_does_not_confirm_that_of_the_whole(
    share: float, verdict: str
) -> None:
    case = Case(
        claim(LAST, "prediction-interval", reported=1.0), "as-described", cut=Cut("2 epochs instead of 5", share)
    )
    row = judge("s", {"c": case}, {("e", "metrics"): CLOSE}, judged="provisional").iloc[0]
    assert row.verdict == verdict
    words = "After 2 epochs instead of 5, this says nothing for it, because less than half of the training was run."
    assert (words in row.reason) == (verdict == "undecided")
    assert about_cut(row.reason) == (words if verdict == "undecided" else "")


@pytest.mark.parametrize("where", [{"at": "first"}, {"where": {"epoch": 0}}])
def test_a_number_of_the_first_epoch_is_the_same_however_short_the_training(where: dict[str, Any]) -> None:
    one = claim({**LAST, **where}, "prediction-interval", reported=1.0)
    case = Case(one, "as-described", cut=Cut("2 epochs instead of 5", 0.4))
    row = judge("s", {"c": case}, {("e", "metrics"): CLOSE.assign(epoch=0)}, judged="provisional").iloc[0]
    assert row.verdict == "consistent"


@pytest.mark.parametrize("bound", [2, 1.05])
def test_what_images_are_taken_from_is_not_tested(bound: float) -> None:
    """So that it counts neither among the tests that may err by chance nor in the correction for their number."""
    cases = {"c": Case(claim(LAST, "threshold", {"below": bound}), "as-described", cut=ON_FEWER)}
    table = judge("s", cases, {("e", "metrics"): CLOSE}, judged="provisional")
    assert (table.verdict[0], ledger.expected_false(table)) == ("undecided", (0, 0))
    assert pd.isna(table.needed[0])


@pytest.mark.parametrize(
    ("times", "last", "words", "value"),
    [
        ([1, 2, 3], [9, 9, 9], "is epoch 2", 2),
        ([1, 2, np.inf], [9, 9, 9], "is epoch 2", 2),
        ([1, np.inf, np.inf], [9, 9, 20], "is later than epoch 9", NAN),
        # between 2 and what is not known
        ([1, 2, np.inf, np.inf], [9, 9, 9, 9], "is not known", NAN),
        # the one that ended might have been there at 30, before 50
        ([10, 50, np.inf], [99, 99, 20], "is not known", NAN),
    ],
)
def test_the_median_of_times_of_which_some_are_not_known(
    times: list[float], last: list[float], words: str, value: float
) -> None:
    found = median(np.array(times), np.array(last), "epoch")
    assert found == (pytest.approx(value, nan_ok=True), words)


def test_numbers_of_events_are_not_shown_to_be_below_zero() -> None:
    table = pd.DataFrame({"replicate": range(6), "model": "m", "spike": [0, 0, 2, 56, 1, 9]})
    measure = {"value": "spike", "table": "t", "at": "sum"}
    row = judged(claim(measure, "threshold", {"below": 3}), t=table)
    assert re.search(r"With 6 replicates, a mean of at least \d+ could be shown", row.reason)
    assert "at most" not in row.reason


@pytest.mark.parametrize(("lost", "told"), [(0, False), (1, False), (15, True)])
def test_a_variant_of_fewer_replicates_says_so_and_one_that_lost_some_does_not(lost: int, told: bool) -> None:
    one = claim(LAST, "threshold", {"above": 1})
    spread = [0.98, 1.02] * 10
    other = spread[: 20 - lost] if told else [*spread[: 20 - lost], *[NAN] * lost]
    tables = {"metrics": metrics(m=[x + 1 for x in spread]), "corrected_metrics": metrics(m=other)}
    row = judged(one, "yes", [Variant("e--corrected", "corrected", ["labels random"])], **tables)
    assert row.verdict == "holds"
    assert "Corrected, with labels random" in row.diagnosis
    assert (f"and {20 - lost} instead of 20 replicates" in row.diagnosis) == told


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"whole": True}, ""),
        ({}, " Provisional."),
        ({"cut": Cut("1 epoch instead of 8")}, " Provisional, after 1 epoch instead of 8."),
        ({"whole": True, "cut": Cut("1 epoch instead of 8")}, " Provisional, after 1 epoch instead of 8."),
        ({"samples": 10_000}, " Provisional, measured on 10,000 training samples."),
    ],
)
def test_what_a_scale_leaves_whole_is_not_provisional(case: dict[str, Any], words: str) -> None:
    one = Case(claim(LAST, "threshold", {"below": 2}), "as-described", **case)
    row = judge("s", {"c": one}, {("e", "metrics"): CLOSE}, judged="provisional").iloc[0]
    assert row.reason == f"{EXAMPLES[0].reason}{words}"


def test_an_interval_of_almost_all_accuracies_confirms_none() -> None:
    one = claim({"value": "accuracy"}, "prediction-interval", reported=0.98)
    row = judged(one, metrics=metrics("accuracy", m=[0.2, 0.35]))
    assert row.verdict == "undecided"
    assert row.reason.startswith("Almost any number lies in the 95 % prediction interval of a single run, ")
    assert row.reason.endswith(" from 2 replicates, which is too wide to compare with.")
    assert judged(one, metrics=metrics("accuracy", m=[0.97, 0.975])).verdict == "consistent"


def test_numbers_of_events_have_no_interval_below_zero() -> None:
    """They are compared by log(1 + x): of the mean and deviation there, by SciPy."""
    counts = [0, 0, 2, 56, 1, 9]
    table = pd.DataFrame({"replicate": range(6), "model": "m", "spike": counts})
    one = claim({"value": "spike", "table": "t", "at": "sum"}, "prediction-interval", reported=3)
    row = judged(one, t=table)
    logs = np.log1p(counts)
    low, high = stats.t.interval(0.95, 5, logs.mean(), logs.std(ddof=1) * np.sqrt(1 + 1 / 6))
    assert low < 0
    assert (row.ci_low, row.ci_high) == (0, pytest.approx(np.expm1(high)))


def test_each_measure_and_variant_is_cut_by_itself() -> None:
    """What another measure or variant reads decides nothing about the claim's own."""
    table = metrics(m=[[1, 1], [1, 1.1], [1, 0.9]], other=[[9, 9], [9, 9.1], [9, 8.9]])
    other = {"the other": {**LAST, "model": "other"}}
    one = claim(LAST, "threshold", {"below": 2}, otherwise=other)
    variants = [Variant("e--corrected", "corrected", [], ON_FEWER)]
    case = Case(one, "as-described", variants=variants, models=["m"], otherwise={"the other": ON_FEWER})
    tables = {("e", "metrics"): table, ("e--corrected", "metrics"): metrics(m=[[9, 9], [9, 9.1], [9, 8.9]])}
    row = judge("s", {"c": case}, tables, judged="provisional").iloc[0]
    assert row.verdict == "holds"
    undecided = f"it is undecided after {ON_FEWER.words}: 9.0"
    assert f"With the other instead, {undecided}" in row.diagnosis
    assert f"Corrected {undecided}" in row.diagnosis


def test_a_trend_along_too_few_epochs_is_undecided_at_a_scale_with_caps() -> None:
    one = claim(
        {"along": ["epoch", "loss"], "table": "metrics", "model": "m"}, "trend-within", {"direction": "falling"}
    )
    case = Case(one, "as-described", cut=Cut("2 epochs instead of 8"))
    row = judge("s", {"c": case}, {("e", "metrics"): metrics(m=[[2, 1], [2, 1], [2, 1]])}, judged="provisional").iloc[0]
    assert row.verdict == "undecided"
    assert "After 2 epochs instead of 8 there is nothing to measure: epoch has 2 points there" in row.reason


def test_what_no_network_has_been_cut_of_is_judged_as_ever() -> None:
    count = claim({"parameters": "m"}, "count", {"equal": 10})
    case = Case(count, "as-described", cut=Cut("1 epoch instead of 8", fewer_images=True, uneven=True))
    models = pd.DataFrame([{"model": "m", "label": "M", "parameters": 10}])
    row = judge("s", {"c": case}, {("e", "models"): models}, judged="provisional").iloc[0]
    assert row.verdict == "right"


def test_another_measure_of_the_same_is_told_if_it_changes_the_verdict() -> None:
    table = metrics(m=[1.0, 1.1, 0.9]).assign(last_batch_loss=[3.0, 3.1, 2.9])
    other = {"the last batch's loss": {"value": "last_batch_loss", "model": "m"}}
    one = claim(LAST, "prediction-interval", reported=3.0, otherwise=other)
    row = judged(one, metrics=table)
    assert row.verdict == "inconsistent"
    assert (
        "With the last batch's loss instead, it is consistent: 3.00 [2.54, 3.54 for a further run], n = 3."
        in row.diagnosis
    )
    same = claim(LAST, "prediction-interval", reported=1.0, otherwise={"the loss": LAST})
    assert "instead" not in judged(same, metrics=table).diagnosis
    with pytest.raises(HwcoreError, match=r"claims.c.otherwise.the last batch's loss: there is no column 'last_batch"):
        judged(one, metrics=metrics(m=[1.0, 1.1, 0.9]))


# The ledger


def ledger_of(claims: Mapping[str, Claim], judged: str = "yes", **tables: pd.DataFrame) -> pd.DataFrame:
    cases = {id: Case(one, "as-described", figure="figures/s/e/loss") for id, one in claims.items()}
    return judge("s", cases, {("e", name): table for name, table in tables.items()}, judged=judged)


def test_the_ledger_is_json_that_its_schema_describes() -> None:
    described = json.loads((ROOT / "docs/claims.schema.json").read_text())
    assert described == ledger.schema(), "python -m hwcore.claims.ledger > docs/claims.schema.json"
    tables = [judged(each.claim, **each.tables) for each in EXAMPLES + UNDECIDED]
    table = ledger.frame([row.to_dict() for row in tables])
    values = json.loads(json.dumps(ledger.records(table), allow_nan=False))
    jsonschema.Draft202012Validator(described).validate(values)
    assert [value["verdict"] for value in values] == [row.verdict for row in tables]
    assert all("description" in field for field in described["items"]["properties"].values())
    undecided = next(value for value in values if value["needed"])
    assert (undecided["verdict"], undecided["needed"]) == ("undecided", 21)


def test_a_ledger_without_claims_has_its_types() -> None:
    empty = judge("s", {}, {}, judged="yes")
    full = ledger_of({"c": EXAMPLES[0].claim}, metrics=CLOSE)
    assert dict(empty.dtypes) == dict(full.dtypes)


def test_verdicts_that_many_claims_explain_are_marked() -> None:
    weak = claim(LAST, "threshold", {"below": 1.105})
    alone = ledger_of({"c": weak}, metrics=CLOSE)
    assert 0.01 < alone.p[0] == alone.p_holm[0] < 0.05
    others = {f"c{i}": claim(LAST, "threshold", {"below": 1.0}) for i in range(9)}
    count = claim({"parameters": "m"}, "count", {"equal": 751})
    models = pd.DataFrame({"model": ["m"], "parameters": [751]})
    many = ledger_of({"c": weak, "n": count, **others}, metrics=CLOSE, models=models)
    assert (many.verdict[0], many.p[0]) == ("holds", alone.p[0])
    # counts do not enter
    assert many.p_holm[0] == pytest.approx(10 * alone.p[0])
    adjusted = f"(p = {alone.p[0]:.2g} becomes {many.p_holm[0]:.2g})"
    says = f" With Holm's correction for all claims of the study {adjusted} this verdict would not stand."
    assert many.reason[0].endswith(says)
    assert np.isnan(many.p_holm[1])
    # a test that leaves a claim undecided could have erred too, a count could not
    assert set(many.verdict[2:]) == {"undecided"}
    assert ledger.expected_false(many) == (pytest.approx(0.5), 10)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.001, "less than 1 %"),
        (1 / 200, "less than 1 %"),
        (0.5, "50 %"),
        (199 / 200, "more than 99 %"),
        (0.999, "more than 99 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_never_said_to_be_all_or_none_if_it_is_not(share: float, words: str) -> None:
    assert percent(share) == words


def test_one_point_is_no_points() -> None:
    assert [POINTS.stated(value) for value in (0.01, -0.01, 0.02)] == ["1 point", "−1 point", "2 points"]


# What a claim may say


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"measure": {"valeu": "loss"}}, "must have exactly one of"),
        ({"measure": {"value": "loss", "share": "x"}}, "must have exactly one of"),
        ({"measure": {"reached": "loss"}, "rule": "reached-by"}, "either `below` or `above`"),
        ({"measure": {"reached": "loss", "above": 1, "below": 2}, "rule": "reached-by"}, "either `below` or `above`"),
        ({"measure": {"difference": [LAST]}}, "a list of two measures"),
        ({"measure": {"difference": [LAST, {"parameters": "m"}]}}, "both measures must give a number per replicate"),
        ({"measure": {"difference": [LAST, {"best": "loss", "is": "m"}]}}, "both measures must give a number"),
        (
            {"rule": None},
            "rule: is missing; count, prediction-interval, reported-mean and threshold would fit a measure",
        ),
        (
            {"rule": None, "measure": {"best": "loss", "is": "m"}},
            "rule: is missing; best would fit a measure of a best",
        ),
        ({"measure": {"best": "loss", "is": "m"}, "rule": "best"}, "expect: above is nothing that the rule best takes"),
        ({"rule": "treshold"}, "unknown rule 'treshold'; did you mean `threshold`?"),
        (
            {"rule": "share"},
            "rule: share does not fit a measure of a number per replicate, which count, prediction-int",
        ),
        ({"rule": "comparison"}, "does not fit a measure of a number per replicate"),
        (
            {"measure": A_MINUS_B},
            "threshold does not fit a measure of two samples, which comparison and no-difference would",
        ),
        ({"measure": A_MINUS_B, "rule": "no-difference", "expect": None}, "margin is missing; the rule no-difference"),
        ({"measure": A_MINUS_B, "rule": "no-difference", "expect": {"margin": 0}}, "greater than 0"),
        ({"measure": A_MINUS_B, "rule": "comparison", "expect": {"above": 0, "scale": "log"}}, "`above: 1` is larger"),
        ({"expect": {}}, "exactly one of above, below, within"),
        ({"expect": {"above": 0, "below": 1}}, "exactly one of above, below, within"),
        ({"expect": {"within": [2, 1]}}, "the first number must be the smaller"),
        ({"expect": {"abvoe": 1}}, "abvoe is nothing that the rule threshold takes; did you mean `above`?"),
        ({"rule": "count", "expect": {}}, "exactly one of equal, within"),
        ({"rule": "prediction-interval", "expect": None}, "reported: None is no number"),
        ({"rule": "prediction-interval", "expect": None, "reported": "0.95 to 0.96"}, "'0.95 to 0.96' is no number"),
        ({"rule": "reported-mean", "expect": {"runs": 1}, "reported": 1}, "greater than or equal to 2"),
        ({"measure": {"share": "x", "table": "t"}, "rule": "share", "expect": {"above": 50}}, "between 0 and 1"),
        (
            {"measure": {"relation": ["x", "y"], "table": "t"}, "rule": "trend", "expect": {"above": 1}},
            "it must lie between -1 and 1",
        ),
        ({"measure": 3}, "measure: 3 is not a mapping"),
        ({"measure": {"difference": [LAST, 3]}}, "measure: 3 is not a mapping"),
        ({"expect": 3}, "expect: 3 is not a mapping"),
        ({"rule": ["threshold"]}, "unknown rule ['threshold']"),
        ({"otherwise": [1]}, "otherwise: [1] is not a mapping"),
        ({"otherwise": {"the sum": 1}}, "measure: 1 is not a mapping"),
        ({"otherwise": {"the time": {"reached": "loss", "below": 1}}}, "threshold does not fit a measure of times"),
        ({"not_testable": "why"}, "not_testable: stands instead of a measure, and here is one; leave out either"),
        ({"reported": "0,0021"}, "reported: '0,0021' has a decimal comma; write 0.0021"),
        ({"reported": "12,5"}, "has a decimal comma; write 12.5"),
        ({"measure": None, "rule": None, "expect": None}, "either a measure and a rule, or not_testable"),
    ],
)
def test_a_claim_that_says_too_little_or_too_much(changes: dict[str, Any], says: str) -> None:
    said = {"measure": LAST, "rule": "threshold", "expect": {"above": 0}, **changes}
    with pytest.raises(ValidationError, match=re.escape(says)):
        claim(said.pop("measure"), said.pop("rule"), said.pop("expect"), **said)


@pytest.mark.parametrize(
    ("reported", "number", "unit"),
    [
        (0.9878, 0.9878, 0.0001),
        ("0.0880", 0.088, 0.0001),
        (250, 250, 1),
        (250.0, 250, 1),
        ("1,500", 1500, 1),
        (3e-5, 3e-5, 1e-5),
    ],
)
def test_the_rounding_of_a_reported_number(reported: Any, number: float, unit: float) -> None:
    one = claim(LAST, "prediction-interval", reported=reported)
    assert one.reported_number() == (number, pytest.approx(unit))


def test_replicates_that_all_give_the_reported_number_are_consistent_with_it() -> None:
    one = claim({"reached": "loss", "below": 1}, "prediction-interval", {"rounding": 3}, reported=3)
    row = judged(one, metrics=metrics(m=[[2.0, 0.5], [2.0, 0.5], [2.0, 0.5]]))
    assert (row.verdict, row.reproduced) == ("consistent", 2)
    assert row.reason == "All 3 replicates give 2, which is the reported 3 up to its rounding."
    far = claim({"reached": "loss", "below": 1}, "prediction-interval", {"rounding": 1}, reported=3)
    assert judged(far, metrics=metrics(m=[[2.0, 0.5], [2.0, 0.5], [2.0, 0.5]])).verdict == "undecided"


def test_a_reported_number_may_be_rounded_more_than_it_shows() -> None:
    for rounding, verdict in ((None, "inconsistent"), (1.0, "consistent")):
        one = claim(LAST, "prediction-interval", {"rounding": rounding}, reported="1.50")
        row = judged(one, metrics=CLOSE)
        assert row.verdict == verdict
    assert "lies up to its rounding in the 95 % prediction interval" in row.reason


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.claim.rule}-{each.verdict}")
def test_a_claim_survives_the_plan(example: Example) -> None:
    """The plan holds claims as JSON, with every default."""
    dumped = json.loads(json.dumps(example.claim.model_dump(mode="json")))
    again = Claim.model_validate(dumped)
    assert again == example.claim
    assert judged(again, **example.tables).to_dict()["reason"] == judged(example.claim, **example.tables).reason


@pytest.mark.parametrize(
    ("rule", "expect", "models", "least"),
    [
        ("threshold", {"above": 0}, 1, 2),
        ("count", {"equal": 1}, 1, 1),
        # three of three do not show more than half; six of six do
        ("share", {"above": 0.5}, 1, 6),
        ("share", {"above": 0.5}, 3, 2),
        # no network of four hits refutes nine in ten; 36 of 36 would show it
        ("share", {"above": 0.9}, 1, 2),
        ("share", {"within": [0.2, 0.9]}, 1, 17),
        ("share", {"above": 0}, 1, 1),
        ("trend", {"above": 0}, 1, -1),
        ("trend", {"above": 0}, 2, -1),
        ("trend", {"above": 0}, 10, 2),
        # of four networks in perfect order one in twelve is so by chance
        ("relation", {"above": 0}, 2, 3),
        ("relation", {"above": 0}, 3, 2),
        ("trend", {"above": 0.9}, 3, 2),
    ],
)
def test_the_replicates_without_which_nothing_is_decided(
    rule: str, expect: dict[str, Any], models: int, least: int
) -> None:
    options = RULES[rule].model_validate(expect)
    assert options.least(models) == least


def decisive(table: pd.DataFrame, one: Claim, outcomes: Iterable[Any], column: str) -> bool:
    return any(judged(one, t=table.assign(**{column: outcome})).verdict in ("holds", "fails") for outcome in outcomes)


@pytest.mark.parametrize("bound", [0.3, 0.5, 0.8, 0.9])
def test_with_fewer_replicates_no_outcome_would_decide_a_share(bound: float) -> None:
    one = claim({"share": "there", "table": "t"}, "share", {"above": bound})
    assert one.expect is not None
    least = one.expect.least(1)
    for n in range(1, least + 1):
        outcomes = [[i < k for i in range(n)] for k in range(n + 1)]
        assert decisive(hits(0, n), one, outcomes, "there") == (n == least)


@pytest.mark.parametrize(("models", "bound"), [(3, 0.0), (5, 0.0), (4, 0.5)])
def test_with_fewer_replicates_no_outcome_would_decide_a_trend(models: int, bound: float) -> None:
    one = claim({"relation": ["x", "y"], "table": "t"}, "trend", {"above": bound})
    assert one.expect is not None
    least = one.expect.least(models)
    for n in range(1, least + 1):
        rows = [{"model": f"m{i}", "replicate": r, "x": i, "y": 0.0} for i in range(models) for r in range(n)]
        table = pd.DataFrame(rows)
        rising = table.x + 0.01 * table.replicate
        decided = decisive(table, one, [rising, -rising], "y")
        assert decided == (n >= least) or n < 2


def test_the_scales_of_columns() -> None:
    scales = {
        column: read({"value": column, "model": "m"}, metrics(column, m=[0.5, 0.6])).scale
        for column in (
            "train_loss",
            "loss_gap",
            "test_accuracy",
            "accuracy_gap",
            "grad_norm_smoothed",
            "minimal_ratio",
            "relation",
            "epochs_to_fit",
            "trace",
        )
    }
    assert scales == {
        "train_loss": "log",
        "loss_gap": "linear",
        "test_accuracy": "logit",
        "accuracy_gap": "linear",
        "grad_norm_smoothed": "log",
        "minimal_ratio": "logit",
        "relation": "fisher",
        "epochs_to_fit": "log",
        "trace": "linear",
    }
    assert isinstance(read(LAST, metrics(m=[1.0, 2.0])), Sample)


def test_editors_are_told_what_a_claim_may_say() -> None:
    described = Claim.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    for example in EXAMPLES:
        validator.validate(
            json.loads(json.dumps(example.claim.model_dump(mode="json", exclude_defaults=True, by_alias=True)))
        )
    said = {"where": "1", "says": "so", "experiment": "e", "measure": LAST, "rule": "threshold"}
    for wrong in ({"rule": "treshold"}, {"measure": {"valeu": "x"}}, {"expect": {"abvoe": 1}}, {"reason": "none"}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**said, "expect": {"above": 1}, **wrong})
    assert all("description" in field for field in described["properties"].values())


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ({"value": "train_loss", "model": "a"}, "final training loss of a"),
        ({"value": "grad_norm", "table": "steps", "at": "max"}, "highest gradient norm"),
        (
            {"reached": "train_accuracy", "above": 0.9, "model": "a"},
            "first epoch of a with a training accuracy of at least 90 %",
        ),
        ({"reached": "accuracy", "above": 0.9}, "first epoch with an accuracy of at least 90 %"),
        ({"value": "spike", "table": "t", "at": "sum"}, "number of spikes"),
        ({"value": "step", "table": "t", "at": "max", "where": {"spike": True}}, "highest step with a spike"),
        ({"value": "dimension", "table": "t", "at": "first"}, "number of weights"),
        ({"value": "epoch", "model": "a"}, "number of epochs of a"),
        ({"value": "test_accuracy", "table": "t", "where": {"alpha": -0.5}}, "test accuracy at α = −0.5"),
        ({"value": "jacobian_norm_logits", "table": "t"}, "final norm of the Jacobian of the logits"),
    ],
)
def test_measures_are_said_in_full_words(measure: dict[str, Any], words: str) -> None:
    claim = {"where": "1", "says": "So", "experiment": "e", "measure": measure, "rule": "prediction-interval"}
    found = Claim.model_validate({**claim, "reported": 1}).measure
    assert found is not None
    assert found.describe() == words


# What has been wrong before


@pytest.mark.parametrize(
    ("column", "values", "rule", "expect", "reported", "verdict"),
    [
        ("test_accuracy", [0.97, 0.98, 0.99], "prediction-interval", {}, "1.00", "consistent"),
        ("test_accuracy", [0.97, 0.98, 0.99], "prediction-interval", {}, 1.0, "consistent"),
        ("test_accuracy", [0.97, 0.98, 0.99], "prediction-interval", {"rounding": 0}, 1.0, "inconsistent"),
        ("test_loss", [1e-4, 2e-4, 3e-4], "prediction-interval", {}, "0.000", "consistent"),
        ("test_loss", [0.13, 0.14, 0.15], "threshold", {"above": 0}, None, "holds"),
        ("test_accuracy", [0.97, 0.98, 0.99], "threshold", {"below": 1}, None, "holds"),
    ],
)
def test_a_bound_at_the_end_of_the_domain_gives_a_ledger_without_infinite_numbers(
    column: str, values: list[float], rule: str, expect: dict[str, Any], reported: Any, verdict: str
) -> None:
    one = claim({"value": column, "model": "m"}, rule, expect, reported=reported)
    row = judged(one, metrics=metrics(column, m=values))
    assert row.verdict == verdict
    assert ledger.records(ledger.frame([row.to_dict()]))[0]["verdict"] == verdict
    assert not np.isinf([row.effect, row.reproduced, row.ci_low, row.ci_high]).any()
    # the middle of what is rounded to 1.00, and of what is rounded to 0.000
    effects = {"1.00": 3.06, "0.000": 0.497}
    assert reported not in effects or row.effect == pytest.approx(effects[reported], abs=0.01)


def reaches(table: str, model: str) -> dict[str, Any]:
    return {"reached": "loss", "below": 0.5, "model": model, "table": table, "by": "step"}


def falling(model: str, times: Sequence[float], last: Sequence[int]) -> list[dict[str, Any]]:
    """A loss that falls below a half at these times, in trainings of these lengths."""
    return [
        {"model": model, "replicate": replicate, "step": step, "epoch": step, "loss": float(step < time)}
        for replicate, (time, end) in enumerate(zip(times, last, strict=True))
        for step in range(0, end + 1, 10)
    ]


@pytest.mark.parametrize(
    ("small", "verdict", "says"),
    [
        # that one takes longer than 100 and the other takes 400 does not say which takes longer
        ([500, 600, 700, 500, 400], "undecided", "10 of 10 replicates do not get there by step 100; a rank test does"),
        ([20, 30, 40, 50, 400], "holds", "6 of 10 replicates do not get there by step 100; a rank test shows"),
    ],
)
def test_times_are_compared_as_far_as_both_trainings_go(small: list[float], verdict: str, says: str) -> None:
    rows = falling("a", [np.inf] * 5, [100] * 5) + falling("b", small, [1000] * 5)
    measure = {"difference": [reaches("steps", "a"), reaches("steps", "b")]}
    row = judged(claim(measure, "comparison", {"above": 0}), steps=pd.DataFrame(rows))
    assert row.verdict == verdict
    assert row.reason.startswith(says)


def test_an_undecided_comparison_of_ranks_says_how_many_would_decide_it() -> None:
    rows = falling("a", [20, 30, np.inf, 50], [100] * 4) + falling("b", [20, 90, np.inf, np.inf], [100] * 4)
    measure = {"difference": [reaches("steps", "a"), reaches("steps", "b")]}
    row = judged(claim(measure, "comparison", {"below": 0}), steps=pd.DataFrame(rows))
    assert (row.verdict, row.effect) == ("undecided", 5.5 / 16)
    # (1.96 + 0.84)² / 6 / (1/2 - 5.5/16)², with a correction for ties: two of 20, and three that do not get there
    free = 1 - (2**3 - 2 + 3**3 - 3) / (8**3 - 8)
    assert row.needed == int(np.ceil(2.801585**2 * free / 6 / (0.5 - 5.5 / 16) ** 2))
    assert "4 replicates are too few to show any share reliably; to show what was measured would take 51." in row.reason


def test_a_training_that_stops_early_is_known_to_take_longer_than_its_own_last_epoch() -> None:
    table = pd.DataFrame(falling("m", [np.inf] * 10, [100] + [10] * 9))
    measure = {"reached": "loss", "model": "m", "below": 0.5}
    assert list(read(measure, table).last) == [100] + [10] * 9
    row = judged(claim(measure, "reached-by", {"below": 50}), metrics=table)
    assert (row.verdict, row.p) == ("undecided", 1)
    assert row.reason.startswith("10 of 10 replicates do not get there by their last epoch, 10 to 100, so it is not")
    # none is known to be later than a reported epoch beyond its end
    row = judged(claim(measure, "prediction-interval", reported=50), metrics=table)
    assert (row.verdict, row.reason[:22]) == ("undecided", "10 of 10 replicates do")
    whole = pd.DataFrame(falling("m", [np.inf] * 40, [100] * 40))
    assert judged(claim(measure, "prediction-interval", reported=50), metrics=whole).verdict == "inconsistent"


def test_a_diverged_replicate_has_no_accuracy() -> None:
    """All of its outputs are NaN, which are taken for the first class: right for a tenth of the digits."""
    table = metrics("test_accuracy", m=[0.098, 0.971, 0.972, 0.973])
    table["test_loss"] = [NAN, 0.1, 0.1, 0.1]
    row = judged(claim({"value": "test_accuracy", "model": "m"}, "threshold", {"above": 0.5}), metrics=table)
    assert (row.verdict, row.reason[:26]) == ("undecided", "1 of 4 replicates diverged")
    without = without_guesses(table.assign(train_accuracy=0.5, train_loss=[1, 1, np.inf, 1], accuracy_gap=0.1))
    assert list(without.test_accuracy.isna()) == [True, False, False, False]
    assert list(without.train_accuracy.isna()) == [False, False, True, False]
    assert without.accuracy_gap.notna().all()


@pytest.mark.parametrize("paired", [True, False])
def test_what_is_always_equal_has_no_spread(paired: bool) -> None:
    other = {"value": "loss", "model": "a", "at": "min"} if paired else {"value": "loss", "model": "b"}
    one = claim({"difference": [{"value": "loss", "model": "a"}, other]}, "comparison", {"above": 0})
    row = judged(one, metrics=metrics(a=[3.0, 4.0] if paired else [3.0, 3.0], b=[3.0, 3.0]))
    equal, vary = ("The two are equal", "their difference varies") if paired else ("Both are 3", "they vary")
    assert (row.verdict, row.reproduced, row.reason) == (
        "undecided",
        0,
        f"{equal} in every replicate, so nothing is known of how {vary}.",
    )


@pytest.mark.parametrize(("rule", "expect"), [("comparison", {"above": 0}), ("no-difference", {"margin": 0.03})])
def test_differences_that_are_equal_up_to_rounding_have_no_spread(rule: str, expect: dict[str, Any]) -> None:
    table = metrics("test_accuracy", m=[0.972, 0.961, 0.955]).assign(train_accuracy=[0.952, 0.941, 0.935])
    assert table.eval("test_accuracy - train_accuracy").nunique() > 1
    pair = [{"value": column, "model": "m"} for column in ("test_accuracy", "train_accuracy")]
    row = judged(claim({"difference": pair}, rule, expect), metrics=table)
    assert (row.verdict, row.reason) == (
        "undecided",
        "All pairs of replicates differ by the same amount, so the spread is unknown.",
    )


def test_numbers_that_differ_by_the_same_in_all_replicates_are_not_said_to_be_equal() -> None:
    rows = [{"model": "m", "replicate": r, "alpha": a, "x": r + a} for r in range(4) for a in (0.0, 0.5)]
    row = judged(claim({"best": "x", "is": 0.5, "table": "t", "by": "alpha"}, "best"), t=pd.DataFrame(rows))
    assert row.verdict == "undecided"
    assert row.reason.endswith("The difference is the same in all replicates, so its spread is unknown.")


def test_ranks_with_ties_have_the_correlation_of_pages_statistic() -> None:
    rows = [
        {"model": "m", "replicate": r, "alpha": a, "x": x}
        for r in range(10)
        for a, x in enumerate([1, 1, 1, 1, 0.8 + r / 100])
    ]
    row = judged(
        claim({"along": ["alpha", "x"], "table": "t"}, "trend-within", {"direction": "falling"}), t=pd.DataFrame(rows)
    )
    assert (row.verdict, row.effect) == ("holds", pytest.approx(-0.5))
    flat = pd.DataFrame(rows).assign(x=lambda table: np.where(table.replicate > 0, 1, 5 - table.alpha))
    measure = {"along": ["alpha", "x"], "table": "t"}
    row = judged(claim(measure, "trend-within", {"direction": "rising"}), t=flat)
    assert row.effect == pytest.approx(-0.1)


def test_a_perfect_rank_correlation_is_one_and_a_diverged_replicate_has_none() -> None:
    n = next(n for n in range(3, 99) if abs(pd.Series(range(n)).corr(-pd.Series(range(n)))) < 1)
    rows = [{"replicate": r, "x": x, "y": -x} for r in range(2) for x in range(n)]
    table = pd.DataFrame(rows).astype({"y": float})
    assert list(read({"correlation": ["x", "y"], "table": "t"}, table).values) == [-1, -1]
    table.loc[table.replicate.eq(1) & table.x.gt(1), "y"] = NAN
    found = read({"correlation": ["x", "y"], "table": "t"}, table).values
    assert list(found.isna()) == [False, True]


def test_ranks_are_those_of_complete_rows() -> None:
    table = pd.DataFrame({"replicate": 0, "x": [3, 1, 0, 5, 2, 4], "y": [5, NAN, 3, 4, 1, 2.0]})
    found = read({"correlation": ["x", "y"], "table": "t"}, table).values
    assert found[0] == pytest.approx(table.dropna()[["x", "y"]].corr("spearman").iloc[0, 1])


def test_a_network_of_which_nothing_is_known_is_no_hit() -> None:
    table = pd.DataFrame({"replicate": range(3), "there": [1.0, 0.0, NAN]})
    assert list(read({"share": "there", "table": "t"}, table).values) == [True, False, False]


@pytest.mark.parametrize(
    ("bounds", "hits", "words"),
    [
        ({"above": 0}, [False, False, True, False], "a loss gap above 0"),
        ({"below": 0}, [True, False, False, False], "a loss gap below 0"),
        ({"within": [0, 1]}, [False, True, True, False], "a loss gap between 0 and 1"),
    ],
)
def test_a_share_of_networks_beyond_one_bound(bounds: dict[str, Any], hits: list[bool], words: str) -> None:
    measure = {"share": "loss_gap", "table": "t", **bounds}
    table = pd.DataFrame({"replicate": range(4), "loss_gap": [-1, 0, 1, NAN]})
    assert list(read(measure, table).values) == hits
    assert MEASURES["share"].model_validate(measure).describe() == f"share of networks with {words}"
    with pytest.raises(ValidationError, match="at most one of within, above, below"):
        MEASURES["share"].model_validate({**measure, "within": [0, 1], "above": 0})


@pytest.mark.parametrize(
    ("expect", "verdict", "reason"),
    [
        ({"above": 750}, "right", "751 is above 750."),
        ({"above": 751}, "wrong", "751 is not above 751."),
        ({"below": 751}, "wrong", "751 is not below 751."),
    ],
)
def test_a_count_beyond_a_bound(expect: dict[str, Any], verdict: str, reason: str) -> None:
    models = pd.DataFrame({"model": ["m"], "parameters": [751]})
    row = judged(claim({"parameters": "m"}, "count", expect), models=models)
    assert (row.verdict, row.reason) == (verdict, reason)
    assert np.isnan(row.expected_low) != np.isnan(row.expected_high)


def test_a_count_that_no_replicate_gives() -> None:
    row = judged(claim(LAST, "count", {"equal": 1}), metrics=metrics(m=[NAN, NAN]))
    reason = "2 of 2 replicates diverged or gave no number, too many to judge the others alone."
    assert (row.verdict, row.reason) == ("undecided", reason)


@pytest.mark.parametrize(
    ("measure", "complaint"),
    [
        ({"value": "model"}, "the column 'model' holds no numbers"),
        ({"value": "loss", "table": "sizes"}, "there is no column 'replicate' (known: loss)"),
        ({"correlation": ["epoch", "model"], "table": "metrics"}, "the column 'model' holds no numbers"),
        ({"along": ["epoch", "model"], "table": "metrics"}, "the column 'model' holds no numbers"),
        ({"reached": "model", "below": 1}, "the column 'model' holds no numbers"),
        ({"relation": ["epoch", "model"], "table": "metrics"}, "the column 'model' holds no numbers"),
        ({"share": "model", "table": "metrics"}, "the column 'model' holds no numbers"),
        ({"best": "model", "by": "epoch", "is": 1}, "the column 'model' holds no numbers"),
    ],
)
def test_a_measure_of_what_is_no_number_is_told(measure: dict[str, Any], complaint: str) -> None:
    tables = {"metrics": metrics(m=[1.0, 1.1, 0.9]), "sizes": pd.DataFrame({"loss": [1.0, 2.0]})}
    with pytest.raises(NoSuchDataError, match=re.escape(complaint)):
        _measure(measure, "e").read(lambda _, name: tables[name])


def test_a_table_without_rows_has_no_count() -> None:
    row = judged(claim({"value": "loss"}, "count", {"equal": 1}), metrics=metrics(m=[1.0])[:0])
    assert row.verdict == "undecided"


def test_the_difference_of_two_sizes_is_untrained() -> None:
    sizes = [{"value": "dimension", "model": model} for model in ("a", "b")]
    losses = [{"value": "loss", "model": model} for model in ("a", "b")]
    both = ({"difference": [sizes[0], other]} for other in (sizes[1], losses[1]))
    assert [is_untrained(_measure(each, "e")) for each in both] == [True, False]


def test_a_kind_of_layer_that_is_named_twice_counts_once() -> None:
    models = pd.DataFrame({"model": ["m"], "layers": [{"conv": 2}]})
    row = judged(claim({"layers": "m", "kinds": ["conv", "conv"]}, "count", {"equal": 2}), models=models)
    assert row.verdict == "right"


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("learning rate", "learning rates"),
        ("batch", "batches"),
        ("training samples", "training samples"),
        ("loss", "losses"),
    ],
)
def test_several_of_a_kind_are_in_the_plural(name: str, plural: str) -> None:
    assert several([f"{name} 300", f"{name} 600"]) == [f"{plural} 300", "600"]


@pytest.mark.parametrize(
    ("value", "at", "verdict"),
    [("epoch", "last", "undecided"), ("loss", "first", "wrong"), ("dimension", "last", "wrong")],
)
def test_a_count_of_what_is_trained_shows_no_more_than_its_training(value: str, at: str, verdict: str) -> None:
    table = metrics(m=[1.0, 1.0, 1.0]).assign(dimension=7.0)
    one = claim({"value": value, "at": at}, "count", {"equal": 40})
    case = Case(one, "as-described", cut=Cut("6 epochs instead of 100", 0.06))
    row = judge("s", {"c": case}, {("e", "metrics"): table}, judged="provisional").iloc[0]
    assert row.verdict == verdict
    assert ("After 6 epochs instead of 100, this says nothing against it." in row.reason) == (verdict == "undecided")
    assert ("Provisional" in row.reason) == (value != "dimension")


def test_whole_numbers_name_the_points_of_a_fraction() -> None:
    rows = [{"model": "m", "replicate": r, "alpha": a, "x": a + r**2 / 100} for r in range(3) for a in (0.0, 0.5, 1.0)]
    table = pd.DataFrame(rows)
    found = read({"order": "x", "of": [1, 0.5, 0], "table": "t", "by": "alpha"}, table)
    assert found.best == ("1", "0.5", "0")
    table["alpha"] += 1e-12
    assert read({"best": "x", "is": [0.5, 1], "table": "t", "by": "alpha"}, table).best == ("0.5", "1")


def test_what_a_scale_leaves_out_stops_no_scale_that_judges_none() -> None:
    table = metrics(m=[1.0, 2.0, 3.0]).assign(batch_size=32)
    other = {"value": "loss", "model": "m", "where": {"batch_size": 1000}}
    one = claim(LAST, "threshold", {"above": 0.5}, otherwise={"large batches": other})
    assert judged(one, "no", metrics=table).verdict == "not judged"
    with pytest.raises(HwcoreError, match=r"claims\.c\.otherwise.large batches: no row has batch_size = 1000"):
        judged(one, "provisional", metrics=table)
    # a mistake is found there nevertheless
    wrong = claim(LAST, "threshold", {"above": 0.5}, otherwise={"the sum": {"value": "los", "model": "m"}})
    with pytest.raises(HwcoreError, match="there is no column 'los'"):
        judged(wrong, "no", metrics=table)


def test_the_replicates_that_end_without_a_number_are_those_without_one() -> None:
    """Rows by epoch, in which the replicates are in another order at the end."""
    rows = [(0, 1, 1.0), (1, 1, 2.0), (2, 1, 3.0), (1, 2, 2.0), (0, 2, NAN), (2, 2, 3.0)]
    table = pd.DataFrame(rows, columns=["replicate", "epoch", "loss"])
    assert read({"value": "loss", "at": "min"}, table).values.dropna().to_dict() == {1: 2.0, 2: 3.0}


SKEWED_PAIRS = [0.1, 2.0, 2.2, 1.8, 1.8, 0.1]


def test_a_verdict_that_halls_test_stops_says_so() -> None:
    rows = [
        {"model": "m", "replicate": r, "alpha": a, "x": r + (x if a else 0.0)}
        for r, x in enumerate(SKEWED_PAIRS)
        for a in (0.0, 0.5)
    ]
    pair = [{"value": "x", "table": "t", "model": "m", "where": {"alpha": a}} for a in (0.5, 0.0)]
    skewed = "the replicates are too skewed to rely on it (Hall's test)."
    for one in (
        claim({"best": "x", "is": 0.5, "table": "t", "by": "alpha"}, "best"),
        claim({"order": "x", "of": [0.5, 0], "table": "t", "by": "alpha"}, "order"),
        claim({"difference": pair}, "comparison", {"above": 0}),
    ):
        row = judged(one, t=pd.DataFrame(rows))
        assert (row.verdict, row.ci_low > 0) == ("undecided", True)
        assert skewed in row.reason
        # more replicates are no remedy that could be forecast
        assert pd.isna(row.needed)
        assert "four times in five" not in row.reason


def test_a_best_of_several_that_only_the_correction_stops_says_so() -> None:
    table = metrics("x", a=[1.4, 1.8, 0.8, 1.8], b=[1.0, 0.8, 0.8, 0.7], c=[0.4, 0.8, 0.7, 0.7])
    alone = judged(claim({"best": "x", "is": "a"}, "best"), metrics=table[table.model != "b"])
    assert (alone.verdict, alone.ci_low > 0) == ("holds", True)
    row = judged(claim({"best": "x", "is": ["a", "b"]}, "best"), metrics=table)
    assert (row.verdict, row.ci_low > 0) == ("undecided", True)
    says = (
        "That interval is of one comparison: with the correction for the 2 that are said to be best it shows nothing."
    )
    assert says in row.reason


def difference_of(first: list[float], second: list[float], margin: float) -> Any:
    return judged(claim(A_MINUS_B, "no-difference", {"margin": margin}), metrics=metrics("loss", a=first, b=second))


def test_where_an_interval_lies_that_decides_no_difference() -> None:
    noise = [0.0, 0.3, -0.2, 0.1, -0.3]
    outside = difference_of([2.2 + x for x in noise], [1.0 + x for x in noise], 0.9)
    assert outside.verdict == "undecided"
    assert (
        "and its 95 % interval, 0.85 to 1.55, lies partly within 0.9 either way and partly outside." in outside.reason
    )
    pairs = metrics(m=[0.0] * 6).assign(other=[-0.5, -0.5, -0.4, -0.3, 0.4, 2.0])
    measure = {"difference": [{"value": column, "model": "m"} for column in ("other", "loss")]}
    row = judged(claim(measure, "no-difference", {"margin": 0.95}), metrics=pairs)
    assert row.verdict == "undecided"
    assert "lies within 0.95 either way, but the replicates are too skewed to rely on it (Hall's test)." in row.reason


def test_a_reported_number_keeps_its_digits() -> None:
    table = metrics(m=[0.0881, 0.0879, 0.0884, 0.0876])
    row = judged(claim(LAST, "prediction-interval", reported="0.0880"), metrics=table)
    assert row.reported == "0.0880"
    assert row.reason.startswith("The reported 0.0880 lies in")
    row = judged(claim(LAST, "prediction-interval", reported=1234.567), metrics=table)
    assert row.reported == "1,234.567"
    assert row.reason.startswith("The reported 1,234.567 lies above")


def test_a_reported_mean_that_only_its_rounding_saves_says_so() -> None:
    row = judged(claim(LAST, "reported-mean", {"runs": 5}, reported="0.1"), metrics=metrics(m=[0.1299, 0.13, 0.1301]))
    assert (row.verdict, row.reason[:57]) == ("consistent", "The reported mean, 0.1, lies up to its rounding in the 95")
    equal = judged(claim(LAST, "reported-mean", {"runs": 5}, reported="0.13"), metrics=metrics(m=[0.13] * 3))
    assert (equal.verdict, equal.reproduced) == ("consistent", 0.13)
    assert equal.reason == "All 3 replicates give 0.1300, which is the reported 0.13."


@pytest.mark.parametrize(
    ("times", "reported", "reason"),
    [
        ([10, 10, 10, 10, np.inf], 10, "4 are there by the reported step 10, which is within what the replicates do."),
        ([0, *[20] * 98, np.inf], 5, "the reported step 5 is earlier than in 99 of 100."),
    ],
)
def test_how_many_are_earlier_than_a_reported_time(times: list[float], reported: int, reason: str) -> None:
    table = pd.DataFrame(falling("m", times, [100] * len(times)))
    row = judged(claim(reaches("steps", "m"), "prediction-interval", reported=reported), steps=table)
    assert row.reason.endswith(reason), row.reason


def test_times_that_all_replicates_share_are_said_as_they_are() -> None:
    table = pd.DataFrame(falling("m", [50] * 3, [100] * 3))
    row = judged(claim(reaches("steps", "m"), "prediction-interval", reported=50), steps=table)
    assert (row.reproduced, row.reason) == (50, "All 3 replicates give 50, which is the reported 50.")


def pair(column: str, first: Replicates, second: Replicates) -> pd.DataFrame:
    return metrics(column, a=first, b=second)


ACCURACIES = {"difference": [{"value": "accuracy", "model": model} for model in "ab"]}
RHOS = {"difference": [{"correlation": ["epoch", "loss"], "table": "metrics", "model": model} for model in "ab"]}
# of three epochs: falling, rising, and neither
DOWN, UP, BENT = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [2.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("one", "table", "low", "high"),
    [
        (claim(RHOS, "comparison", {"below": 0}), pair("loss", [DOWN, BENT], [UP, BENT]), -2, 2),
        (claim(RHOS, "no-difference", {"margin": 0.1}), pair("loss", [DOWN, BENT], [UP, BENT]), -2, 2),
        (claim(ACCURACIES, "comparison", {"above": 0}), pair("accuracy", [0.9, 0.1], [0.2, 0.1]), -1, 1),
        (claim({"best": "accuracy", "is": "a"}, "best"), pair("accuracy", [0.9, 0.1], [0.2, 0.1]), -1, 1),
        (claim({"order": "accuracy", "of": ["a", "b"]}, "order"), pair("accuracy", [0.9, 0.1], [0.2, 0.1]), -1, 1),
        (
            claim({"value": "accuracy_gap", "model": "m"}, "threshold", {"above": 0}),
            metrics("accuracy_gap", m=[0.1, 0.9]),
            *(-1, 1),
        ),
        (
            claim({"value": "accuracy", "model": "m"}, "threshold", {"above": 0.5, "scale": "linear"}),
            metrics("accuracy", m=[0.1, 0.9]),
            *(0, 1),
        ),
        (
            claim({"value": "accuracy", "model": "m"}, "reported-mean", {"runs": 3}, reported=0.5),
            metrics("accuracy", m=[0.1, 0.9]),
            *(0, 1),
        ),
        (
            claim({"value": "spike", "at": "mean", "model": "m"}, "threshold", {"above": 0.5}),
            metrics("spike", m=[[0, 0, 0, 1], [0, 0, 0, 0]]),
            *(0, 1),
        ),
    ],
)
def test_no_interval_goes_beyond_what_a_quantity_can_be(
    one: Claim, table: pd.DataFrame, low: float, high: float
) -> None:
    row = judged(one, metrics=table)
    assert low <= row.ci_low < row.reproduced < row.ci_high <= high
    # the bound of a wide interval is that of the quantity
    assert row.ci_low == low or row.ci_high == high
    assert row.verdict in ("undecided", "consistent")
    # what replicates could show is something that there can be
    shown = [float(number.replace("−", "-")) for number in re.findall(r"at (?:least|most) (−?[\d.]+)", row.reason)]
    assert all(low <= number / (100 if row.unit else 1) <= high for number in shown)


def test_equality_that_is_out_of_reach_may_yet_be_refuted() -> None:
    one = claim(A_MINUS_B, "no-difference", {"margin": 0.05})
    table = metrics(a=[1.1, 1.3, 1.0, 1.2, 1.15], b=[1.0, 1.05, 0.95, 1.0, 1.0])
    row = judged(one, metrics=table)
    assert row.verdict == "undecided"
    assert row.reproduced > 0.05
    assert row.needed == student.replicates_needed(row.reproduced - 0.05, np.hypot(0.111803, 0.035355), 5, samples=2)


def test_the_share_of_steps_with_a_spike_is_judged_as_a_fraction() -> None:
    table = metrics("spike", m=[[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]])
    row = judged(claim({"value": "spike", "at": "mean", "model": "m"}, "threshold", {"below": 0.9}), metrics=table)
    assert row.metric == "share of steps with a spike of m"
    assert "mean by log odds" in row.reason
    assert row.ci_low > 0


@pytest.mark.parametrize(
    ("one", "table", "value", "absent"),
    [
        (claim(A_MINUS_B, "comparison", {"below": 0}), pair("loss", [3.0], [1.0]), 2, ""),
        # the lowest loss is that of the last epoch
        (
            claim({"difference": [LAST, {**LAST, "at": "min"}]}, "comparison", {"above": 0.1}),
            metrics(m=[[3.0, 1.0], [4.0, 2.0]]),
            *(0, ""),
        ),
        (claim(A_MINUS_B, "comparison", {"below": 0}), pair("loss", [3.0, 3.0], [1.0, 1.0]), 2, ""),
        (claim(A_MINUS_B, "comparison", {"below": 0}), pair("loss", [3.0, 3.0], [3.0, 3.0]), 0, ""),
        (
            claim(A_MINUS_B, "comparison", {"below": 0}),
            pair("loss", [3.0, 4.0], [NAN] * 2),
            NAN,
            "no number in any replicate",
        ),
        (
            claim(LAST, "threshold", {"below": 2}),
            metrics(m=[1.0, NAN, 2.0, 3.0]),
            *(NAN, "no number in 1 of 4 replicates"),
        ),
        (claim({"best": "loss", "is": "a"}, "best"), pair("loss", [3.0], [1.0]), NAN, "one replicate"),
        (claim({"best": "loss", "is": "a"}, "best"), pair("loss", [3.0] * 2, [1.0] * 2), NAN, "all replicates equal"),
        (
            claim({"relation": ["epoch", "loss"], "table": "metrics"}, "relation", {"above": 0}),
            metrics(m=[1.0, NAN, 2.0]),
            *(NAN, "1 of 3 diverged"),
        ),
    ],
)
def test_what_cannot_be_judged_has_its_number_or_says_why_it_has_none(
    one: Claim, table: pd.DataFrame, value: float, absent: str
) -> None:
    row = judged(one, metrics=table)
    assert row.verdict == "undecided"
    assert row.reproduced == pytest.approx(value, nan_ok=True)
    assert row.absent == absent
    # no interval where nothing varies, and none of a single replicate
    assert (row.ci_low, row.ci_high) == pytest.approx((value, value) if row.n > 1 else (NAN, NAN), nan_ok=True)


@pytest.mark.parametrize(
    ("rule", "expect", "changes"), [("reached-by", {"below": 50}, {}), ("prediction-interval", None, {"reported": 50})]
)
@pytest.mark.parametrize(
    ("times", "value", "absent"),
    [
        ([10, 10, 20, 20, np.inf], 20, ""),
        ([10, 10, np.inf, np.inf, np.inf], NAN, "not reached in 3 of 5"),
        ([np.inf] * 5, NAN, "never reached"),
        ([np.inf], NAN, "never reached"),
    ],
)
def test_times_that_most_replicates_do_not_reach_say_so(
    rule: str, expect: Any, changes: dict[str, Any], times: list[float], value: float, absent: str
) -> None:
    table = pd.DataFrame(falling("m", times, [100] * len(times)))
    row = judged(claim(reaches("steps", "m"), rule, expect, **changes), steps=table)
    assert row.reproduced == pytest.approx(value, nan_ok=True)
    assert row.absent == absent


def test_relations_count_networks() -> None:
    row = judged(claim({"relation": ["parameters", "accuracy"], "table": "i"}, "trend", {"above": 0}), i=SIZES)
    assert row.n == 15


@pytest.mark.parametrize(
    ("by", "of", "words"),
    [
        ("lr", [0.1, 0.01], "learning rates 0.1 and 0.01, from the highest accuracy to the lowest"),
        ("alpha", [0, 0.5, 1], "α 0, 0.5 and 1, from the highest accuracy to the lowest"),
        ("model", ["m-1", "m-2"], "m-1 and m-2, from the highest accuracy to the lowest"),
        ("model", ["CNN 1", "CNN 2"], "CNN 1 and 2, from the highest accuracy to the lowest"),
    ],
)
def test_an_order_is_told_without_signs_that_read_as_those_of_numbers(by: str, of: list[Any], words: str) -> None:
    measure = MEASURES["order"].model_validate({"order": "accuracy", "of": of, "by": by})
    assert measure.describe() == words


@pytest.mark.parametrize(("times", "value"), [([0, 0, 10], 0), ([10, 10, 10], 10)])
def test_what_cannot_be_judged_has_a_number_where_all_replicates_have_it(times: list[float], value: float) -> None:
    table = pd.DataFrame(falling("m", times, [100] * 3))
    row = judged(claim(reaches("steps", "m"), "reached-by", {"below": 50}), steps=table)
    assert (row.verdict, row.n) == ("undecided", 3)
    assert row.reproduced == pytest.approx(value, nan_ok=True)


def test_a_time_of_zero_is_judged_by_its_sign() -> None:
    table = pd.DataFrame(falling("m", [0, 0, 0, 0, 0, 0, 10, np.inf], [100] * 8))
    row = judged(claim(reaches("steps", "m"), "reached-by", {"below": 50}), steps=table)
    assert row.verdict == "undecided"
    assert "8 of 8 on one side would decide it" in row.reason
    table = pd.DataFrame(falling("m", [0, 0, 10], [100] * 3))
    row = judged(claim(reaches("steps", "m"), "reached-by", {"below": 50}), steps=table)
    assert row.reason == "A replicate is there from the start, at step 0, which has no logarithm."


@pytest.mark.parametrize(
    ("column", "values", "expect", "changes", "verdict"),
    [
        # that it is not fitted yet says nothing of a training seven times as long
        ("train_accuracy", [0.2, 0.21, 0.22], {"below": 0.5}, {}, "undecided"),
        ("train_accuracy", [0.2, 0.21, 0.22], {"above": 0.5}, {}, "undecided"),
        ("train_accuracy", [0.2, 0.21, 0.22], {"within": [0.1, 0.5]}, {}, "undecided"),
        ("train_accuracy", [0.7, 0.71, 0.72], {"above": 0.5}, {}, "holds"),
        ("train_accuracy", [0.7, 0.71, 0.72], {"below": 0.5}, {}, "fails"),
        ("train_loss", [1.0, 1.1, 1.2], {"above": 0.5}, {}, "undecided"),
        ("train_loss", [1.0, 1.1, 1.2], {"below": 0.5}, {}, "undecided"),
        ("train_loss", [1.0, 1.1, 1.2], {"below": 2}, {}, "holds"),
        ("train_loss", [1.0, 1.1, 1.2], {"above": 2}, {}, "fails"),
        ("accuracy_gap", [0.02, 0.021, 0.022], {"below": 0.1}, {}, "undecided"),
        ("loss_gap", [0.02, 0.021, 0.022], {"below": 0.1}, {}, "undecided"),
        # a longer training has later epochs
        ("epoch", [10, 11, 12], {"below": 50}, {}, "undecided"),
        ("epoch", [10, 11, 12], {"above": 5}, {}, "holds"),
        ("epoch", [10, 11, 12], {"below": 50}, {"at": "first"}, "holds"),
        # of the first epoch it is known, and of new data nobody knows which way they go
        ("train_loss", [1.0, 1.1, 1.2], {"above": 0.5}, {"at": "first"}, "holds"),
        ("train_loss", [1.0, 1.1, 1.2], {"above": 0.5}, {"where": {"epoch": 1}}, "holds"),
        ("test_loss", [1.0, 1.1, 1.2], {"above": 0.5}, {}, "holds"),
    ],
)
def test_a_training_that_a_scale_shortens_does_not_show_that_nothing_is_fitted(
    column: str, values: list[float], expect: dict[str, Any], changes: dict[str, Any], verdict: str
) -> None:
    one = claim({"value": column, "model": "m", **changes}, "threshold", expect)
    for cut in ("", "20 epochs instead of 140"):
        case = Case(one, "as-described", cut=Cut(cut))
        tables = {("e", "metrics"): metrics(column, m=values)}
        row = judge("s", {"c": case}, tables, judged="provisional").iloc[0]
        assert row.verdict == verdict or (not cut and row.verdict != "undecided")
        why = "this decides nothing, because longer training could change it"
        says = f"After 20 epochs instead of 140, {why}. Provisional."
        assert row.reason.endswith(says) == bool(cut and verdict == "undecided")


# accuracies of one epoch, on training data higher by 0.04, and losses of two epochs
APART = {"train_accuracy": [0.55, 0.551, 0.553], "test_accuracy": [0.51, 0.51, 0.512]}
SMALLER = ("comparison", {"below": 0})
FALLING, RISING = [[1.5, 1.0], [1.5, 1.1], [1.5, 1.05]], [[1.0, 1.5], [1.0, 1.6], [1.0, 1.55]]


@pytest.mark.parametrize(
    ("difference", "table", "rule", "expect", "verdict", "of_whole"),
    [
        # the gap between training and test data grows, and so does the loss on the latter beside what it was
        ("train_accuracy - test_accuracy", APART, "comparison", {"below": 0.1}, "undecided", "holds"),
        ("train_accuracy - test_accuracy", APART, "no-difference", {"margin": 0.1}, "undecided", "holds"),
        ("train_accuracy - test_accuracy", APART, "comparison", {"above": 0.1}, "undecided", "fails"),
        ("train_accuracy - test_accuracy", APART, "comparison", {"above": 0}, "holds", "holds"),
        ("test_accuracy - train_accuracy", APART, "comparison", {"above": -0.1}, "undecided", "holds"),
        ("test_accuracy - train_accuracy", APART, "comparison", {"below": 0}, "holds", "holds"),
        ("test_loss - first test_loss", {"test_loss": FALLING}, "comparison", {"above": 0}, "undecided", "fails"),
        ("test_loss - first test_loss", {"test_loss": FALLING}, "comparison", {"below": 0}, "undecided", "holds"),
        ("test_loss - min test_loss", {"test_loss": RISING}, "comparison", {"below": 1}, "undecided", "holds"),
        ("train_loss - first train_loss", {"train_loss": RISING}, "comparison", {"below": 0}, "undecided", "fails"),
        ("train_loss - first train_loss", {"train_loss": FALLING}, "comparison", {"above": 0}, "fails", "fails"),
        # which way it goes is not known
        ("test_loss - first train_loss", {"test_loss": RISING, "train_loss": RISING}, *SMALLER, "fails", "fails"),
        ("first train_loss - train_loss", {"train_loss": RISING}, "comparison", {"above": 0}, "fails", "fails"),
    ],
)
def test_a_training_that_a_scale_shortens_does_not_show_that_a_difference_stays_small(
    difference: str, table: dict[str, Any], rule: str, expect: dict[str, Any], verdict: str, of_whole: str
) -> None:
    parts = [part.split() for part in difference.split(" - ")]
    measures = [{"value": column, "model": "m", "at": "".join(at) or "last"} for *at, column in parts]
    rows = pd.concat([metrics(column, m=curves) for column, curves in table.items()], axis=1)
    tables = {("e", "metrics"): rows.loc[:, ~rows.columns.duplicated()]}
    for cut, expected in (Cut(), of_whole), (Cut("20 epochs instead of 140"), verdict):
        case = Case(claim({"difference": measures}, rule, expect), "as-described", cut=cut)
        row = judge("s", {"c": case}, tables, judged="provisional").iloc[0]
        assert row.verdict == expected, row.reason


@pytest.mark.parametrize(
    ("expect", "verdict", "low", "high"),
    [
        ({"above": 0.5}, "holds", 0.5, NAN),
        ({"above": 1}, "fails", 1, NAN),
        ({"below": 0.5}, "fails", NAN, 0.5),
        ({"below": 0.9}, "holds", NAN, 0.9),
        ({"within": [0.5, 0.9]}, "holds", 0.5, 0.9),
        ({"within": [0.9, 1.1]}, "fails", 0.9, 1.1),
    ],
)
def test_bounds_of_a_ratio_are_ratios(expect: dict[str, Any], verdict: str, low: float, high: float) -> None:
    table = metrics(a=[0.7, 0.72, 0.71, 0.69], b=[1.0, 1.02, 0.98, 1.01])
    row = judged(claim(A_MINUS_B, "comparison", {**expect, "scale": "log"}), metrics=table)
    assert row.verdict == verdict, row.reason
    assert row.reproduced == pytest.approx(0.703, abs=0.002)
    assert row.reason.startswith("The ratio of the geometric means of 4 and 4 replicates is 0.70")
    assert (row.expected_low, row.expected_high) == pytest.approx((low, high), nan_ok=True)


def test_what_is_not_above_zero_has_no_ratio() -> None:
    one = claim(A_MINUS_B, "comparison", {"above": 0.5, "scale": "log"})
    row = judged(one, metrics=metrics(a=[0.7, 0.0], b=[1.0, 1.1]))
    assert (row.verdict, row.reason) == ("undecided", "A replicate is not above 0, so there is no ratio.")


def test_a_training_that_ends_by_its_own_rule_before_the_cap_is_not_cut() -> None:
    one = claim(LAST, "prediction-interval", reported=1.0)
    table = metrics(m=[[2.0, 1.0], [2.0, 1.1], [2.0, 0.9]])

    def found(length: int, **more: int) -> Any:
        cut = Cut("5 epochs instead of 50", share=0.1, lengths={"e/m": length, **more})
        case = Case(one, "as-described", cut=cut)
        return judge("s", {"c": case}, {("e", "metrics"): table}, judged="provisional").iloc[0]

    assert found(3).verdict == "consistent"
    assert found(3).reason.endswith(" Provisional.")
    assert "5 epochs" not in found(3).reason
    # it went on to the cap, which may have cut it
    assert found(2).verdict == "undecided"
    assert "less than half of the training was run" in found(2).reason
    # one of another experiment, of which nothing is known here
    assert found(3, **{"other/m": 3}).verdict == "undecided"


def test_excess_variation_tells_a_curve_that_goes_back_and_forth_from_one_that_turns_once() -> None:
    curves = [[3.0, 2.0, 1.5, 1.0], [3.0, 1.0, 1.5, 2.0], [1.0, 3.0, 2.5, 2.0], [3.0, 1.0, 2.0, 1.0]]
    measure = {"value": "loss", "model": "m", "at": "excess_variation"}
    assert list(read(measure, metrics(m=curves)).values) == [0, 0, 0, 1]
    with pytest.raises(NoSuchDataError, match="loss has fewer than four points"):
        read(measure, metrics(m=[[3.0, 2.0, 3.0]]))
    one = claim(measure, "threshold", {"above": 0})
    assert judged(one, metrics=metrics(m=curves)).metric == "excess variation of loss of m"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_excess_variation_is_what_is_left_beside_the_best_curve_with_one_turn(curve: list[float]) -> None:
    found, series = excess_variation(pd.Series(curve)), pd.Series(curve)
    variation = np.abs(np.diff(curve)).sum()
    once = max(abs(turn - curve[0]) + abs(curve[-1] - turn) for turn in curve)
    assert found == pytest.approx((variation - once) / 2, abs=1e-6)
    assert found == pytest.approx(excess_variation(-series), abs=1e-6)
    assert found == pytest.approx(excess_variation(series[::-1]), abs=1e-6)
    assert excess_variation(pd.Series([*sorted(curve), *sorted(curve, reverse=True)])) == 0


def test_a_replicate_that_diverged_has_no_number_of_spikes() -> None:
    lost = [True, False, None, None]
    table = metrics("spike", m=[[False, True, False, False], lost]).astype({"spike": "boolean"})
    table = table.rename(columns={"epoch": "step"}).astype({"step": float})
    for measure in (
        {"value": "spike", "at": "sum"},
        {"value": "spike", "at": "mean"},
        {"value": "step", "at": "max", "where": {"spike": True}},
        {"correlation": ["step", "spike"]},
    ):
        values = read({**measure, "table": "t", "model": "m"}, table).values
        assert list(values.notna()) == [True, False], measure


def test_pages_call_models_by_their_labels() -> None:
    table = metrics(a=[1.0, 1.1, 0.9], b=[2.0, 2.1, 1.9])
    labels = ["shallow, 1 hidden layer", "deep, 5 hidden layers"]
    layers = [{"conv": 2, "leaky_relu": 1}, {"linear": 1}]
    models = pd.DataFrame({"model": ["a", "b"], "parameters": [3, 4], "layers": layers, "label": labels})
    one = claim({"best": "loss", "is": "a", "at": "min"}, "best")
    row = judged(one, metrics=table, models=models)
    assert row.metric == "model with the lowest loss: loss of shallow over that of deep"
    assert row.reason.startswith(
        "Shallow has the lowest geometric mean, with a clear lead over deep; the ratio of shal"
    )
    for measure, rule, expect, words in (
        ({"parameters": "a"}, "count", {"equal": 3}, "number of parameters of shallow"),
        (
            {"order": "loss", "of": ["b", "a"]},
            "order",
            {},
            "deep and shallow, from the highest loss to the lowest: loss of deep over that of shallow",
        ),
        (
            {"layers": "a", "kinds": ["conv", "leaky_relu", "max_pool"]},
            "count",
            {"equal": 3},
            "number of convolutional, leaky ReLU and max pool layers of shallow",
        ),
        (A_MINUS_B, "comparison", {"below": 0}, "final loss of shallow over final loss of deep"),
        ({"value": "loss", "model": "b"}, "threshold", {"above": 0.1}, "final loss of deep"),
    ):
        assert judged(claim(measure, rule, expect), metrics=table, models=models).metric.startswith(words)
    # the first words are told only where they tell the models apart
    models["label"] = ["Adam, 0.001", "Adam, 0.01"]
    found = judged(one, metrics=table, models=models)
    assert found.metric == "model with the lowest loss: loss of Adam, 0.001 over that of Adam, 0.01"
    models["label"] = ["the same", "the same"]
    assert judged(one, metrics=table, models=models).metric == "model with the lowest loss: loss of a over that of b"


def test_pages_call_another_experiment_by_its_title() -> None:
    there, here = ({"value": "loss", "model": "a", **other} for other in ({"experiment": "f"}, {}))
    tables = {("e", "metrics"): metrics(a=[1.0, 1.1, 0.9]), ("f", "metrics"): metrics(a=[2.0, 2.1, 1.9])}
    for id, title in (("e", "Two networks"), ("f", "Another task, as run")):
        tables[id, "models"] = pd.DataFrame({"model": ["a"], "label": ["deep, 5 layers"], "title": [title]})
    one = Case(claim({"difference": [there, here]}, "comparison", {"above": 0}), "as-described")
    row = judge("s", {"c": one}, tables, judged="yes").iloc[0]
    words = "final loss of deep in “Another task, as run” over final loss of deep in “Two networks”"
    assert row.metric.startswith(words)


@pytest.mark.parametrize(
    ("column", "values", "low", "high"),
    [
        ("minimal_ratio", [0.9, 1.0, 1.0], 0, 1),
        ("relation", [-0.999, -0.99, -0.7], -1, 1),
        ("grad_norm", [0.1, 0.2, 0.9], 0, np.inf),
    ],
)
def test_intervals_of_figures_stay_where_the_numbers_of_a_column_can_be(
    column: str, values: list[float], low: float, high: float
) -> None:
    mean, least, most = (float(each[0]) for each in interval(np.array([values]), scale_of(column, log=False)))
    assert low < least < mean < most < high
    _, plain_least, plain_most = interval(np.array([values]))
    assert plain_least[0] < low or plain_most[0] > high
    # what is no fraction after all has a plain interval
    assert interval(np.array([[0.5, 1.5]]), "fraction")[1] == interval(np.array([[0.5, 1.5]]))[1]


def test_a_replicate_of_which_no_row_is_chosen_has_no_number() -> None:
    """It is not left out in silence: most trainings here end before the epoch that is asked for."""
    runs = [[1.0, 0.9, 0.8 + r / 100] if r < 4 else [1.0, 0.9] for r in range(10)]
    row = judged(claim({**LAST, "where": {"epoch": 3}}, "threshold", {"below": 2}), metrics=metrics(m=runs))
    assert row.verdict == "undecided"
    assert row.reason.startswith("6 of 10 replicates diverged or gave no number, too many to judge the others alone.")


@pytest.mark.parametrize(("spikes", "lost"), [(0, "3 of 3"), (1, "2 of 3")])
def test_an_event_that_never_happened_is_an_outcome(spikes: int, lost: str) -> None:
    steps = pd.DataFrame(
        [
            {"model": "m", "replicate": r, "step": step, "loss": 1.0, "spike": r < spikes and step == 2}
            for r in range(3)
            for step in (1, 2, 3)
        ]
    )
    measure = {"value": "step", "model": "m", "table": "steps", "where": {"spike": True}, "at": "max"}
    row = judged(claim(measure, "threshold", {"above": 1}), steps=steps)
    assert row.verdict == "undecided"
    assert row.reason.startswith(f"{lost} replicates diverged or gave no number")


def test_four_networks_in_perfect_order_show_no_correlation() -> None:
    """By chance one of twelve orders is the same or its reverse; of five one of sixty."""
    for count, verdict in ((4, "undecided"), (5, "holds")):
        sizes = pd.DataFrame({"model": list("abcde")[:count], "replicate": 0, "x": range(count), "y": range(count)})
        row = judged(claim({"relation": ["x", "y"], "table": "t"}, "relation", {"above": 0}), t=sizes)
        assert row.verdict == verdict
    sizes = sizes[:4]
    row = judged(claim({"relation": ["x", "y"], "table": "t"}, "relation", {"above": 0}), t=sizes)
    assert row.reason == (
        "Over 4 networks, the rank correlation τ is 1.00, and its 95 % interval, 0.039 to 1.00, lies above 0, but "
        "with fewer than five networks no order shows a correlation at 5 %."
    )


@pytest.mark.parametrize(
    ("measure", "rule", "expect", "reported", "key"),
    [
        ({"value": "test_accuracy", "model": "m"}, "reported-mean", {"runs": 5}, "95", "reported: 95"),
        (
            {"difference": [{"value": "test_accuracy", "model": model} for model in "ab"]},
            "no-difference",
            {"margin": 2},
            None,
            "expect: margin: 2",
        ),
        ({"share": "test_accuracy", "table": "t", "above": 95}, "share", {"above": 0.5}, None, "measure: above: 95"),
        ({"reached": "test_accuracy", "model": "m", "above": 95}, "reached-by", {"below": 3}, None, "measure: above"),
    ],
)
def test_per_cent_is_told_wherever_an_accuracy_is_stated(
    measure: dict[str, Any], rule: str, expect: dict[str, Any], reported: str | None, key: str
) -> None:
    with pytest.raises(ValidationError, match=rf"{key}.* is more than all; accuracies are fractions: 0\.\d+"):
        claim(measure, rule, expect, reported=reported)


def test_a_mean_of_accuracies_of_several_runs_can_be_reported() -> None:
    one = claim({"value": "accuracy", "model": "m"}, "reported-mean", {"runs": 5}, reported="0.95")
    assert judged(one, metrics=metrics("accuracy", m=[0.94, 0.95, 0.96])).verdict == "consistent"
    wide = judged(one, metrics=metrics("accuracy", m=[0.3, 0.8]))
    assert wide.verdict == "undecided"
    assert wide.reason.startswith("Almost any number lies in the 95 % prediction interval of a mean of 5 runs, 0 to 10")
    claim({"value": "test_accuracy", "model": "m"}, "reported-mean", {"runs": 5}, reported="0.95")


def test_an_interval_that_is_clear_where_the_test_is_not_says_so() -> None:
    points = pd.DataFrame([{"replicate": r, "x": x, "y": x + r / 10} for r in range(2) for x in range(3)])
    one = claim({"along": ["x", "y"], "table": "t"}, "trend-within", {"direction": "rising"})
    row = judged(one, t=points)
    assert row.verdict == "undecided"
    assert row.reason == (
        "Over 3 points in each of 2 replicates, the mean rank correlation is 1.00 (95 % interval 0.020 to 1.00): no "
        "clear trend. That interval, an approximation, is clear of 0, but Page's exact test does not show it."
    )
    assert pd.isna(row.needed)


def test_ties_of_pairs_count_half() -> None:
    rows = [
        {"replicate": r, "alpha": a, "accuracy": 0.5 + r / 100 - (a == 0.5) * (0.1 + r * r / 50)}
        for r in range(3)
        for a in (0.0, 0.5, 1.0)
    ]
    measure = {"best": "accuracy", "is": 0.0, "by": "alpha", "table": "i"}
    row = judged(claim(measure, "best"), i=pd.DataFrame(rows))
    assert "comes out highest in 50 % of 3 replicates" in row.reason
