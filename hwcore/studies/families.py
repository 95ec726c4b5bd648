"""One entry of a study file that stands for several: a sweep of models, a claim about each of them.

The values of a family come from `zip`, lists that are gone through together, and `matrix`, lists of which every
combination is meant; `include` adds combinations, `exclude` takes some away.  A value goes to where its name is in
braces, as a whole (`"{hidden}"` is a list if the value is one) or within a text (`batch size {batch_size}`).
All of it happens before anything is validated: the resolved study knows nothing of families.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import product
from math import prod
from string import Formatter
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.studies.schema import ModelFile, Sweep
from hwcore.validation import did_you_mean, validate

Values = Mapping[str, Any]
_PARTS = frozenset(Sweep.model_fields)
# The entries that one stands for, and the models of an experiment.
LARGEST = 1_000


def placeholders(text: str) -> list[tuple[str, str | None, str]]:
    """The parts of a text: literal words, then the name in braces (None after the last words) and its format.

    Raises ValueError where braces do not match.
    """
    try:
        return [(words, name, form or "") for words, name, form, _ in Formatter().parse(text)]
    except ValueError:
        raise ValueError(f"{text!r}: braces hold the name of a value, and {{{{ is a brace itself") from None


def in_words(value: Any) -> str:
    """A value as a label or a sentence has it: 1,500, 0.001, 784-30-10."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return "-".join(in_id(item) if isinstance(item, int) else in_words(item) for item in value)
    if isinstance(value, float):
        # a decimal number never has an exponent here, and no more digits than its shortest form
        return f"{Decimal(repr(value)).normalize():,f}"
    return str(value)


def in_id(value: Any) -> str:
    """A value as an id has it: 1500, 0-001, 784-30-10."""
    text = in_words(value).replace(",", "") if isinstance(value, int | float) else in_words(value)
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def fill(text: str, values: Values, show: Callable[[Any], str]) -> str:
    """A text with its placeholders filled, each value by ``show`` or by the format that follows its name.

    Raises ValueError for a placeholder without a value.
    """
    parts = []
    for words, name, form in placeholders(text):
        parts.append(words)
        if name is None:
            continue
        if name not in values:
            raise ValueError(f"unknown placeholder {{{name}}}{did_you_mean(name, values)}")
        if values[name] is None:
            raise ValueError(f"{{{name}}} has no value here")
        try:
            parts.append(show(formatted(values[name], form) if form else values[name]))
        except (ValueError, TypeError):
            raise ValueError(f"{{{name}:{form}}}: {values[name]!r} cannot be written so") from None
    return "".join(parts)


def formatted(value: Any, form: str) -> str:
    """A value as a format of Python has it, such as `.2f`.

    Raises ValueError or TypeError for a value that cannot be written so, and for a width of more than two digits.
    """
    if re.search(r"\d{3}", form):
        raise ValueError(f"{form!r} is too wide")
    return format(value, form)


def sweep_models(
    models: Mapping[str, Any], where: str, count: Callable[[Mapping[str, Any], str], int]
) -> dict[str, Any]:
    """The models of an experiment by id, each sweep (an entry whose id has placeholders) replaced by its models.

    ``count`` tells the number of parameters of a model, which ids and labels may show as `{parameters}`.

    Raises HwcoreError, naming the entry, for values that do not go together and ids that are not unique.
    """
    result: dict[str, Any] = {}
    for key, content in models.items():
        at = f"{where}.{key}"
        if not isinstance(key, str):
            raise HwcoreError(f"{at}: the id of a model is a text; put {key!r} into quotes")
        if not isinstance(content, Mapping) or not (_PARTS & content.keys() or "{" in key):
            family = {key: content}
        elif "{" not in key:
            raise HwcoreError(f"{at}: the id of a sweep holds a placeholder, such as {key}-{{lr}}")
        else:
            family = _sweep(key, content, at, count)
        for id, model in family.items():
            if id in result:
                raise HwcoreError(f"{at}: there is a model {id!r} already; ids must differ")
            result[id] = model
        if len(result) > LARGEST:
            raise HwcoreError(f"{where}: there are more than {LARGEST:,} models")
    return result


