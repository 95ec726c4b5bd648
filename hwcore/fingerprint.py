"""What the code and the settings behind a job are, as far as they decide its outcome.

Snakemake's own code trigger sees neither imported modules nor the difference between a comment
and a change.  Here the code of a job is its script and every hwcore module that the script, or
one of the modules that the job loads by name, imports directly or indirectly.  Each is hashed
on its syntax tree.  What cannot change a result is left out of the tree: comments, formatting,
docstrings, the text of errors and log lines, and the fields of a specification, whose values are
part of the job's own settings.  The modules in PLUMBING are left out as a whole.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from hwcore.errors import HwcoreError
from hwcore.files import checksum, read_json, write_json

PACKAGE = "hwcore"
# How a job runs, never what it computes: none of these modules may import one that computes.
PLUMBING = frozenset(
    {
        # checksums decide what is downloaded
        "hwcore.data.archives",
        "hwcore.data.fetch",
        "hwcore.errors",
        "hwcore.files",
        "hwcore.integrity",
        "hwcore.jobs",
        "hwcore.machine",
        # what is said in short is said in full in the specification of a job
        "hwcore.nets.shorthand",
        "hwcore.processes",
        "hwcore.provenance",
        "hwcore.tensors",
        "hwcore.train.parallel",
        "hwcore.train.progress",
        "hwcore.train.resume",
        "hwcore.validation",
    }
)
# Exceptions whose arguments are a message for the user, and methods of a logger.
_TOLD = {"HwcoreError", "ValueError"}
_LOGGED = {"debug", "info", "warning", "error", "exception"}
_Documented: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Code:
    """The sources under one folder, each read once.

    What was learnt of a source is kept in the file ``memory``, by content, for the next call: parsing them all
    takes longer than all else that a call with nothing to do does for hwcore.

    Raises HwcoreError for a module that is not valid Python.
    """

    def __init__(self, root: Path, memory: Path | None = None) -> None:
        self.root = root
        self._memory = memory
        # what a source is depends on this file too
        self._version = [sys.version, checksum(Path(__file__))]
        self._known = self._remembered()
        self._sources: dict[str, _Source] = {}
        self._read = cache(self._read_source)
        self._path = cache(self._find_path)
        self._closure = cache(self._find_closure)
        self.modules = cache(self._find_modules)
        self.digests = cache(self._compute_digests)
        self.digest = cache(self._compute_digest)

    def save(self) -> None:
        """Keep what this call learnt, and nothing else.  Raises OSError where that cannot be written."""
        if self._memory and self._sources != self._known:
            sources = {key: [list(source.imports), source.digest] for key, source in self._sources.items()}
            write_json(self._memory, {"version": self._version, "sources": sources})

    def _find_modules(self, script: str, named: tuple[str, ...] = ()) -> list[str]:
        """The hwcore modules that ``script`` (a path) and the modules loaded by name may load."""
        entries = {*self._read(self.root / script).imports, *named}
        return sorted(set().union(*(self._closure(entry) for entry in entries)))

    def _compute_digest(self, script: str, named: tuple[str, ...] = ()) -> str:
        """One hash over ``script`` and its modules."""
        own, *hashes = self.digests(script, named).items()
        return digest([own[1], dict(hashes)])

    def _compute_digests(self, script: str, named: tuple[str, ...] = ()) -> dict[str, str]:
        """A hash for ``script``, which comes first, and for each of its modules, by path and by name."""
        computing = [name for name in self.modules(script, named) if name not in PLUMBING]
        hashes = {name: self._read(path).digest for name in computing if (path := self._path(name))}
        return {script: self._read(self.root / script).digest, **hashes}

    def _find_path(self, module: str) -> Path | None:
        folder = self.root.joinpath(*module.split("."))
        for path in (folder / "__init__.py", folder.with_suffix(".py")):
            if path.is_file():
                return path
        return None

    def _read_source(self, path: Path) -> "_Source":
        content = path.read_bytes()
        key = hashlib.sha256(content).hexdigest()
        self._sources[key] = self._known.get(key) or self._parse(path, content)
        return self._sources[key]

    def _parse(self, path: Path, content: bytes) -> "_Source":
        try:
            tree = ast.parse(content, filename=str(path))
        except SyntaxError as error:
            place = path.relative_to(self.root)
            raise HwcoreError(f"{place}: line {error.lineno} is not valid Python: {error.msg}") from None
        imports = {name for name in _imports(tree) if name.partition(".")[0] == PACKAGE}
        return _Source(tuple(sorted(imports)), digest(_skeleton(_Essence().visit(tree))))

    def _find_closure(self, module: str) -> frozenset[str]:
        closure, queue = set(), [module]
        while queue:
            name = queue.pop()
            # what is imported from a module need not be one
            path = None if name in closure else self._path(name)
            if path:
                closure.add(name)
                # importing a.b.c runs a/__init__.py and a/b/__init__.py too
                queue += [*self._read(path).imports, *filter(None, [name.rpartition(".")[0]])]
        return frozenset(closure)

    def _remembered(self) -> dict[str, "_Source"]:
        if self._memory is None or not self._memory.is_file():
            return {}
        try:
            memory = read_json(self._memory)
            if memory["version"] != self._version:
                return {}
            return {key: _Source(tuple(imports), digest) for key, (imports, digest) in memory["sources"].items()}
        except (ValueError, LookupError, TypeError, AttributeError):
            # whatever somebody wrote there: all is learnt anew
            return {}


@dataclass(frozen=True)
class _Source:
    """What is needed of a file: the names in hwcore that it imports, and the hash of its syntax tree."""

    imports: tuple[str, ...]
    digest: str


def digest(value: Any) -> str:
    """The SHA-256 of a JSON value.  The order of keys counts: it is that of models in a legend."""
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any, *, defaults: bool = True) -> Any:
    """``value`` as JSON, specifications in it as mappings, on request without the settings at their defaults.

    Fingerprints leave these out, so that a new setting changes none.  A default must therefore never change;
    tests/test_fingerprint.py holds all of them.
    """
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=not defaults)
    if isinstance(value, Mapping):
        return {key: plain(item, defaults=defaults) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, defaults=defaults) for item in value]
    return value


def _imports(node: ast.AST) -> Iterator[str]:
    """The modules that ``node`` imports, wherever in it; not those for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _imports(child)


