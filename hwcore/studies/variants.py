"""Variants of an experiment: what is described, with what a variant says differently laid over it."""

from collections.abc import Callable, Mapping
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.validation import did_you_mean

AS_DESCRIBED = "as-described"
VARIANTS = ("as-run", "corrected")


def resolve(content: Mapping[str, Any], where: str, expand: Callable[[Any, str], Any]) -> dict[str, dict[str, Any]]:
    """The experiment as described and in each of its variants, by the variant's name.

    ``expand`` gives the models of an experiment, sweeps expanded.  A variant may change a sweep, by its id, and each
    of the models that it makes.

    A variant states only what differs, and null removes a key.  One with `not_rerun` states nothing else.

    Raises HwcoreError for an unknown variant and for null where there is nothing to remove.
    """
    differences = content.get("variants") or {}
    described = {key: value for key, value in content.items() if key != "variants"}
    if not isinstance(differences, Mapping):
        raise HwcoreError(f"{where}.variants: {differences!r} is not a mapping")
    resolved = {AS_DESCRIBED: _expanded(described, expand, where)}
    for variant, difference in differences.items():
        at = f"{where}.variants.{variant}"
        if variant not in VARIANTS:
            raise HwcoreError(f"{where}.variants: unknown {variant!r}{did_you_mean(str(variant), VARIANTS)}")
        if not isinstance(difference, Mapping):
            raise HwcoreError(f"{at}: {difference!r} is not a mapping of what differs")
        if "not_rerun" in difference:
            resolved[variant] = {key: described[key] for key in ("section", "title", "question") if key in described}
            resolved[variant] |= difference
            continue
        if "not_rerun" in described:
            raise HwcoreError(f"{at}: the experiment is not re-run, so that a variant has nothing to differ from")
        resolved[variant] = _vary(described, difference, at, expand)
    return resolved


def _vary(
    described: Mapping[str, Any], difference: Mapping[str, Any], at: str, expand: Callable[[Any, str], Any]
) -> dict[str, Any]:
    models, changed = described.get("models"), difference.get("models")
    swept: dict[str, Any] = {}
    if isinstance(models, Mapping) and isinstance(changed, Mapping) and any("{" in str(id) for id in models):
        # these are models that a sweep makes, or new ones
        swept = {id: model for id, model in changed.items() if "{" not in str(id) and id not in models}
        difference = {**difference, "models": {id: changed[id] for id in changed if id not in swept}}
    varied = _expanded(merge(described, difference, at), expand, at)
    return {**varied, "models": merge(varied["models"], swept, f"{at}.models")} if swept else varied


def _expanded(content: Mapping[str, Any], expand: Callable[[Any, str], Any], where: str) -> dict[str, Any]:
    return {**content, "models": expand(content, f"{where}.models")} if "models" in content else {**content}


def merge(base: Any, difference: Any, at: str) -> Any:
    """``base`` with ``difference`` laid over it; a null removes a key.

    Raises HwcoreError for a null where there is nothing to remove.
    """
    if not (isinstance(base, Mapping) and isinstance(difference, Mapping)):
        return difference
    for key, value in difference.items():
        if value is None and key not in base:
            raise HwcoreError(
                f"{at}.{key}: null removes a key, but there is none to remove; to add it with its defaults write {{}}"
            )
    merged = {key: merge(base.get(key), value, f"{at}.{key}") for key, value in difference.items() if value is not None}
    kept = {key: value for key, value in base.items() if key not in difference}
    # the order of the base comes first, so that a variant's models keep their colours
    order = [*base, *(key for key in merged if key not in base)]
    return {key: {**kept, **merged}[key] for key in order if key in kept or key in merged}
