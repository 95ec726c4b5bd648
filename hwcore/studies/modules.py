"""A study's own networks: classes of torch.nn.Module in its nets.py, found without running it."""

import ast
from pathlib import Path
from typing import Any

from hwcore.errors import HwcoreError
from hwcore.fingerprint import Code
from hwcore.validation import did_you_mean

FILE = "nets.py"


def module_settings(reference: str, folder: Path, at: str) -> dict[str, Any]:
    """The settings of the layer `module` for a ``reference`` `nets:Name` in the study of a ``folder``.

    Raises HwcoreError, which begins with ``at``, if there is no such class.
    """
    file, _, name = reference.partition(":")
    if f"{file}.py" != FILE or not name.isidentifier():
        raise HwcoreError(f"{at}: {reference!r} is not `nets:Name`, with a class of the study's nets.py")
    path = folder / FILE
    if not path.is_file():
        raise HwcoreError(f"{at}: there is no {path}")
    source = Code(folder.parent.parent).digest(str(path.relative_to(folder.parent.parent)))
    classes = [node.name for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.ClassDef)]
    if name not in classes:
        raise HwcoreError(f"{at}: {path} has no class {name!r}{did_you_mean(name, classes)}")
    return {"name": name, "study": folder.name, "source": source}
