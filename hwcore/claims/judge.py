"""Verdicts: does the interval of what was measured lie where the claim says?"""

import math
from collections.abc import Mapping

import pandas as pd

from hwcore.claims.measure import Estimate, NoSuchDataError, describe, estimate
from hwcore.claims.spec import Claim
from hwcore.errors import HwcoreError

COLUMNS = (
    "study",
    "claim",
    "where",
    "says",
    "metric",
    "reported",
    "reproduced",
    "ci_low",
    "ci_high",
    "n",
    "verdict",
    "reason",
)


def judge(
    study: str, claims: Mapping[str, Claim], tables: Mapping[tuple[str, str], pd.DataFrame], *, judged: str
) -> pd.DataFrame:
    """One row per claim, in the order of ``claims``, with the columns ``COLUMNS``.

    ``tables`` are by (experiment, table).  ``judged`` is "yes", "provisional" (the same verdicts,
    marked) or "no" (everything is measured, nothing judged).

    Raises HwcoreError if a claim names a model or column that its tables do not have.
    """
    rows = []
    for id, claim in claims.items():
        try:
            found = estimate(claim.measure, lambda name, claim=claim: tables[claim.experiment, name])  # type: ignore[misc]
        except NoSuchDataError as error:
            raise HwcoreError(f"report/{study}/study.yaml: claims.{id}.measure: {error}") from None
        verdict, reason = _verdict(claim, found, judged)
        reported = "" if claim.reported is None else _number(claim.reported)
        values = (found.value, found.low, found.high, found.n, verdict, reason)
        rows.append((study, id, claim.where, claim.says, describe(claim.measure), reported, *values))
    types = {"reproduced": "float64", "ci_low": "float64", "ci_high": "float64", "n": "int64"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def _verdict(claim: Claim, found: Estimate, judged: str) -> tuple[str, str]:
    low, high = claim.expect.region()
    said = [*found.notes, *([claim.note] if claim.note else [])]
    if judged == "no":
        return "not judged", _reason("not judged at this scale", said)
    if judged == "provisional":
        said.append("provisional")
    if math.isnan(found.value):
        if found.beyond is not None and high <= found.beyond:
            return "fails", _reason(f"every replicate is beyond what is {_expected(claim)}", said)
        return "not judged", _reason("no replicate gives a finite number", said)
    if math.isnan(found.low):
        return "undecided", _reason("a single replicate has no interval", said)
    width = "is" if found.low == found.high else "interval lies"
    expected = _expected(claim)
    if found.beyond is not None and not (found.high < low or high < found.low):
        return "undecided", _reason(
            f"not all replicates get there, so that they are {_expected(claim)} is not shown", said
        )
    if low <= found.low and found.high <= high:
        return "holds", _reason(f"the {'value' if width == 'is' else 'whole 95 %'} {width} {expected}", said)
    if found.high < low or high < found.low:
        return "fails", _reason(f"the {'value' if width == 'is' else 'whole 95 %'} {width} not {expected}", said)
    return "undecided", _reason(f"the 95 % interval is partly {expected} and partly not", said)


def _expected(claim: Claim) -> str:
    expect = claim.expect
    if expect.equal is not None:
        return f"equal to {expect.equal:g}"
    if expect.within is not None:
        return f"within [{expect.within[0]:g}, {expect.within[1]:g}]"
    if expect.above is not None:
        return f"above {expect.above:g}"
    return f"below {expect.below:g}"


def _reason(*parts: str | list[str]) -> str:
    flat = [parts[0], *parts[1]]
    return "; ".join(str(part).rstrip(".") for part in flat)


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}" if abs(value) < 1e6 and value % 1 else f"{value:.0f}"
