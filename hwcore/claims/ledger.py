"""The ledger of all judged claims: what its columns mean, as a table and as JSON."""

import json
import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from hwcore.claims.rule import LEVEL, Kind
from hwcore.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

# How a verdict on each kind of claim may read, in the order of pages.
STATEMENTS = ("holds", "fails", "undecided")
REPORTED = ("consistent", "inconsistent")
COUNTS = ("right", "wrong")
# those that rest on a test, which Holm's correction may take back
TESTED = ("holds", "fails", "inconsistent")
VERDICTS = (*STATEMENTS, *REPORTED, *COUNTS, "not testable", "not judged")
Verdict = Literal[
    "holds", "fails", "undecided", "consistent", "inconsistent", "right", "wrong", "not testable", "not judged"
]


UnitName = Literal["", "%", "points"]


class Row(Spec):
    """One claim, judged."""

    study: str = Field(description="the study, a folder of report/")
    claim: str = Field(description="the id of the claim in its study file")
    where: str = Field(description="the section of the report")
    says: str = Field(description="what the report says there, in short")
    metric: str = Field(description="what number is measured, in words; empty if the claim is not testable")
    reported: str = Field(description="the number that the report states, as pages write it; empty if it states none")
    unit: UnitName = Field(
        description="the unit in which pages write the numbers, which are fractions of one here: % of accuracies and "
        "shares, points (of a per cent) of their differences; empty where they are written as they are"
    )
    reproduced: float | None = Field(description="the number measured here; null if there is none")
    ci_low: float | None = Field(
        description="lower end of its 95 % interval over replicates: a confidence interval for a statement, a "
        "prediction interval for a reported value, the number itself for a count and where all replicates give the same"
    )
    ci_high: float | None = Field(description="upper end of the same interval")
    expected_low: float | None = Field(
        description="lower end of where the claim says that the number lies, in the same unit, of a reported value as "
        "far as its rounding goes; null where it has none"
    )
    expected_high: float | None = Field(description="upper end of the same region")
    absent: str = Field(description="why there is no number, in a few words; empty where there is one")
    n: int = Field(
        ge=0,
        description="the replicates behind it (of each model where there are several), or all networks (share, trend, "
        "relation)",
    )
    verdict: Verdict = Field(
        description="holds, fails or undecided of a statement; consistent or inconsistent of a reported value, or "
        "undecided where there is too little to compare it with; right or wrong of a count; not testable; not judged "
        "at a scale that judges none"
    )
    reason: str = Field(description="why, in sentences")
    diagnosis: str = Field(
        description="which variant of the experiment, or other measure of the same, gives another verdict, in "
        "sentences with what they differ in; empty where none does"
    )
    kind: Kind = Field(description="what the claim is, which decides the words of its verdict")
    rule: str = Field(description="the rule that judged it; empty if the claim is not testable")
    variant: str = Field(description="the variant of the experiment that was judged: as-described, as-run or corrected")
    effect: float | None = Field(
        description="the size of what was found, in the unit of the rule: distance from the bound in standard "
        "deviations of a replicate (threshold); share of hits (share, reached-by); P(A > B) (comparison); share of all "
        "combinations of replicates in which it is so (best, order); difference over margin (no-difference); rank "
        "correlation (trend, relation, trend-within); distance of the reported number from the mean in standard "
        "deviations of a further run or mean (prediction-interval, reported-mean); null of a count"
    )
    p: float | None = Field(
        ge=0, le=1, description="the p-value of the verdict, two-sided but for no-difference; null without chance"
    )
    p_holm: float | None = Field(
        ge=0, le=1, description="p with Holm's correction for all claims of the study that are judged by chance"
    )
    needed: int | None = Field(
        description="the replicates (or networks, of a share) that would decide an undecided claim four times in five, "
        "if what was measured is the truth; null if it is decided, if no feasible number would, or if it is not the "
        "number that stands in the way"
    )
    figure: str = Field(description="path of the figure that shows it, without suffix, from results/<scale>/; or empty")


COLUMNS = tuple(Row.model_fields)
_TYPES = {
    **dict.fromkeys(COLUMNS, "str"),
    **dict.fromkeys(
        ("reproduced", "ci_low", "ci_high", "expected_low", "expected_high", "effect", "p", "p_holm"), "float64"
    ),
    "n": "int64",
    # a whole number that may be missing
    "needed": "Int64",
}


def frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """Rows by column as a table with the columns and types of the ledger."""
    import pandas as pd  # noqa: PLC0415 - the schema needs none of it

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(_TYPES)


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """The ledger as JSON values; what is missing is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [Row.model_validate(row).model_dump() for row in rows]


def expected_false(table: "pd.DataFrame") -> tuple[float, int]:
    """How many verdicts on a study's claims chance alone would make false, at most on average; and of how many tests.

    A test that leaves a claim undecided could have erred too, so that it counts.
    """
    count = int(table["p"].notna().sum())
    return LEVEL * count, count


def schema() -> dict[str, Any]:
    """The JSON schema of claims.json."""
    row = Row.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Judged claims of all studies (results/<scale>/claims.json)",
        "type": "array",
        "items": row,
    }


def holm(p: list[float]) -> list[float]:
    """p-values with Holm's step-down correction (1979), NaN where they are."""
    known = sorted((value, index) for index, value in enumerate(p) if not math.isnan(value))
    adjusted = list(p)
    largest = 0.0
    for rank, (value, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * value))
        adjusted[index] = largest
    return adjusted


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1, ensure_ascii=False))
