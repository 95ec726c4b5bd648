"""Kinds as rooms: each module of a package holds the class of one kind, so that a new kind needs no line elsewhere."""

import pkgutil
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


def kinds(package: str, name: str, of: type[T]) -> dict[str, type[T]]:
    """The class called ``name`` in each module of ``package``, by the name of the module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(import_module(package).__path__))
    found = {module: getattr(import_module(f"{package}.{module}"), name) for module in modules}
    assert all(issubclass(kind, of) for kind in found.values()), package
    return found