def _sweep(
    template: str, content: Mapping[str, Any], at: str, count: Callable[[Mapping[str, Any], str], int]
) -> dict[str, Any]:
    rest = {name: value for name, value in content.items() if name not in _PARTS}
    names = _names([template, rest], at)
    family: dict[str, Any] = {}
    for row in combinations({name: content[name] for name in content if name in _PARTS}, at):
        values: dict[str, Any] = {}
        for name, value in row.items():
            short = name.rpartition(".")[2]
            if short in values:
                raise HwcoreError(f"{at}: two values are called {short!r}; give one of them another name")
            if not _is_setting(name) and name not in names:
                raise HwcoreError(
                    f"{at}: no placeholder uses the value {name!r}; to set it write training.{name} or data.{name}"
                )
            values[short] = value
        model = _filled({name: value for name, value in rest.items() if name != "label"}, values, at)
        for name, value in row.items():
            if _is_setting(name):
                _set(model, name.split("."), value, at)
        if "parameters" in names and "parameters" not in values:
            values["parameters"] = count(model, at)
        if "label" in rest:
            label = _filled(rest["label"], values, f"{at}.label")
            # "{batch_size}" alone is a number, but a label is words
            model = {"label": in_words(label) if isinstance(rest["label"], str) else label, **model}
        family[_id(template, values, family, at)] = model
    return family


def each_claim(id: str, claim: Any, where: str, models: Callable[[str], Mapping[str, Values]]) -> dict[str, Any]:
    """The claims by id that an entry with `each` stands for; any other stands for itself.

    `each` is `models` (all of the experiment), a list of some of them, or the values of a family.  The values fill
    placeholders everywhere, and a mapping whose keys are values of the family stands for what it has at its own.
    Of one value the id, if it has no placeholder, ends in the value; of several it must have placeholders.
    ``models`` gives the settings of an experiment's models, which are values too where the family names a model.

    Raises HwcoreError, naming the entry, for values that do not go together.
    """
    if not isinstance(claim, Mapping) or "each" not in claim:
        return {id: claim}
    rest = {key: value for key, value in claim.items() if key != "each"}
    rows = _rows(claim["each"], rest.get("experiment"), f"{where}.each", models)
    if not rows:
        raise HwcoreError(f"{where}.each: there are no models of an experiment {rest.get('experiment')!r}")
    for name in {name for row in rows for name in row if any(name not in other for other in rows)}:
        raise HwcoreError(f"{where}.each.include: {name!r} is in some claims only; name it in all or in none")
    axes = {name: {str(row[name]) for row in rows} for name in rows[0]}
    if "{" not in id and len(axes) > 1:
        raise HwcoreError(
            f"{where}: several values tell its claims apart: name them in the id, as in {id}-{{{min(axes)}}}"
        )
    template = id if "{" in id else f"{id}-{{{next(iter(axes))}}}"
    idle = axes.keys() - _names([template, rest], where) - {"model"}
    if idle:
        raise HwcoreError(f"{where}.each: the value {min(idle)!r} is used by no placeholder")
    claims: dict[str, Any] = {}
    for row in rows:
        branch = {key: _branch(value, row, axes, f"{where}.{key}") for key, value in rest.items()}
        values = row
        if "model" in row:
            settings = models(str(_filled(branch.get("experiment"), row, f"{where}.experiment")))
            if not isinstance(row["model"], str) or row["model"] not in settings:
                hint = did_you_mean(str(row["model"]), settings)
                raise HwcoreError(f"{where}.each: unknown model {row['model']!r}{hint}")
            values = {**settings[row["model"]], **row}
        name = _id(template, values, claims, where)
        claims[name] = _filled(branch, values, where)
    return claims


