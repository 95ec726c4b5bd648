"""Verdicts: each claim by its rule, Holm's correction over a study, and what variants say."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import pandas as pd

from hwcore.claims import ledger
from hwcore.claims.cuts import WHOLE, Cut, is_untrained, within
from hwcore.claims.judgement import DIVERGED, CannotJudgeError, Judgement, unjudged
from hwcore.claims.measure import Measure, words
from hwcore.claims.rule import LEVEL
from hwcore.claims.samples import Groups, NoSuchDataError, NoSuchValueError
from hwcore.claims.spec import Claim
from hwcore.claims.words import OF_NETWORKS, PLAIN, Unit, counted, listed, measured, sentence, short_names
from hwcore.diverged import without_guesses
from hwcore.errors import HwcoreError

Tables = Mapping[tuple[str, str], pd.DataFrame]


@dataclass(frozen=True)
class Variant:
    """A variant with which a claim is compared: its id, its name and its differences in words, and how it is cut."""

    experiment: str
    name: str
    differences: Sequence[str]
    cut: Cut = WHOLE


@dataclass(frozen=True)
class Case:
    """A claim with what the plan knows of it.

    ``variant`` is the variant that it is about; ``variants`` those with which it is compared; ``models`` the models of
    its experiment, to which these are restricted; ``figure`` the path of the figure that shows it; ``cut`` how the
    scale cuts the trainings that it measures, and ``otherwise`` those of its other measures, by their words;
    ``whole`` whether the scale leaves everything else that it rests on, replicates and analyses, as the study gives it,
    and ``samples`` on how many training samples the latter measure where it takes some away.
    """

    claim: Claim
    variant: str
    variants: Sequence[Variant] = ()
    models: Sequence[str] = ()
    figure: str = ""
    cut: Cut = WHOLE
    otherwise: Mapping[str, Cut] = field(default_factory=dict)
    whole: bool = False
    samples: int | None = None


def judge(study: str, cases: Mapping[str, Case], tables: Tables, *, judged: str) -> pd.DataFrame:
    """One row per claim, in the order of ``cases``, with the columns of the ledger.

    ``tables`` are by (experiment, table); in that of the models, ``label`` is what pages call them.  ``judged`` is
    "yes", "provisional" (the same verdicts, marked) or "no" (everything is measured, nothing judged).

    Raises HwcoreError if a claim names a model or column that its tables do not have, or a value (an epoch, a batch
    size) that no cap of the scale accounts for.
    """
    tables = {key: without_guesses(table) for key, table in tables.items()}
    cases = {id: _as_trained(case, tables) for id, case in cases.items()}
    judgements = {id: _judgement(study, id, case, tables, judged) for id, case in cases.items()}
    adjusted = dict(zip(judgements, ledger.holm([each.p for each in judgements.values()]), strict=True))
    return ledger.frame(
        [_row(study, id, case, judgements[id], adjusted[id], judged, tables) for id, case in cases.items()]
    )


def _as_trained(case: Case, tables: Tables) -> Case:
    """The same, without the cuts of trainings that all ended before the cap by a rule of their own."""

    def applied(cut: Cut) -> Cut:
        return cut.applied(lambda experiment: tables.get((experiment, "metrics")))

    return replace(
        case,
        cut=applied(case.cut),
        variants=[replace(variant, cut=applied(variant.cut)) for variant in case.variants],
        otherwise={words: applied(cut) for words, cut in case.otherwise.items()},
    )


def _judgement(study: str, id: str, case: Case, tables: Tables, judged: str) -> Judgement:
    claim = case.claim
    if claim.measure is None:
        return Judgement("not testable", sentence(claim.not_testable or ""))
    try:
        found = _by_rule(claim, claim.measure, claim.experiment, tables, None)
        return within(case.cut, claim, claim.measure, found)
    except NoSuchDataError as error:
        if isinstance(error, NoSuchValueError) and (judged == "no" or case.cut.words):
            number = _named(claim.measure, claim.experiment, tables).describe()
            reason = f"After {case.cut.words} there is nothing to measure: {error}." if case.cut.words else ""
            verdict = "not judged" if judged == "no" else "undecided"
            return Judgement(verdict, reason, number=number, absent="left out at this scale")
        raise HwcoreError(f"report/{study}/study.yaml: claims.{id}.measure: {error}") from None


def _names(models: pd.DataFrame | None) -> dict[str, str]:
    """What pages call the models of an experiment: the first words of their labels, or all if these are the same."""
    if models is None or "label" not in models:
        return {}
    names = short_names(list(models["label"]))
    return dict(zip(models["model"], names, strict=True)) if len({*names}) == len(names) else {}


def _named(measure: Measure, experiment: str, tables: Tables) -> Measure:
    """The measure of a claim on an experiment, with the names that pages use."""

    def name(other: str | None, model: str | None) -> str:
        models = tables.get((other or experiment, "models"))
        if model is not None:
            return _names(models).get(model, model)
        return str(other) if models is None or "title" not in models else f"“{models['title'].iloc[0]}”"

    return measure.named(name)


def _by_rule(
    claim: Claim, measure: Measure, experiment: str, tables: Tables, models: Sequence[str] | None
) -> Judgement:
    """What the rule of a claim makes of a measure in one experiment, of all models or of the named ones."""

    def table(other: str | None, name: str) -> pd.DataFrame:
        rows = tables[other or experiment, name]
        return rows if models is None or other or "model" not in rows else rows[rows["model"].isin(models)]

    data = measure.read(table)
    if isinstance(data, Groups) and data.by == "model":
        data = data.named(_names(tables.get((measure.experiment or experiment, "models"))))
    elif isinstance(data, Groups):
        data = data.named({name: f"{words(data.by)} {name}" for name in data.samples})
    measure = _named(measure, experiment, tables)
    claim = claim.model_copy(update={"measure": measure})
    assert claim.module is not None
    try:
        judgement: Judgement = import_module(claim.module).judge(claim, claim.expect, data)
    except CannotJudgeError as error:
        judgement = unjudged(data, error)
    return judgement if judgement.number else replace(judgement, number=measure.describe())


def _others(study: str, id: str, case: Case, own: Judgement, judged: str, tables: Tables) -> Iterator[str]:
    """A sentence for each variant, and each other measure of the same, with another verdict."""
    claim = case.claim
    if claim.measure is None:
        return
    for other_words, measure in claim.otherwise.items():
        try:
            cut = case.otherwise.get(other_words, WHOLE)
            found = _by_rule(claim, measure, claim.experiment, tables, None)
            other = within(cut, claim, measure, found)
        except NoSuchDataError as error:
            if isinstance(error, NoSuchValueError) and (judged == "no" or cut.words):
                continue
            raise HwcoreError(f"report/{study}/study.yaml: claims.{id}.otherwise.{other_words}: {error}") from None
        if other.verdict != own.verdict:
            yield sentence(f"with {other_words} instead, {_says(other, claim, cut, found)}")
    for variant in case.variants:
        try:
            found = _by_rule(claim, claim.measure, variant.experiment, tables, case.models)
            other = within(variant.cut, claim, claim.measure, found)
        except NoSuchDataError:
            # the point that the claim is about, an α for example, is not one of the variant's
            continue
        if other.verdict != own.verdict:
            apart = list(variant.differences)
            # not by replicates that diverged
            if other.verdict == "undecided" and 0 < other.n < (1 - DIVERGED) * own.n:
                noun = "network" if claim.rule in OF_NETWORKS else "replicate"
                apart.append(f"{other.n} instead of {counted(own.n, noun)}")
            differences = f", with {listed(apart)}," if apart else ""
            yield sentence(f"{variant.name}{differences} {_says(other, claim, variant.cut, found)}")


def _says(other: Judgement, claim: Claim, cut: Cut, uncut: Judgement) -> str:
    """`it holds: 0.1`; of one that its ``cut`` leaves undecided, `it is undecided after 1 epoch instead of 8: 0.1`."""
    verb = other.verdict if other.verdict in ("holds", "fails") else f"is {other.verdict}"
    if other.verdict != uncut.verdict:
        verb += f" after {cut.words}"
    number = measured(other.unit, claim.rule or "", other.value, other.low, other.high, other.n, other.absent)
    return f"it {verb}: {number}" if number else f"it {verb}"


def _row(
    study: str, id: str, case: Case, own: Judgement, adjusted: float, judged: str, tables: Tables
) -> dict[str, Any]:
    claim = case.claim
    kind = "not testable" if claim.expect is None else claim.expect.kind
    # at a scale that judges none they are measured all the same, which finds columns that are not there
    others = " ".join(_others(study, id, case, own, judged, tables))
    sentences = [own.reason]
    if kind != "not testable" and judged == "no":
        own = replace(own, verdict="not judged", p=float("nan"), needed=None)
        adjusted, sentences, others = float("nan"), [], ""
    elif own.verdict in ledger.TESTED and adjusted > LEVEL:
        sentences.append(
            f"With Holm's correction for all claims of the study (p = {own.p:.2g} becomes {adjusted:.2g}) this "
            "verdict would not stand."
        )
    if claim.note:
        sentences.append(sentence(claim.note))
    trained = claim.measure is not None and not is_untrained(claim.measure)
    if judged == "provisional" and (case.cut.words or not case.whole) and trained:
        # what is said once is enough
        how = [f"after {case.cut.words}"] if case.cut.words and case.cut.words not in own.reason else []
        how += [f"measured on {case.samples:,} training samples"] if case.samples else []
        sentences.append(f"{', '.join(['Provisional', *how])}.")
    low, high = own.expected or (math.nan, math.nan)
    return {
        "study": study,
        "claim": id,
        "where": claim.where,
        "says": claim.says,
        "metric": own.number,
        "reported": "" if claim.reported is None else _of_reported(claim, own).reported(claim.reported),
        "unit": own.unit.name,
        "reproduced": _finite(own.value),
        "ci_low": _finite(own.low),
        "ci_high": _finite(own.high),
        "expected_low": _finite(low),
        "expected_high": _finite(high),
        "absent": "" if math.isfinite(own.value) else own.absent,
        "n": own.n,
        "verdict": own.verdict,
        "reason": " ".join(sentences),
        "diagnosis": others,
        "kind": kind,
        "rule": claim.rule or "",
        "variant": case.variant,
        "effect": _finite(own.effect),
        "p": own.p,
        "p_holm": adjusted,
        "needed": own.needed,
        "figure": case.figure,
    }


def _of_reported(claim: Claim, own: Judgement) -> Unit:
    """The unit of the number that the report states.

    What is measured may be another quantity: a share of networks, or a difference.
    """
    return own.unit if claim.measure and claim.measure.shape == "a number per replicate" else PLAIN


def _finite(number: float) -> float:
    """A number of the ledger, NaN where there is none, such as an end of a region without bound."""
    return number if math.isfinite(number) else math.nan
