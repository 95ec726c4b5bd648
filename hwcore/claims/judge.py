"""Verdicts: does the interval of what was measured lie where the claim says?"""

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from hwcore.claims.measure import Estimate, NoSuchDataError, describe, estimate
from hwcore.claims.spec import Claim
from hwcore.claims.words import estimated
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
    study: str,
    claims: Mapping[str, Claim],
    tables: Mapping[tuple[str, str], pd.DataFrame],
    *,
    variants: Mapping[str, Sequence[str]],
    judged: str,
) -> pd.DataFrame:
    """One row per claim, in the order of ``claims``, with the columns ``COLUMNS``.

    ``tables`` are by (experiment, table).  ``judged`` is "yes", "provisional" (the same verdicts,
    marked) or "no" (everything is measured, nothing judged).  ``variants`` names for each claim the variants of
    its experiment with which it is compared: where one of them gives another verdict, the reason says so.

    Raises HwcoreError if a claim names a model or column that its tables do not have.
    """
    rows = []
    for id, claim in claims.items():
        try:
            found = _estimate(claim, claim.experiment, tables)
        except NoSuchDataError as error:
            raise HwcoreError(f"report/{study}/study.yaml: claims.{id}.measure: {error}") from None
        if judged == "no":
            verdict, said = "not judged", ["not judged at this scale"]
        else:
            verdict, why = _verdict(claim, found)
            said = [why, *_diagnosis(claim, verdict, variants[id], tables)]
        said += [*found.notes, *([claim.note] if claim.note else [])]
        said += ["provisional"] if judged == "provisional" else []
        reason = "; ".join(part.rstrip(".") for part in said)
        reported = "" if claim.reported is None else _number(claim.reported)
        values = (found.value, found.low, found.high, found.n, verdict, reason)
        rows.append((study, id, claim.where, claim.says, describe(claim.measure), reported, *values))
    types = {"reproduced": "float64", "ci_low": "float64", "ci_high": "float64", "n": "int64"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def _estimate(claim: Claim, experiment: str, tables: Mapping[tuple[str, str], pd.DataFrame]) -> Estimate:
    return estimate(claim.measure, lambda name: tables[experiment, name])


def _diagnosis(
    claim: Claim, verdict: str, variants: Sequence[str], tables: Mapping[tuple[str, str], pd.DataFrame]
) -> Iterator[str]:
    """What variants say whose verdict is another than that of the experiment as described."""
    for experiment in variants:
        try:
            found = _estimate(claim, experiment, tables)
        except NoSuchDataError:
            # the point that the claim is about, an α for example, is not one of the variant's
            continue
        other, _ = _verdict(claim, found)
        if other not in (verdict, "not judged"):
            name = experiment.rpartition("--")[2].replace("-", " ")
            said = "is undecided" if other == "undecided" else other
            yield f"{name} it {said}: {estimated(found.value, found.low, found.high, found.n)}"


def _verdict(claim: Claim, found: Estimate) -> tuple[str, str]:
    """The verdict and its reason."""
    low, high = claim.expect.region()
    expected = _expected(claim)
    if math.isnan(found.value):
        if found.beyond is not None and high <= found.beyond:
            return "fails", f"every replicate is beyond what is {expected}"
        return "not judged", "no replicate gives a finite number"
    if math.isnan(found.low):
        return "undecided", "a single replicate has no interval"
    if found.beyond is not None and not (found.high < low or high < found.low):
        return "undecided", f"not all replicates get there, so that they are {expected} is not shown"
    where = "value is" if found.low == found.high else "whole 95 % interval lies"
    if low <= found.low and found.high <= high:
        return "holds", f"the {where} {expected}"
    if found.high < low or high < found.low:
        return "fails", f"the {where} not {expected}"
    return "undecided", f"the 95 % interval is partly {expected} and partly not"


def _expected(claim: Claim) -> str:
    expect = claim.expect
    if expect.equal is not None:
        return f"equal to {expect.equal:g}"
    if expect.within is not None:
        return f"within [{expect.within[0]:g}, {expect.within[1]:g}]"
    if expect.above is not None:
        return f"above {expect.above:g}"
    return f"below {expect.below:g}"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}" if abs(value) < 1e6 and value % 1 else f"{value:.0f}"
