"""Which commit and which package versions made a result."""

import json
import os
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hwcore.files import read_json

VARIABLE = "HWCORE_COMMIT"


def commit() -> dict[str, Any]:
    """``{"commit": full hash or None, "dirty": bool}`` of the repository in the working directory.

    ``commit`` is None outside version control.  ``dirty`` says that tracked files differ from it.  Jobs of one
    call of Snakemake take what ``remember_commit`` saw at its start, so that not each of them starts git.
    """
    if VARIABLE in os.environ:
        known: dict[str, Any] = json.loads(os.environ[VARIABLE])
        return known
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(head and _git("status", "--porcelain", "--untracked-files=no"))}


def remember_commit() -> None:
    """Look the commit up once, for all processes that this one starts."""
    os.environ.pop(VARIABLE, None)
    os.environ[VARIABLE] = json.dumps(commit())


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each package, None where it is not installed."""
    installed: dict[str, str | None] = {}
    for package in packages:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = None
    return installed


def _git(*arguments: str) -> str | None:
    # without optional locks: to look at a repository must not hold up another git
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


# In the recipe of a figure that could not be drawn: what it failed with.
FAILED = "failed"


def failures(recipes: Iterable[Path]) -> dict[Path, str]:
    """What those of the ``recipes`` say that are of something that could not be made."""
    read = {path: read_json(path) for path in recipes if path.is_file()}
    return {path: recipe[FAILED] for path, recipe in read.items() if FAILED in recipe}


def recipe(spec: Any, packages: Iterable[str]) -> dict[str, Any]:
    """What lies beside a table or figure: its settings, the commit and the versions that made it."""
    return {"spec": spec, **commit(), "versions": versions(packages)}
