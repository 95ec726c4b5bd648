"""What differs between two variants of an experiment, in words, as far as a claim measures it."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from hwcore.claims.spec import Claim
from hwcore.claims.words import ABSENT, listed
from hwcore.description import (
    GRID,
    OF_MODELS,
    describe_layers,
    describe_network,
    describe_option,
    describe_settings,
    model_names,
    quoted_names,
)
from hwcore.powers import in_powers
from hwcore.studies.resolved import Experiment, Model

# A number as descriptions write it, what they say of the normalisation, and a comma that is not within brackets.
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?: %)?")
_NORMALIZATION = re.compile(r"normalised by |not normalised$")
_COMMA = re.compile(r", (?![^\[(]*[\])])")
# Values that stand before what they are of: `the last batch`.
_PLACES = ("first", "last")
# A training has one of them.
_LENGTHS = ("epochs", "steps")


def differences(described: Experiment, variant: Experiment, claim: Claim) -> list[str]:
    """Phrases such as `training labels random` or `learning rate 0.001 instead of 0.0001`.

    They are about the models that the claim measures (all of ``described`` if it names none) and the analyses that it
    reads; those that are about the same few of these models name them together.  All can stand after `with`.
    """
    named = {model for experiment, model in claim.networks() if experiment == described.id}
    models = [model for name, model in described.models.items() if named <= {None} or None in named or name in named]
    names = model_names(described)
    phrases: dict[str, list[str]] = {}
    for model in models:
        if model.name in variant.models:
            for phrase in dict.fromkeys(_of_model(model, variant.models[model.name])):
                phrases.setdefault(phrase, []).append(names[model.name])
    groups: dict[tuple[str, ...], list[str]] = {}
    for phrase, whose in phrases.items():
        groups.setdefault(tuple(whose), []).append(phrase)
    words = []
    for some, said in groups.items():
        words += said if len(some) == len(models) else [f"{listed(said)} in {listed(some)}"]
    for name in sorted(claim.tables()):
        if name in described.analyses and name in variant.analyses:
            words += _of_analysis(name, described, variant)
    return words


def _of_model(old: Model, new: Model) -> Iterator[str]:
    same = (old.data, old.training) == (new.data, new.training)
    before, after = ({}, {}) if same else (describe_settings(old), describe_settings(new))
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            if key == "data":
                yield from _of_data(_COMMA.split(before[key]), _COMMA.split(after[key]))
            elif key in _LENGTHS:
                if key in after:
                    yield _length(key, before, after)
            else:
                yield _setting(key, before.get(key), after.get(key))
    yield from _of_network(old, new)


def _length(unit: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """`7 epochs instead of 5`, or `1,000 steps instead of 5 epochs`."""
    before = old[unit] if unit in old else next(_counted(old[each], each) for each in _LENGTHS if each in old)
    return f"{_counted(new[unit], unit)} instead of {before}"


def _counted(number: str, unit: str) -> str:
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def _setting(key: str, old: str | None, new: str | None) -> str:
    if key == "stops":
        return f"training that ends {new}" if new else "training that goes on to its last epoch"
    if key == "modes" and new:
        return new.replace("trained in", "training in")
    if key == "order of samples" and new:
        return "samples in the same order in every epoch"
    if key == "batch size" and "full batch" in (old, new):
        new, old = ("full batches" if size == "full batch" else f"batch size {size}" for size in (new, old))
        return f"{new} instead of {old}"
    if key in ABSENT:
        return ABSENT[key]
    if key == "pseudo-labels":
        old, new = (text and f"({text})" for text in (old, new))
    if new is None:
        return f"no {key}"
    if old is None:
        return f"{key} {new}"
    return f"{key} {new} instead of {old}"


def _of_data(old: list[str], new: list[str]) -> Iterator[str]:
    """The difference of two descriptions, part by part."""
    gone, come = [part for part in old if part not in new], [part for part in new if part not in old]
    kinds = {_NUMBER.sub("#", part): part for part in gone}
    if old[0] in gone and new[0] in come:
        gone.remove(old[0])
        come.remove(new[0])
        yield f"{new[0]} instead of {old[0]}"
    for part in come:
        counterpart = kinds.get(_NUMBER.sub("#", part))
        number = _NUMBER.search(counterpart or "")
        if counterpart in gone and number:
            gone.remove(counterpart)
            yield f"{part} instead of {number[0]}"
        elif _NORMALIZATION.match(part):
            gone = [other for other in gone if not _NORMALIZATION.match(other)]
            yield f"inputs {part}"
        else:
            yield part
    for part in gone:
        if part.endswith("labels random"):
            yield f"true {'test' if 'test' in part else 'training'} labels"
        elif part.endswith((" training images", " test images")):
            yield f"all {' '.join(part.split()[-2:])}"
        elif part.startswith("scaled to "):
            yield "images of their own size"
        else:
            yield f"no {part}"


def _of_network(old: Model, new: Model) -> Iterator[str]:
    if old.network == new.network:
        return
    before, after = (describe_layers(model.network) for model in (old, new))
    names = [describe_network(model.network) for model in (old, new)]
    if not any(" · " in name for name in names):
        # perceptrons have short names
        if names[0] != names[1]:
            yield f"{names[1]} instead of {names[0]}"
        return
    for change, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = " and ".join(before[a:b]), " and ".join(after[c:d])
        if change == "insert" and come == "softmax" and d == len(after) and new.training.loss == "cross_entropy":
            yield "softmax before cross-entropy"
        elif change == "insert":
            yield f"{come} added"
        elif change == "delete" and all(map(_dropout, before[a:b])) and not any(map(_dropout, after)):
            yield "no dropout"
        elif change == "delete":
            yield f"{gone} left out"
        elif change == "replace":
            yield f"{come} instead of {gone}"


def _dropout(layer: str) -> bool:
    return layer.startswith("dropout ")


def _of_analysis(name: str, old: Experiment, new: Experiment) -> Iterator[str]:
    before, after = (each.analyses[name].options.model_dump(mode="json") for each in (old, new))
    changed = [
        _option(key, _named(key, before.get(key), old), _named(key, after.get(key), new))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    if changed:
        yield f"{listed(changed)} in the {name.replace('-', ' ')}"


def _named(option: str, value: Any, experiment: Experiment) -> Any:
    """The value of an option, models by their names where it names models."""
    if option not in OF_MODELS or value is None:
        return value
    names = quoted_names(experiment)
    return names[value] if isinstance(value, str) else [names[model] for model in value]


def _option(name: str, old: Any, new: Any) -> str:
    if old in _PLACES and new in _PLACES:
        return f"the {new} {name} instead of the {old}"
    if name == "between":
        return f"lines between {_value(name, new)} instead of those between {_value(name, old)}"
    before, after = _value(name, old), _value(name, new)
    said = describe_option(name, after)
    if isinstance(new, bool) or "none" in (before, after):
        return said
    return f"{said} instead of {describe_option(name, before) if isinstance(old, str) else before}"


def _value(name: str, value: Any) -> str:
    """An option as ``describe_option`` takes it."""
    if value is None:
        return "all" if name == "samples" else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return GRID.format(**{key: _value(key, each) for key, each in value.items()})
    if isinstance(value, list):
        return listed(value)
    if isinstance(value, str):
        return value
    return in_powers(f"{value:.4g}" if isinstance(value, float) else f"{value:,}")
