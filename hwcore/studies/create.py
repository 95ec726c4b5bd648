"""A new study, which runs at once: a copy of the template in a folder of its own."""

import shutil
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hwcore.errors import HwcoreError
from hwcore.studies.schema import RESERVED, RESERVED_WHY, Id

TEMPLATE = Path(__file__).parent / "template"


def create(name: str, report: Path = Path("report")) -> Path:
    """The new folder ``report/name``.  Raises HwcoreError for a name that cannot be one and a folder that exists."""
    try:
        TypeAdapter(Id).validate_python(name)
    except ValidationError:
        raise HwcoreError(
            f"NAME: {name!r} cannot name a study; use small letters, digits and single hyphens: make study NAME=mine"
        ) from None
    if name in RESERVED:
        raise HwcoreError(f"NAME: no study can be called {name!r}: {RESERVED_WHY}; choose another name")
    folder = report / name
    try:
        shutil.copytree(TEMPLATE, folder)
    except FileExistsError:
        raise HwcoreError(f"{folder}: exists already; choose another name") from None
    return folder
