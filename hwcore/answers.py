"""Which experiments of all studies answer a question, and what a page across studies says of them, as plain data.

Of each experiment that names the question the variant `corrected` answers it, where there is one that has the tables,
and otherwise the experiment as described.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from hwcore.claims.words import briefly, listed
from hwcore.data.spec import FunctionData
from hwcore.data.variance import variance
from hwcore.description import small_in_powers
from hwcore.questions.catalog import QUESTIONS
from hwcore.questions.question import Question
from hwcore.studies.resolved import Experiment, Model, NotRerun, Study, uneven

# letters of a title that has room in a sentence
_SHORT = 40
# What the combined figure of a question shows of each network, by its look.
_DRAWN = {
    "lines": "Lines are means over replicates, bands their 95 % intervals where there are several.",
    "points": "Points are means over replicates, bars their 95 % intervals where there are several.",
    "dots": "Each dot is one network.",
}


@dataclass(frozen=True)
class Member:
    """One table of an experiment that answers a question, with the models of which rows count; ``detail`` tells it from
    others of the study, and is empty where there are none.
    """

    study: Study
    experiment: Experiment
    table: str
    models: tuple[Model, ...]
    detail: str

    @property
    def key(self) -> str:
        return f"{self.study.name}/{self.experiment.id}/{self.table}"


class Row(TypedDict):
    """The settings of one experiment in words, none of one that is not run again; ``base`` is where its study's page
    has it, and ``shown`` whether the figure and the answer are of it.
    """

    study: str
    base: str
    title: str
    variant: str
    shown: bool
    cells: list[str]


class Cut(TypedDict):
    """Trainings of a member that a scale shortens: their lengths in one unit, at this scale and without its caps.

    ``all`` says whether these are all of the member's trainings.
    """

    member: str
    unit: str
    lengths: list[int]
    full_lengths: list[int]
    all: bool


class QuestionDescription(TypedDict):
    """``figure`` is its path without suffix, from the folder of the scale, or None where no table answers the question;
    ``members``, ``models`` and ``labels`` are those of hwcore.questions.rows; ``claims`` the ids of claims on the
    question by study; ``cuts`` what of the trainings is shorter at this scale, ``fewer_images`` the members with
    networks that learn fewer images, and ``uneven`` those of which some networks are trained much less than others.
    """

    id: str
    title: str
    caption: str
    figure: str | None
    members: dict[str, str]
    models: dict[str, dict[str, float]]
    labels: dict[str, str]
    settings: list[Row]
    claims: dict[str, list[str]]
    cuts: list[Cut]
    fewer_images: list[str]
    uneven: list[str]


def asked(studies: Iterable[Study]) -> list[str]:
    """The questions that any experiment answers, in their order."""
    named = set().union(*(study.questions for study in studies))
    return [id for id in QUESTIONS if id in named]


def members(id: str, studies: Iterable[Study]) -> list[Member]:
    """The tables that answer a question, in the order of the studies and their experiments."""
    question, found = QUESTIONS[id], []
    for study in studies:
        bases = dict.fromkeys(each.base for each in study.experiments.values() if each.question == id)
        answering = [each for each in (_answering(study, base, question) for base in bases) if each]
        details = _told_apart([[*_names(experiment)] for experiment, _, _ in answering])
        for (experiment, tables, models), detail in zip(answering, details, strict=True):
            further = _told_apart([[*_names_of_table(experiment, table, question)] for table in tables])
            for table, name in zip(tables, further, strict=True):
                found.append(Member(study, experiment, table, models, ", ".join(filter(None, [detail, name]))))
    return found


def _told_apart(names: Sequence[Sequence[str]]) -> list[str]:
    """For each of several things the first of its names that no other has; a single thing needs none."""
    if len(names) == 1:
        return [""]
    return [next((name for name in own if sum(name in other for other in names) == 1), own[-1]) for own in names]


def _names(experiment: Experiment) -> Iterator[str]:
    """What an experiment may be called in a sentence and in a legend, best first."""
    if "function" in experiment.values:
        yield experiment.values["function"]
    if len(experiment.models) == 1:
        yield from (model.label for model in experiment.models.values())
    if len(experiment.title) <= _SHORT:
        yield experiment.title
    yield f"§ {experiment.section}"
    yield experiment.base.replace("-", " ")


def _names_of_table(experiment: Experiment, table: str, question: type[Question]) -> Iterator[str]:
    """What a table of an experiment may be called: what the networks that it joins have in common, or these."""
    options = dict(experiment.analyses[table].options) if table in experiment.analyses else {}
    labels = [experiment.models[name].label for name in options.get("between", ())]
    if labels:
        parts = [label.split(", ") for label in labels]
        shared = [part for part in parts[0] if all(part in other for other in parts)]
        yield from filter(None, [", ".join(shared), listed(briefly(labels))])
    yield table.removeprefix(question.table.replace("_", "-")).strip("-").replace("-", " ")


def _answering(
    study: Study, base: str, question: type[Question]
) -> tuple[Experiment, list[str], tuple[Model, ...]] | None:
    variants = {each.variant: each for each in study.experiments.values() if each.base == base}
    for variant in ("corrected", "as-described"):
        experiment = variants.get(variant)
        if experiment is None or experiment.question is None:
            continue
        tables, models = list(_tables(experiment, question)), tuple(filter(question.uses, experiment.models.values()))
        if tables and models:
            return experiment, tables, models
    return None


def _tables(experiment: Experiment, question: type[Question]) -> Iterator[str]:
    if question.table == "metrics":
        yield "metrics"
    for analysis in experiment.analyses.values():
        options = dict(analysis.options)
        wanted = {"over": None, **question.options}
        if analysis.kind == question.table and all(options.get(name) == value for name, value in wanted.items()):
            yield analysis.name


def known_of(model: Model) -> dict[str, float]:
    """What the rows of a model are given: hwcore.questions.rows.joined says what these are."""
    known: dict[str, float | None] = {
        "layers": len(model.network.weighted()) or None,
        "parameters": model.network.parameters(),
    }
    if isinstance(model.data, FunctionData):
        known["guess_loss"] = variance(model.data)
    else:
        classes = model.network.output[-1]
        known["guess_accuracy"] = 1 / classes
        known["guess_loss"] = math.log(classes)
    return {name: value for name, value in known.items() if value is not None}


def _given(member: Member, question: type[Question]) -> dict[str, float]:
    """The options of the member's analysis that the question names."""
    return {name: getattr(member.experiment.analyses[member.table].options, name) for name in question.given}


