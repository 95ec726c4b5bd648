"""Why a job is stale, in words: how it differs from the job that its record says made its results."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hwcore.claims.words import listed
from hwcore.files import read_json
from hwcore.jobs import PARTS, Job

# Of more changes than these the rest is counted, and longer values are not printed.
_MAXIMUM = 3
_LONGEST = 40
# at the end of a path: what changed is the order of its keys
_ORDER = "(order)"
# in a change: there is no such value
NOTHING = object()


def changes(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The path, the old and the new value of each change between two JSON values.

    A list's items are called by their ``id``, or by their numbers.  The order of keys and of items with an id counts:
    it is that of models in a legend.
    """
    if isinstance(old, list) and isinstance(new, list):
        named = _by_id(old), _by_id(new)
        if all(named):
            old, new = named
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from changes(old.get(key, NOTHING), new.get(key, NOTHING), f"{path}.{key}" if path else key)
        if [key for key in old if key in new] != [key for key in new if key in old]:
            yield f"{path} {_ORDER}".strip(), list(old), list(new)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(before, after, f"{path}.{number}")
    # 1 and 1.0 are equal, and not the same to a fingerprint
    elif NOTHING in (old, new) or json.dumps(old) != json.dumps(new):
        yield path, old, new


def fingerprint(job: Job) -> str | None:
    """What a job was when its results were made, by its record; None where it has none, or one that does not tell."""
    try:
        made: str = read_json(job.timing)["job"]["fingerprint"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return made


def checksum(job: Job, path: str) -> str | None:
    """The SHA-256 of an input when a job read it, by its record; None where that does not tell."""
    try:
        known: str | None = read_json(job.timing)["read"].get(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return known


def reasons(job: Job) -> list[str]:
    """What a job has of its own that it did not have when its results were made, as phrases.

    They are about its settings, the code, the package versions and which inputs it has; what these are made from is
    left to ``changed_inputs``.  Empty if nothing differs, or if nothing is known of these results.
    """
    made = _record(job)
    if not made or made["fingerprint"] == job.fingerprint:
        return []
    now = job.parts
    phrases = _of_settings(made["stated"], now["stated"]) + _of_code(made["code"], now["code"])
    for name in sorted({*made["versions"], *now["versions"]}):
        old, new = made["versions"].get(name), now["versions"].get(name)
        if old != new:
            phrases.append(f"{name} {new or 'none'} instead of {old or 'none'}")
    for words, one, other in (("no longer reads", made, now), ("now reads", now, made)):
        if names := [name for name in one["inputs"] if name not in other["inputs"]]:
            phrases.append(f"{words} {listed(_some(names, 'more'))}")
    return phrases


def changed_inputs(job: Job) -> list[Path]:
    """The inputs that are made from something else than when its results were made."""
    made = _record(job)
    if not made:
        return []
    before, now = made["inputs"], job.parts["inputs"]
    return [path for key, path in job.inputs.items() if key in before and before[key] != now.get(key)]


def _record(job: Job) -> dict[str, Any]:
    """What its results were made from; empty where its record does not tell all of it."""
    try:
        made: dict[str, Any] = read_json(job.timing)["job"]
        whole = all(isinstance(made[part], Mapping) for part in PARTS)
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return made if whole and "fingerprint" in made else {}


def _by_id(items: list[Any]) -> dict[str, Any]:
    """The items by their ids; none unless each has one of its own."""
    named = {str(item["id"]): item for item in items if isinstance(item, Mapping) and "id" in item}
    return named if len(named) == len(items) else {}


def _some(names: list[str], rest: str) -> list[str]:
    """At most so many names as are told, and the number of the others."""
    # one more takes as much space as to say that there is one
    return names if len(names) <= _MAXIMUM + 1 else [*names[:_MAXIMUM], f"{len(names) - _MAXIMUM} {rest}"]


def _of_settings(old: Any, new: Any) -> list[str]:
    return _some([_setting(*change) for change in changes(old, new)], "more settings")


def _setting(path: str, old: Any, new: Any) -> str:
    if path.endswith(_ORDER):
        return f"the order of {path.removesuffix(_ORDER).strip() or 'settings'} changed"
    if new is NOTHING:
        return f"{path} is no longer set"
    shown = [None if value is NOTHING else _value(value) for value in (old, new)]
    if shown[0] == shown[1] and all(shown):
        # a number that was a text, or the other way round
        shown = [json.dumps(value, ensure_ascii=False) for value in (old, new)]
    if old is NOTHING:
        return f"{path} {shown[1]}, which was not set" if shown[1] else f"{path} is new"
    return f"{path} {shown[1]} instead of {shown[0]}" if all(shown) else f"{path} changed"


def _value(value: Any) -> str | None:
    """A value as a study file has it, None if it is too long to be shown, or a hash."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST or "\n" in text:
        return None
    # "" is nothing to see, and the words of a text could be taken for those of the phrase
    quoted = isinstance(value, str) and (not text or " " in text)
    return json.dumps(text, ensure_ascii=False) if quoted else text


def _of_code(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[str]:
    """One phrase for all modules that changed, that are new and that are gone."""
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if not names:
        return []
    return [f"{listed(_some(names, 'more modules'))} changed"]
