"""Files of tensors."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from hwcore.files import atomic


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file.  Equal tensors give equal bytes.

    Raises OSError where the disk is full or cannot be written: safetensors has its own exception.
    """
    try:
        with atomic(path) as temporary:
            save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, dict(metadata or {}))
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None
