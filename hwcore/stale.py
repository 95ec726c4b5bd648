"""Why a job is stale, in words: how it differs from the job that its record says made its results."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hwcore.claims.words import listed
from hwcore.files import read_json
from hwcore.jobs import Job

# Of more changes than these the rest is counted, and longer values are not printed.
_MAXIMUM = 3
_LONGEST = 40
# at the end of a path: what changed is the order of its keys
_ORDER = "(order)"
# in a change: there is no such value
NOTHING = object()


def changes(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The path, the old and the new value of each change between two JSON values.

    A list's items are called by their ``id``, or by their numbers.  The order of keys counts: it is that of models in
    a legend.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from changes(old.get(key, NOTHING), new.get(key, NOTHING), f"{path}.{key}" if path else key)
        if [key for key in old if key in new] != [key for key in new if key in old]:
            yield f"{path} {_ORDER}".strip(), list(old), list(new)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            named = isinstance(before, Mapping) and isinstance(after, Mapping) and before.get("id") == after.get("id")
            place = after.get("id", number) if named else number
            yield from changes(before, after, f"{path}.{place}")
    elif old != new:
        yield path, old, new


def reasons(job: Job) -> list[str]:
    """What a job has of its own that it did not have when its results were made, as phrases.

    They are about its settings, the code and the package versions; what its inputs are made from is left to
    ``changed_inputs``.  Empty if nothing differs, or if nothing is known of these results.
    """
    made = _record(job)
    if not made or made["fingerprint"] == job.fingerprint:
        return []
    phrases = _of_settings(made["spec"], job.spec)
    phrases += _of_code(made["code"], job.parts["code"])
    for package, old, new in changes(made["versions"], job.parts["versions"]):
        phrases.append(f"{package} {_or_none(new)} instead of {_or_none(old)}")
    return phrases


def changed_inputs(job: Job) -> list[Path]:
    """The inputs that are made from something else than when its results were made, and those that are new."""
    made = _record(job)
    if not made:
        return []
    before, now = made["inputs"], job.parts["inputs"]
    return [path for key, path in job.inputs.items() if before.get(key) != now.get(key)]


def is_known(job: Job) -> bool:
    """Whether the record of a job says what its results were made from; those of earlier versions do not."""
    return bool(_record(job))


def _record(job: Job) -> dict[str, Any]:
    try:
        made: dict[str, Any] = read_json(job.timing)["job"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return made


def _of_settings(old: Any, new: Any) -> list[str]:
    each = [_setting(*change) for change in changes(old, new)]
    rest = len(each) - _MAXIMUM
    # one more takes as much space as to say that there is one
    return each if rest <= 1 else [*each[:_MAXIMUM], f"{rest} more settings"]


def _setting(path: str, old: Any, new: Any) -> str:
    if path.endswith(_ORDER):
        return f"the order of {path.removesuffix(_ORDER).strip() or 'settings'} changed"
    if new is NOTHING:
        return f"{path} is no longer set"
    shown = [None if value is NOTHING else _value(value) for value in (old, new)]
    if old is NOTHING:
        return f"{path} {shown[1]}, which was not set" if shown[1] else f"{path} is new"
    return f"{path} {shown[1]} instead of {shown[0]}" if all(shown) else f"{path} changed"


def _value(value: Any) -> str | None:
    """A value as a study file has it, None if it is too long to be shown, or a hash."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST or "\n" in text:
        return None
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and " " in text else text


def _of_code(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[str]:
    """One phrase for all modules that changed, that are new and that are gone."""
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if not names:
        return []
    if len(names) > _MAXIMUM + 1:
        names = [*names[:_MAXIMUM], f"{len(names) - _MAXIMUM} more modules"]
    return [f"{listed(names)} changed"]


def _or_none(version: str | None) -> str:
    return version or "none"
