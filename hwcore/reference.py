"""The reference in docs/reference/: what specifications say of themselves, written into pages of prose.

A page holds places that begin with `<!-- reference: NAME -->` and end with `<!-- end -->`.  `make docs`
fills each anew from the specifications that `PLACES` has under its name; the text around them is
written by hand.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml

from hwcore.analyses.spec import AnalysisSpec
from hwcore.claims.rule import RuleSpec
from hwcore.claims.spec import MEASURES, RULES, Claim
from hwcore.config import Config
from hwcore.data.augmentations.spec import Kind as AnyAugmentation
from hwcore.data.catalog import SOURCES
from hwcore.data.formula import FUNCTIONS
from hwcore.data.spec import DatasetData, FunctionData
from hwcore.errors import HwcoreError
from hwcore.nets.shorthand import Cnn
from hwcore.questions.catalog import QUESTIONS
from hwcore.spec import Spec
from hwcore.studies import schema
from hwcore.studies.kinds import ANALYSES, FIGURES, LAYERS
from hwcore.train import columns
from hwcore.train.spec import Record, Training

FOLDER = Path("docs/reference")
_PLACE = re.compile(r"(<!-- reference: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Schema = Mapping[str, Any]


def explain(spec: type[Spec], level: int, *, elsewhere: Mapping[str, str] | None = None) -> str:
    """A table of the keys of a specification and, under headings of ``level``, of those that it holds.

    ``elsewhere`` has links, by the name of the class, to specifications that are explained in another place.
    """
    whole = spec.model_json_schema()
    # what the class adds to those that it is made from comes first
    keys = sorted(whole.get("properties", {}), key=lambda key: key not in spec.__annotations__)
    whole["properties"] = {key: whole["properties"][key] for key in keys}
    page = _Explanation(whole.get("$defs", {}), level, elsewhere or {})
    return "\n\n".join(page.parts(whole))


def kinds(known: Mapping[str, type[Spec]], room: str, function: str | None, level: int) -> str:
    """Each kind under a heading of its own: what it is for and what it needs, its options, and how it does it.

    The last is the docstring of the module of that kind in the package ``room``, or of a ``function`` in it, which
    is read and not loaded.
    """
    parts = []
    for name, options in known.items():
        parts += [f"{'#' * level} {name}", _prose(options.__doc__ or "")]
        if issubclass(options, AnalysisSpec):
            parts += _needs(options)
        if issubclass(options, RuleSpec):
            parts.append(f"It judges {_either(options.judges)}.")
        parts.append(explain(options, level + 1) if options.model_fields else "It has no options.")
        parts += _docstring(room, name.replace("-", "_"), function)
        if issubclass(options, AnalysisSpec):
            parts.append(table_of_columns(options.columns))
    return "\n\n".join(parts)


def table_of_columns(holds: Mapping[str, str]) -> str:
    """What each column of a table holds."""
    return _table(("column", "holds"), [(f"`{column}`", text) for column, text in holds.items()])


def sections(known: Mapping[str, type[Spec]], level: int, elsewhere: Mapping[str, str] | None = None) -> str:
    """Each specification under its name, those that several names share under that of its class."""
    names: dict[type[Spec], list[str]] = {}
    for name, spec in known.items():
        names.setdefault(spec, []).append(name)
    parts = []
    for spec, alike in names.items():
        parts += [f"{'#' * level} {alike[0] if len(alike) == 1 else spec.__name__.lower()}", _prose(spec.__doc__ or "")]
        if len(alike) > 1:
            parts.append(f"These are {_either(f'`{name}`' for name in alike).replace(' or ', ' and ')}.")
        if main := getattr(spec, "main", None):
            parts.append(f"Its value alone sets `{main}`.")
        if spec.model_fields.keys() - {"kind", "source"}:
            parts.append(explain(spec, level + 1, elsewhere=elsewhere))
    return "\n\n".join(parts)


def questions() -> str:
    """A row for each question: its id, what it asks, which experiments answer it, and by which table."""
    rows = [(f"`{id}`", each.title, _prose(each.__doc__ or ""), f"`{each.table}`") for id, each in QUESTIONS.items()]
    return _table(("id", "question", "answered by", "table"), rows)


PLACES: dict[str, Callable[[], str]] = {
    "study": lambda: explain(schema.StudyFile, 3),
    "experiment": lambda: explain(schema.ExperimentFile, 3, elsewhere={"Record": "[record](training.md#record)"}),
    "questions": questions,
    "model": lambda: explain(schema.ModelFile, 3, elsewhere={"Cnn": "[cnn](networks.md#cnn)"}),
    "not-rerun": lambda: explain(schema.NotRerunFile, 3),
    "sweep": lambda: explain(schema.Sweep, 3),
    "cnn": lambda: explain(Cnn, 3),
    "layers": lambda: sections(LAYERS, 3, {"LayerSpec": "[layers](#layers)"}),
    "function-data": lambda: explain(FunctionData, 3),
    "functions": lambda: ", ".join(f"`{name}`" for name in FUNCTIONS),
    "dataset-data": lambda: explain(DatasetData, 3),
    "augmentations": lambda: sections({str(_kind(each)): each for each in get_args(AnyAugmentation)}, 3),
    "training": lambda: explain(Training, 3),
    "record": lambda: explain(Record, 3),
    "metrics": lambda: table_of_columns(columns.METRICS),
    "steps": lambda: table_of_columns(columns.STEPS),
    "analyses": lambda: kinds(ANALYSES, "hwcore.analyses", "analyse", 2),
    "figures": lambda: kinds(FIGURES, "hwcore.figures", "draw", 2),
    "claim": lambda: explain(Claim, 3),
    "measures": lambda: sections(MEASURES, 3),
    "rules": lambda: kinds(RULES, "hwcore.claims.rules", None, 3),
    "sources": lambda: sections(SOURCES, 3),
    "configuration": lambda: explain(Config, 3),
}


def fill(text: str, file: str) -> str:
    """A page with all of its places filled.  Raises HwcoreError for a place of an unknown name."""

    def filled(place: re.Match[str]) -> str:
        if place[2] not in PLACES:
            raise HwcoreError(f"{file}: unknown place {place[2]!r} (known: {', '.join(PLACES)})")
        return f"{place[1]}\n{PLACES[place[2]]()}\n\n{place[3]}"

    return _PLACE.sub(filled, text)


def write() -> None:
    """Fill all pages of the reference."""
    for path in sorted(FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        path.write_text(fill(text, str(path)), encoding="utf-8")


class _Explanation:
    """The tables of one specification and of those inside it, each once and in the order in which they are named."""

    def __init__(self, inner: Mapping[str, Schema], level: int, elsewhere: Mapping[str, str]) -> None:
        self.inner = inner
        self.level = level
        self.elsewhere = elsewhere
        self.named: list[str] = []

    def parts(self, schema: Schema) -> Iterator[str]:
        yield self.table(schema)
        # the list grows while it is gone through
        for name in self.named:
            inner = self.inner[name]
            yield f"{'#' * self.level} {_title(name, inner)}"
            if "description" in inner:
                yield _prose(inner["description"])
            if set(inner.get("properties", {})) - {"kind"}:
                yield self.table(inner)

    def table(self, schema: Schema) -> str:
        required = schema.get("required", ())
        rows = [
            (f"`{key}`", self.words(field), self.default(field, key in required), _prose(field.get("description", "")))
            for key, field in schema.get("properties", {}).items()
            # the heading has the name of the kind or source
            if key != "kind" and "const" not in field
        ]
        return _table(("key", "value", "default", "meaning"), rows)

    def words(self, field: Schema, *, plural: bool = False) -> str:
        """The values that a field takes."""
        options = field.get("anyOf") or field.get("oneOf")
        if options:
            told: list[str] = []
            for option in options:
                if option.get("type") == "boolean":
                    told += ["`true`", "`false`"]
                # that nothing is a value too is said by the default, which then is none
                elif option.get("type") != "null":
                    told.append(self.words(option, plural=plural))
            return _either(dict.fromkeys(told))
        if "$ref" in field:
            return self.link(field["$ref"].rpartition("/")[2])
        if "enum" in field or "const" in field:
            return _either(f"`{value}`" for value in field.get("enum", [field.get("const")]))
        return self.simple(field, plural=plural)

    def simple(self, field: Schema, *, plural: bool) -> str:
        match field.get("type"):
            case "boolean":
                return "`true` or `false`"
            case "integer":
                return ("whole numbers" if plural else "whole number") + _bounds(field)
            case "number":
                return ("numbers" if plural else "number") + _bounds(field)
            case "string":
                return ("texts" if plural else "text") + (f" like `{field['pattern']}`" if "pattern" in field else "")
            case "array":
                return self.array(field, plural=plural)
            case "object":
                values = field.get("additionalProperties")
                inner = self.words(values, plural=True) if isinstance(values, Mapping) and values else ""
                return ("mappings" if plural else "mapping") + (f" of names to {inner}" if inner else "")
        return "anything"

    def array(self, field: Schema, *, plural: bool) -> str:
        which = "lists" if plural else "list"
        fixed = [self.words(item) for item in field.get("prefixItems", ())]
        if len(set(fixed)) == 1 and len(fixed) > 2:
            return f"{which} of {len(fixed)} {self.words(field['prefixItems'][0], plural=True)}"
        if fixed:
            return f"[{', '.join(fixed)}]"
        item = field.get("items", {})
        if len(item.get("anyOf") or item.get("oneOf") or item.get("enum") or ()) > 1:
            return f"{which}, each {self.words(item)}"
        return f"{which} of {self.words(item, plural=True)}" if item else which

    def link(self, name: str) -> str:
        if name in self.elsewhere:
            return self.elsewhere[name]
        title = _title(name, self.inner[name])
        if name not in self.named:
            self.named.append(name)
        return f"[{title}](#{title.replace(' ', '-')})"

    def default(self, field: Schema, required: bool) -> str:
        if required:
            return "**required**"
        value = field.get("default")
        if value is None or (isinstance(value, Mapping) and not value) or value == []:
            return "none"
        if isinstance(value, Mapping):
            return "its defaults"
        # after a plain scalar YAML writes the end of its document
        written = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
        return f"`{written}`"


def _title(name: str, schema: Schema) -> str:
    """The heading of a specification: the kind that it is if it is one, else the name of its class in words."""
    kind = schema.get("properties", {}).get("kind", {}).get("const")
    return kind or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _kind(spec: type[Spec]) -> Any:
    """The kind that a specification of one kind is of."""
    return get_args(spec.model_fields["kind"].annotation)[0]


def _bounds(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    if above is not None and field["type"] == "integer":
        low, above = above + 1, None
    told = []
    if low is not None:
        told.append(f"from {low:g}")
    if above is not None:
        told.append(f"above {above:g}")
    if high is not None:
        told.append(f"to {high:g}" if low is not None else f"up to {high:g}")
    if below is not None:
        told.append(f"and below {below:g}" if told else f"below {below:g}")
    return "".join(f" {part}" for part in told)


def _either(options: Iterable[str]) -> str:
    *first, last = options
    return f"{', '.join(first)} or {last}" if first else last


def _needs(options: type[AnalysisSpec]) -> Iterator[str]:
    """What the experiment must record for an analysis, and for which of its options."""
    choices = {
        name: get_args(field.annotation)
        for name, field in options.model_fields.items()
        if get_origin(field.annotation) is Literal
    }
    every = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    remedies = [(choice, options.model_construct(**choice).unrecorded(Record())) for choice in every]
    for remedy in dict.fromkeys(remedy for _, remedy in remedies if remedy):
        where = [choice for choice, other in remedies if other == remedy]
        if len(where) == len(every):
            yield f"It needs `{remedy}` in the experiment."
            continue
        for name, possible in choices.items():
            values = {choice[name] for choice in where}
            if values < {*possible}:
                yield f"With {_either(f'`{name}: {value}`' for value in sorted(values))} it needs `{remedy}`."


def _docstring(room: str, name: str, function: str | None) -> Iterator[str]:
    """The paragraphs of the docstring of a function, or of its module, without what is raised."""
    tree = ast.parse(Path(*room.split("."), f"{name}.py").read_text(encoding="utf-8"))
    documented: ast.Module | ast.FunctionDef = tree
    if function:
        (documented,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    for paragraph in (ast.get_docstring(documented) or "").split("\n\n"):
        if told := re.sub(r"\s*Raises \w+Error.*", "", paragraph, flags=re.DOTALL):
            yield _prose(told)


def _prose(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(text.split()))


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
