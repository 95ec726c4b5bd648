"""Reading a study file, and the lines on which its keys are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from hwcore.errors import HwcoreError

# the loader in C reads a study eight times as fast, but not every installation has it
_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# What a study file has at most: bytes, lists and mappings within each other, and values with aliases written out.
_BYTES, _DEPTH, _VALUES = 2**20, 50, 50_000
# Files with fewer marks of structure than this cannot be so deep that reading them ends the process.
_HARMLESS = 5_000
_MARKS = re.compile(r"[\[{:?-]")
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}


class _Loader(_Fastest):  # type: ignore[misc]
    """Takes no key twice in a mapping: of two, YAML's own loader silently drops the first.

    It knows texts, numbers, truth values, lists and mappings: what else YAML has, no study can use.
    """

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
            self._check_merged(node)
            super().flatten_mapping(node)

    def _check_merged(self, node: yaml.MappingNode) -> None:
        count = 0
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(each, yaml.MappingNode):
                        self.flatten_mapping(each)
                        count += len(each.value)
                        if count > _VALUES:
                            raise yaml.constructor.ConstructorError(None, None, _TOO_MANY, key.start_mark)

    def construct_value(self, node: yaml.ScalarNode) -> Any:
        kind = node.tag.rpartition(":")[2]
        try:
            return getattr(self, f"construct_yaml_{kind}")(node)
        except (ValueError, LookupError, OverflowError):
            # of five thousand digits, or none
            problem = f"{node.value[:40]!r} is not of the type {kind}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_undefined(self, node: yaml.Node) -> NoReturn:
        problem = f"the type {node.tag!r} is not known"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


# A date is a text, as it is written.
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag in _TAGS]
    for letter, resolvers in _Fastest.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    **{tag: construct for tag, construct in _Fastest.yaml_constructors.items() if tag in _TAGS},
    **{f"tag:yaml.org,2002:{kind}": _Loader.construct_value for kind in ("bool", "int", "float")},
    None: _Loader.construct_undefined,
}
# What to do about what the loader says.
_REMEDIES = {
    "mapping values are not allowed in this context": "; a text with a colon in it stands in quotes",
    "found character that cannot start any token": "; a text that begins with % or @ stands in quotes, and lines are "
    "indented by spaces",
    "found a tab character that violates indentation": "; lines are indented by spaces",
    "did not find expected key": "; look at the indent and the brackets here and above",
    "did not find expected ',' or '}'": "; a bracket is not closed, or a comma is missing",
    "did not find expected ',' or ']'": "; a bracket is not closed, or a comma is missing",
}
_TOO_DEEP = f"lists and mappings are more than {_DEPTH} deep"
_TOO_MANY = f"there are more than {_VALUES:,} values, aliases written out"


def read(path: Path) -> Any:
    """The content of a YAML file: texts, numbers, truth values, None, lists and mappings.

    Raises HwcoreError, with the line, where it is not valid or larger than any study.
    """
    try:
        text = _text(path)
        if len(_MARKS.findall(text)) > _HARMLESS:
            _check_depth(text)
        # a loader that makes no objects
        content = yaml.load(text, _Loader)  # nosec B506
        _check_values(content, {}, 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise HwcoreError(f"{path}:{line} is not valid YAML: {problem}{_REMEDIES.get(problem, '')}") from None
    except UnicodeDecodeError:
        raise HwcoreError(f"{path}: is not valid YAML: it must be saved as UTF-8") from None
    except RecursionError:
        raise HwcoreError(f"{path}: {_TOO_DEEP}") from None
    except ValueError as error:
        raise HwcoreError(f"{path}: {error}") from None
    return content


def _text(path: Path) -> str:
    if path.stat().st_size > _BYTES:
        raise ValueError(f"is larger than a study can be, {_BYTES / 2**20:.0f} MiB")
    return path.read_text(encoding="utf-8")


def _check_depth(text: str) -> None:
    """Raise ConstructorError where lists and mappings are too deep: the loaders in C would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Fastest):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH:
                raise yaml.constructor.ConstructorError(None, None, _TOO_DEEP, event.start_mark)  # type: ignore[arg-type]
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_values(content: Any, known: dict[int, int], depth: int) -> int:
    """How many values there are, each alias written out; ``known`` are those of lists and mappings by id.

    Raises ValueError if they are too many or too deep, or if one holds itself.
    """
    if not isinstance(content, dict | list):
        return 1
    if depth == _DEPTH:
        raise ValueError(_TOO_DEEP)
    count = known.get(id(content))
    if count is None:
        # 0 while it is counted
        known[id(content)] = 0
        inner = [*content, *content.values()] if isinstance(content, dict) else content
        count = 1 + sum(_check_values(each, known, depth + 1) for each in inner)
        if count > _VALUES:
            raise ValueError(_TOO_MANY)
        known[id(content)] = count
    elif count == 0:
        raise ValueError("is not valid YAML: an alias stands within what it stands for")
    return count


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
