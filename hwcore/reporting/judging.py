"""The appendix that says how claims were judged: the words of verdicts and reasons, those that a page has."""

import pandas as pd

from hwcore.claims.ledger import COUNTS, REPORTED, STATEMENTS

# By what stands in a reason.
TERMS = {
    "Holm": (
        "**Holm’s correction** (Holm 1979): of many claims some would be decided by chance alone. With it the chance "
        "of even one false verdict in the whole study is at most 5 %, at the price of fewer verdicts."
    ),
    "geometric mean": (
        "**Geometric mean**: losses and other positive numbers are averaged as logarithms, since they vary by factors."
    ),
    "log odds": (
        "**Mean by log odds**: accuracies and shares $p$ are averaged as $\\ln(p / (1 - p))$, so that no interval goes "
        "below 0 or above 100 %."
    ),
    "Fisher's z": (
        "**Mean by Fisher’s z**: correlations $r$ are averaged as $\\operatorname{artanh} r$, so that no interval goes "
        "below −1 or above 1."
    ),
    "prediction interval": (
        "**Prediction interval**: where a single further run would lie, 19 times in 20. A report tells of one run, so "
        "that its number is compared with this interval and not with the narrower one of the mean."
    ),
    "τ": (
        "**Kendall’s τ**: the share of pairs in which both numbers rise together, minus the share in which one rises "
        "and the other falls. It is 1 if all pairs agree and 0 without any relation."
    ),
    "its 90 % interval": (
        "**Equality** is shown where the 90 % interval of a difference lies within the margin of the claim, which is "
        "two one-sided tests at 5 %; that a difference is not significant shows nothing."
    ),
    "Hall's test": (
        "**Hall’s test** (Hall 1992) allows for skewed replicates. Where it does not agree with the interval, a claim "
        "stays undecided."
    ),
    "with a probability of 80 %": (
        "**Could be shown with a probability of 80 %**: how large an effect has to be for four experiments in five of "
        "this size to show it. Smaller ones may be there, unseen."
    ),
}


def judging(claims: pd.DataFrame) -> str:
    """A list of the terms that the reasons of these claims use; empty where none is judged."""
    verdicts, reasons = {*claims.verdict}, " ".join(map(str, [*claims.reason, *claims.diagnosis]))
    lines = []
    if verdicts & {*STATEMENTS}:
        lines.append(
            "A statement **holds** or **fails** where a test at the 5 % level shows it, or its opposite: were that "
            "false, such data would come about in at most one case in twenty. It is **undecided** where they show "
            "neither."
        )
    if verdicts & {*REPORTED}:
        lines.append(
            "A reported number is **consistent** with what was measured here or **inconsistent** with it. Consistent "
            "does not mean proved: another number might be as well."
        )
    if verdicts & {*COUNTS}:
        lines.append("What can be counted, such as parameters, is **right** or **wrong**: chance plays no part.")
    if not lines:
        return ""
    if claims[["expected_low", "expected_high"]].notna().any(axis=None):
        lines.append(
            "Where a measured number is drawn, the line is its interval, and the shaded region is where the claim says "
            "that the number lies."
        )
    lines += [text for term, text in TERMS.items() if term in reasons]
    return "\n".join(f"- {line}" for line in lines)