def describe(id: str, studies: Mapping[str, Study]) -> QuestionDescription:
    """What the page across studies says of a question."""
    question, found = QUESTIONS[id], members(id, studies.values())
    shown = {(member.study.name, member.experiment.id) for member in found}
    rows = [
        _row(study, each, (study.name, each.id) in shown)
        for study in studies.values()
        for each in _experiments(study)
        if each.question == id
    ]
    of = {study.name: {each.id for each in _experiments(study) if each.question == id} for study in studies.values()}
    return {
        "id": id,
        "title": question.title,
        "caption": f"{question.caption} {_DRAWN[question.look]}",
        "figure": f"figures/questions/{id}" if found else None,
        "members": {member.key: member.detail for member in found},
        "models": {
            f"{member.key}/{model.name}": {**known_of(model), **_given(member, question)}
            for member in found
            for model in member.models
        },
        "labels": {f"{member.key}/{model.name}": model.label for member in found for model in member.models},
        "settings": rows,
        "claims": {
            study.name: [name for name, claim in study.claims.items() if claim.experiment in of[study.name]]
            for study in studies.values()
        },
        "cuts": [cut for member in found for cut in _cuts(member)],
        "fewer_images": [
            member.key for member in found if any(model.images != model.full_images for model in member.models)
        ],
        "uneven": [member.key for member in found if uneven(member.models)],
    }


def _cuts(member: Member) -> Iterator[Cut]:
    shorter = [model for model in member.models if model.length[0] < model.full_length]
    for unit in dict.fromkeys(model.length[1] for model in shorter):
        own = [model for model in shorter if model.length[1] == unit]
        yield {
            "member": member.key,
            "unit": unit,
            "lengths": [model.length[0] for model in own],
            "full_lengths": [model.full_length for model in own],
            "all": len(own) == len(member.models),
        }


def _experiments(study: Study) -> list[Experiment | NotRerun]:
    return [*study.experiments.values(), *study.not_rerun.values()]


def _row(study: Study, experiment: Experiment | NotRerun, shown: bool) -> Row:
    return {
        "study": study.name,
        "base": experiment.base,
        "title": experiment.title,
        "variant": experiment.variant,
        "shown": shown,
        "cells": [] if isinstance(experiment, NotRerun) else list(_cells(experiment)),
    }


def _cells(experiment: Experiment) -> Iterator[str]:
    """Networks, parameters, data, samples, optimizer and learning rate, length, batch size, replicates."""
    values, models = experiment.values, experiment.models
    labels = [model.label for model in models.values()]
    yield "; ".join(labels) if len(labels) <= 3 else f"{len(labels)} networks"
    yield values.get("parameters", "counted when built")
    labels_drawn = values.get("random_labels", "true to random")
    data = values.get("function") or values.get("dataset") or "several data sets"
    yield data if "function" in values or labels_drawn == "true" else f"{data}, labels {labels_drawn}"
    yield values.get("samples") or values.get("train_samples", "several")
    yield f"{values.get('optimizer', 'several optimizers')}, {small_in_powers(values.get('lr', 'several rates'))}"
    epochs, steps = values.get("epochs", "none"), values.get("steps", "none")
    if epochs == steps == "none":
        yield "several lengths"
    else:
        yield epochs if epochs != "none" else f"{steps} steps"
    yield values.get("batch_size", "several")
    yield values.get("replicates", "")
