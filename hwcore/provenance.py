"""Which commit and which package versions made a result."""

import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def commit() -> dict[str, Any]:
    """``{"commit": full hash or None, "dirty": bool}`` of the repository in the working directory.

    ``commit`` is None outside version control.  ``dirty`` says that tracked files differ from it.
    """
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(head and _git("status", "--porcelain", "--untracked-files=no"))}


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each package, None where it is not installed."""
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def recipe(spec: Any, packages: Iterable[str]) -> dict[str, Any]:
    """What lies beside a table or figure: its settings, the commit and the versions that made it."""
    return {"spec": spec, **commit(), "versions": versions(packages)}
