"""Files that are either whole or not there.

Every product of hwcore is written under a temporary name in its own folder and renamed when it
is complete, so a killed job or a full disk never leaves a half-written file that looks whole.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcore.processes import lives

if TYPE_CHECKING:
    # slow to load, and the workflow reads this module at every call
    import pandas as pd
    import pyarrow as pa


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it when the block ends without an error.

    The temporary file keeps the suffix of ``path``, because matplotlib and pandas choose their
    format by it.  It is removed if the block raises; one of a process that was killed is removed by the next that
    writes ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{escape(path.stem)}.*.tmp{escape(path.suffix)}"):
        # of `mine.md`, and not of `mine.2024.md`
        number = left.name.removeprefix(f".{path.stem}.").removesuffix(f".tmp{path.suffix}")
        if number.isdecimal() and not lives(int(number)):
            left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        # safetensors lets only its owner read a file; results are for the group too
        temporary.chmod(0o666 & ~_umask())
        try:
            os.replace(temporary, path)
        except OSError as error:
            # what stands in the way is what a person looks for, not the temporary file
            error.filename = str(path)
            raise
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def checksum(path: str | Path) -> str:
    """The SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(path: str | Path, table: "pd.DataFrame | pa.Table") -> None:
    """A Parquet file without an index: equal tables give equal bytes."""
    # the workflow reads this module at every call and writes no table
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    if not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False)
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
