"""Reading a study file, and the lines on which its keys are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hwcore.errors import HwcoreError

# the loader in C reads a study eight times as fast, but not every installation has it
_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fastest):  # type: ignore[misc]
    """Takes no key twice in a mapping: of two, YAML's own loader silently drops the first."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._seen: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # a second visit would see the keys of merged mappings beside those that override them
        if id(node) not in self._seen:
            self._seen.add(id(node))
            keys: set[tuple[str, str]] = set()
            for key, _ in node.value:
                # YAML's own loader refuses keys that are lists or mappings
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in keys:
                        problem = f"the key {key.value!r} is given twice"
                        raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                    keys.add((key.tag, key.value))
        super().flatten_mapping(node)


def read(path: Path) -> Any:
    """The content of a YAML file.  Raises HwcoreError, with the line, where it is not valid."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise HwcoreError(f"{path}:{line} is not valid YAML: {problem}") from None
    except UnicodeDecodeError:
        raise HwcoreError(f"{path}: is not valid YAML: it must be saved as UTF-8") from None


def located(error: HwcoreError, path: Path) -> HwcoreError:
    """The same error with the line of its key: `file: key: what` becomes `file:line: key: what`.

    The file is read again for it, so that a file without mistakes costs nothing.
    """
    match = re.match(rf"{re.escape(str(path))}: (\S+?): ", str(error))
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Fastest) if match else None
    if not match or root is None:
        return error
    _, line = min((_find(root, keys) for keys in _places(match[1])), key=lambda place: place[0])
    return HwcoreError(f"{path}:{line}{str(error).removeprefix(str(path))}")


def _places(key: str) -> Iterator[list[str]]:
    """Where in the file a key of the resolved study may be: what a variant or a model leaves out is its experiment's.

    The first of equally good places is the one that counts.
    """
    # not within the braces of a placeholder
    keys = re.split(r"\.(?![^{]*\})", key)
    yield keys
    if keys[0] != "experiments" or len(keys) < 2:
        return
    base, _, variant = keys[1].partition("--")
    inner = [keys[2:]]
    if keys[2:3] == ["models"]:
        inner.append(keys[4:])
    for rest in inner:
        if variant:
            yield ["experiments", base, "variants", variant, *rest]
        yield ["experiments", base, *rest]


def _find(root: yaml.Node, keys: list[str]) -> tuple[int, int]:
    """How many of the keys are not there, and the line of the last one that is, counted from 1."""
    node, line = root, root.start_mark.line
    for number, key in enumerate(keys):
        # a sweep has the values of a setting in one key: training.lr
        inner = _swept(node, ".".join(keys[number:]))
        if inner:
            return 0, inner[0] + 1
        inner = _inner(node, key)
        if inner is None:
            return len(keys) - number, line + 1
        line, node = inner
    return 0, line + 1


def _inner(node: yaml.Node, key: str) -> tuple[int, yaml.Node] | None:
    """The line and the value of a key of a mapping or a place in a list."""
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        item = node.value[int(key)]
        return item.start_mark.line, item
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if name.value == key:
            return name.start_mark.line, value
    for name, value in node.value:
        # one of the entries that a family stands for
        if "{" in str(name.value) and _matches(name.value, key):
            return name.start_mark.line, value
    for name, value in node.value:
        merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for each in merged if name.value == "<<" else []:
            if inner := _inner(each, key):
                return inner
    for name, value in node.value:
        if key.startswith(f"{name.value}-") and _inner(value, "each"):
            return name.start_mark.line, value
    return None


def _swept(node: yaml.Node, setting: str) -> tuple[int, yaml.Node] | None:
    for part in ("zip", "matrix"):
        values = _inner(node, part) if isinstance(node, yaml.MappingNode) else None
        inner = _inner(values[1], setting) if values else None
        if inner:
            return inner
    return None


def _matches(template: str, id: str) -> bool:
    parts = re.split(r"\{[^}]*\}", template)
    return re.fullmatch(".+".join(map(re.escape, parts)), id) is not None