class _Essence(ast.NodeTransformer):
    """Takes out of a syntax tree what cannot change a result."""

    def __init__(self) -> None:
        self._specs = {"BaseModel"}  # the classes that describe settings

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self.generic_visit(_without_docstring(node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self.generic_visit(_without_docstring(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.generic_visit(_without_docstring(node))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        _without_docstring(node)
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        if any(base in self._specs or base.endswith("Spec") for base in bases):
            self._specs.add(node.name)
            node.body = [part for part in node.body if not _describes(part)]
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        error = node.exc
        if isinstance(error, ast.Call) and isinstance(error.func, ast.Name) and error.func.id in _TOLD:
            return ast.Raise(exc=error.func, cause=None)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        logs = (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and (call.func.value.id, call.func.attr in _LOGGED) == ("log", True)
        )
        return ast.Pass() if logs else self.generic_visit(node)


def _describes(part: ast.stmt) -> bool:
    """Whether a part of a specification's class only says what may be set: a field, a check."""
    if isinstance(part, ast.FunctionDef):
        decorators = [node for decorator in part.decorator_list for node in ast.walk(decorator)]
        return any(isinstance(node, ast.Name) and node.id.endswith("_validator") for node in decorators)
    if not isinstance(part, ast.AnnAssign):
        return False
    # what all of a class have in common is in no job's settings, but for how study files and pages write it
    shared = any(getattr(node, "id", getattr(node, "attr", "")) == "ClassVar" for node in ast.walk(part.annotation))
    return not shared or ast.unparse(part.target) in ("words", "main")


def _without_docstring(node: _Documented) -> _Documented:
    first = node.body[0] if node.body else None
    value = first.value if isinstance(first, ast.Expr) else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        node.body = node.body[1:]
    return node


def _skeleton(node: Any) -> Any:
    """A syntax tree as JSON.  Empty fields are left out, because each Python version adds some."""
    if isinstance(node, ast.AST):
        fields = {name: _skeleton(value) for name, value in ast.iter_fields(node)}
        kept = {name: value for name, value in fields.items() if value not in (None, [])}
        # `f(a)` has the empty context Load; whether a name is read or written shows elsewhere
        kept.pop("ctx", None)
        return [type(node).__name__, kept]
    if isinstance(node, list):
        return [_skeleton(item) for item in node]
    return node if node is None or isinstance(node, str | int | bool) else repr(node)
