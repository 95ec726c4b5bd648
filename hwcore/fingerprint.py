"""What the code behind a job is, whatever its comments and formatting say.

Snakemake's own code trigger sees neither imported modules nor the difference between a comment
and a change.  Here the code of a job is its script and every hwcore module that the script, or
one of the modules that the job chooses by name, imports directly or indirectly.  Each is hashed
on its syntax tree without comments, docstrings and formatting.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grimp

from hwcore.errors import HwcoreError

PACKAGE = "hwcore"


class Code:
    """The sources under one folder, read once.

    Raises HwcoreError for a module that is no Python.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._graph = grimp.build_graph(PACKAGE, cache_dir=None)
        except grimp.exceptions.SourceSyntaxError as error:
            raise HwcoreError(f"{error.filename}: line {error.lineno} is no Python: {error.text}") from None
        self._closure = cache(self._compute_closure)
        self._hash = cache(self._compute_hash)

    def modules(self, script: str, chosen: Iterable[str] = ()) -> list[str]:
        """The hwcore modules that ``script`` (a path) and the ``chosen`` modules may load."""
        entries = {*_imports(self._tree(self.root / script)), *chosen} & self._graph.modules
        return sorted(set().union(*(self._closure(entry) for entry in entries)))

    def digest(self, script: str, chosen: Iterable[str] = ()) -> str:
        """One hash over ``script`` and its modules."""
        hashes = {module: self._hash(self._path(module)) for module in self.modules(script, chosen)}
        return digest([self._hash(self.root / script), hashes])

    def _compute_closure(self, module: str) -> set[str]:
        found = {module, *self._graph.find_upstream_modules(module)}
        # importing a.b.c runs a/__init__.py and a/b/__init__.py too
        for name in list(found):
            parts = name.split(".")
            for parent in (".".join(parts[:end]) for end in range(1, len(parts))):
                if parent not in found:
                    found |= {parent, *self._graph.find_upstream_modules(parent)}
        return found

    def _path(self, module: str) -> Path:
        folder = self.root.joinpath(*module.split("."))
        return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")

    def _tree(self, path: Path) -> ast.Module:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))

    def _compute_hash(self, path: Path) -> str:
        return digest(_skeleton(_without_docstrings(self._tree(path))))


def digest(value: Any) -> str:
    """The SHA-256 of a JSON value.  The order of keys counts: it is that of models in a legend."""
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file that is no Python: a template, a style sheet."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            value = first.value if isinstance(first, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = node.body[1:]
    return tree


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