def combinations(family: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """The values of a family, a mapping for each of its members: the last list of a matrix changes fastest.

    Raises HwcoreError for lists of unequal lengths and for exclusions that match nothing.
    """
    file, _, key = where.rpartition(": ")
    sweep = validate(Sweep, dict(family), file, key)
    lengths = {name: len(values) for name, values in sweep.zip.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise HwcoreError(f"{where}.zip: all lists need the same length, but {counts}")
    both = sweep.zip.keys() & sweep.matrix.keys()
    if both:
        raise HwcoreError(f"{where}: {min(both)!r} is in zip and in matrix; it can have its values from one of them")
    count = max([1, *lengths.values()]) * prod(len(values) for values in sweep.matrix.values())
    if count + len(sweep.include) > LARGEST:
        raise HwcoreError(f"{where}: stands for {count + len(sweep.include):,} entries, more than {LARGEST:,}")
    zipped = [dict(zip(sweep.zip, row, strict=True)) for row in zip(*sweep.zip.values(), strict=True)]
    crossed = [dict(zip(sweep.matrix, row, strict=True)) for row in product(*sweep.matrix.values())]
    rows = [{**first, **second} for first in zipped or [{}] for second in crossed]
    names = [*sweep.zip, *sweep.matrix]
    for number, pattern in enumerate(sweep.exclude):
        at = f"{where}.exclude.{number}"
        for name in pattern.keys() - {*names}:
            raise HwcoreError(f"{at}: unknown value {name!r}{did_you_mean(name, names)}")
        rest = [row for row in rows if any(row[name] != value for name, value in pattern.items())]
        if len(rest) == len(rows):
            raise HwcoreError(f"{at}: {pattern} matches no combination of the values; remove it")
        rows = rest
    for number, row in enumerate(sweep.include):
        for name in names:
            if name not in row:
                raise HwcoreError(f"{where}.include.{number}: {name!r} is missing; it needs all of {', '.join(names)}")
        rows.append({**row})
    if not rows or not names:
        raise HwcoreError(
            f"{where}: has no values; give `zip` or `matrix`, e.g. matrix: {{training.lr: [0.01, 0.001]}}"
        )
    return rows


def _rows(
    each: Any, experiment: Any, where: str, models: Callable[[str], Mapping[str, Values]]
) -> list[dict[str, Any]]:
    if each == "models":
        return [{"model": name} for name in models(str(experiment))]
    if isinstance(each, list) and each:
        return [{"model": name} for name in each]
    if isinstance(each, Mapping):
        return combinations(each, where)
    raise HwcoreError(f"{where}: {each!r} is neither `models`, a list of models nor a mapping with zip or matrix")


def _id(template: str, values: Values, taken: Iterable[str], where: str) -> str:
    try:
        id = fill(template, values, in_id)
    except ValueError as error:
        raise HwcoreError(f"{where}: {error}") from None
    if id in taken:
        raise HwcoreError(f"{where}: two of its entries get the id {id!r}; name more of its values in the id")
    return id


def _branch(content: Any, row: Values, axes: Mapping[str, set[str]], where: str) -> Any:
    """``content`` with each mapping from values of the family replaced by what it has for the value of ``row``."""
    if isinstance(content, list):
        return [_branch(item, row, axes, where) for item in content]
    if not isinstance(content, Mapping):
        return content
    keys = {str(key): value for key, value in content.items()}
    for name, values in axes.items():
        if keys and keys.keys() <= values:
            if str(row[name]) not in keys:
                raise HwcoreError(f"{where}: has nothing for {name} {row[name]}")
            return keys[str(row[name])]
    return {key: _branch(value, row, axes, f"{where}.{key}") for key, value in content.items()}


def _filled(content: Any, values: Values, where: str) -> Any:
    """``content`` with its placeholders filled; one that is a whole text becomes the value itself."""
    if isinstance(content, Mapping):
        return {key: _filled(value, values, f"{where}.{key}") for key, value in content.items()}
    if isinstance(content, list):
        items: list[Any] = []
        for number, item in enumerate(content):
            value = _filled(item, values, f"{where}.{number}")
            # [784, "{hidden}", 10] with hidden: [30, 20] is [784, 30, 20, 10]
            is_part = isinstance(item, str) and isinstance(value, list)
            items += value if is_part else [value]
        return items
    if not isinstance(content, str) or "{" not in content:
        return content
    try:
        ((words, name, form), *more) = placeholders(content)
        if values.get(str(name)) is not None and not (words or form or more):
            return values[str(name)]
        return fill(content, values, in_words)
    except ValueError as error:
        raise HwcoreError(f"{where}: {error}") from None


def _names(content: Any, where: str) -> set[str]:
    """The names of all placeholders in ``content``."""
    if isinstance(content, Mapping):
        return set().union(*(_names(value, f"{where}.{key}") for key, value in content.items()))
    if isinstance(content, list):
        return set().union(*(_names(item, where) for item in content))
    try:
        return {name for _, name, _ in placeholders(content) if name} if isinstance(content, str) else set()
    except ValueError as error:
        raise HwcoreError(f"{where}: {error}") from None


def _is_setting(name: str) -> bool:
    """Whether a value sets what it is called after: a key of a model, or `training.lr` within one."""
    return name.partition(".")[0] in ModelFile.model_fields


def _set(model: dict[str, Any], keys: list[str], value: Any, where: str) -> None:
    inner = model
    for key in keys[:-1]:
        part = inner.get(key, {})
        if not isinstance(part, Mapping):
            raise HwcoreError(f"{where}: {'.'.join(keys)}: {key} is {part!r} there, which has no keys")
        # a value that several models share must not change with one of them
        inner[key] = dict(part)
        inner = inner[key]
    inner[keys[-1]] = value
