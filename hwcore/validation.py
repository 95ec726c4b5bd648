"""Messages for values that a configuration or study file got wrong."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from hwcore.errors import HwcoreError

Model = TypeVar("Model", bound=BaseModel)
# Ids become folder names; `--` separates an experiment from its variant.
ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def validate(model: type[Model], value: Any, file: str, at: str = "") -> Model:
    """``value`` as a ``model``.

    Raises HwcoreError with the first mistake in one line: the file, the key (``at`` is the key of
    ``value`` itself), the value and what would be right.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # what is there and wrong comes before what is missing, which may be there under another name
        first, *others = sorted(error.errors(include_url=False), key=lambda mistake: mistake["type"] == "missing")
    fields = _fields(model, first["loc"])
    # pydantic puts the tag of a union into the location; it is no key of the file
    missing = first["type"] == "missing"
    key = ".".join(str(part) for part in (at, *_keys(value, first["loc"], missing=missing)) if part != "")
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        message = _unknown(str(first["loc"][-1]), first["input"], fields)
    elif missing:
        message = "is missing"
    elif first["type"] == "value_error":
        message = str(first["ctx"]["error"])
    else:
        message = _mistake(first)
    raise HwcoreError(f"{file}: {key or 'top level'}: {message}{more}")


def nested(key: str, model: type[Model], value: Any) -> Model:
    """``value`` as a ``model``, within a validator of the mapping that has it under ``key``.

    Raises ValidationError whose mistakes lie under that key.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    raise ValidationError.from_exception_data(
        model.__name__,
        [
            {"type": each["type"], "loc": (key, *each["loc"]), "input": each["input"], "ctx": each.get("ctx", {})}
            for each in mistakes
        ],
    )


def _mistake(error: Mapping[str, Any]) -> str:
    """A value that is not what its key takes."""
    value, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "string_type":
            return f"{value!r} should be a text; put it in quotes"
        case "string_pattern_mismatch" if context["pattern"] == ID:
            return f"{value!r} should be of small letters and digits, in parts joined by hyphens: my-network-2"
        case "too_short" if isinstance(value, dict | list) and not value:
            return f"{value!r} is empty; it takes at least one"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{value!r} should be a mapping, `key: value`" if value is not None else "is empty"
        case "union_tag_invalid":
            return f"unknown {context['discriminator']}: {context['tag']}, not one of {context['expected_tags']}"
    said = str(error["msg"]).removeprefix("Input ")
    return f"{value!r} {said[0].lower() + said[1:]}"


def _unknown(key: str, value: Any, known: Iterable[str]) -> str:
    if value is None and " " in key:
        # in {caption: one, two} the comma ends the caption
        return f"{key!r} is a key without a value; a text with a comma in it stands in quotes"
    return f"unknown key{did_you_mean(key, known)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, and all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return hint + (f" (known: {', '.join(known)})" if known else "")


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the innermost model along ``location`` has; none if a union of several models is on the way."""
    inner: Any = model
    for part in location[:-1]:
        field = inner.model_fields.get(part) if isinstance(part, str) else None
        annotation = field.annotation if field else None
        # a model that may be left out is a union with None
        models = [kind for kind in (annotation, *get_args(annotation)) if _is_model(kind)]
        if len(models) != 1:
            return []
        inner = models[0]
    return list(inner.model_fields)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys(value: Any, location: tuple[int | str, ...], *, missing: bool) -> list[int | str]:
    """The keys of the file along ``location``, of which the last may be ``missing`` there."""
    keys = []
    for number, part in enumerate(location):
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list | tuple) and isinstance(part, int) and part < len(value))
        if inside or (missing and number == len(location) - 1):
            keys.append(part)
        if inside:
            value = value[part]
    return keys
