"""Results that are still as they were written.

Each job notes the SHA-256 of what it made in its record, results/<scale>/benchmarks/<rule>/<name>.json, which travels
with the results.  A job that reads a file checks it first: neither a flipped bit nor a truncated file gets into a page.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hwcore.errors import HwcoreError
from hwcore.files import checksum, read_json

# Files that jobs of the last call found damaged, and recipes of figures that they could not draw.
_NOTED = Path("results/damaged.txt")
_OURS = (("results",), ("resources",))


def checksums(paths: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file that is there, by its path."""
    return {str(path): checksum(path) for path in paths if path.is_file()}


def check(makers: Mapping[Path, Path]) -> dict[str, str]:
    """Compare files with the records of the jobs that made them; ``makers`` are the records by file.

    Returns the SHA-256 of each file, as its record has it.

    A file without a record, as results of earlier versions are, is taken as it is.  A damaged one is noted for the
    next call, which puts it aside and makes it again; other jobs of this call may be about to read it.

    Raises HwcoreError with the path of the first damaged file.
    """
    for path, record in makers.items():
        if damage := damaged(path, record):
            note(path)
            raise HwcoreError(f"{path}: {damage}; the same command makes it again")
    known = {path: _known(path, record) for path, record in makers.items()}
    return {str(path): each for path, each in known.items() if each}


def note(path: Path) -> None:
    """Let the next call put a file aside, so that it is made again."""
    _NOTED.parent.mkdir(exist_ok=True)
    with _NOTED.open("a", encoding="utf-8") as notes:
        notes.write(f"{path}\n")


def noted() -> list[Path]:
    """The files that jobs of the last call noted, as far as they are there."""
    if not _NOTED.is_file():
        return []
    paths = map(Path, dict.fromkeys(_NOTED.read_text(encoding="utf-8", errors="replace").splitlines()))
    # results may be a copy of somebody else's, and the list too
    return [path for path in paths if path.parts[:1] in _OURS and ".." not in path.parts and path.is_file()]


def put_aside() -> None:
    """Rename the files that jobs of the last call noted, so that they are made again."""
    for path in noted():
        path.replace(path.with_name(f"{path.name}.damaged"))
    _NOTED.unlink(missing_ok=True)


def damaged(path: Path, record: Path) -> str:
    """What is wrong with a file, beside the record of the job that made it; nothing if it is as it was written."""
    try:
        known = _known(path, record)
    except (ValueError, TypeError, AttributeError):
        # without its checksums there is no telling
        return f"its record, {record}, cannot be read"
    if known is None or known == checksum(path):
        return ""
    return "is not as it was written (its SHA-256 differs)"


def _known(path: Path, record: Path) -> str | None:
    """The SHA-256 of a file by the record of the job that made it; None where it has none."""
    try:
        checksum: str | None = read_json(record)["sha256"].get(str(path))
    except (FileNotFoundError, KeyError):
        return None
    return checksum
