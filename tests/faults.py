"""Faults in the real pipeline, one after another: ``python tests/faults.py [damages | disks] [NUMBER]``, as root.

NUMBER is how many of each kind are tried; all if it is left out.

Each begins with a copy of finished results of the tiny study.  After it the same command must make the same bytes,
at once or when the fault is gone, or say what to do in a line; a traceback is a failure.  Damage to what no job reads
is to be named by `make verify`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from test_kills import tables  # noqa: E402

from conftest import Project, make_project  # noqa: E402

# A product of each stage, and what is kept besides.
PRODUCTS = (
    *("runs/tiny/fit/narrow/checkpoint.safetensors", "runs/tiny/fit/narrow/metrics.parquet"),
    *("tables/tiny/fit/predictions.parquet", "figures/tiny/fit/loss.svg", "claims/tiny.parquet", "report/tiny.md"),
    *(
        "runs/tiny/fit/narrow/run.json",
        "plan/tiny.json",
        "benchmarks/train/tiny/fit/narrow.json",
        "../data/digits.json",
    ),
    *("../../resources/data/digits.safetensors", "../format.json", "../../.snakemake/hwcore/code.json"),
)
FOLDERS = ("runs", "tables", "figures", "claims", "report", "plan", "benchmarks", "logs")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def replace(path: Path) -> None:
    path.write_text("something else\n")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def future(path: Path) -> None:
    """As if the clock had been set back since."""
    os.utime(path, (2**32, 2**32))


DAMAGES: tuple[Callable[[Path], None], ...] = (truncate, empty, flip, replace, folder_instead, future)


@contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    """A small disk in the place of a folder, with what the folder holds if it has room."""
    shutil.rmtree(folder)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options.removesuffix("ro") or "rw", "tmpfs", str(folder)], check=True)
    # Snakemake removes folders that it leaves empty, and this one cannot be removed
    (folder / "disk").touch()
    if options == "ro":
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def call(project: Project, *arguments: str) -> tuple[bool, str]:
    done = project.snakemake("--keep-going", "report", *arguments)
    said = done.stdout + done.stderr
    for log in (project.folder / "results/quick/logs").rglob("*.log"):
        said += log.read_text(errors="replace")
    assert "Traceback" not in said, said[-3000:]
    if done.returncode:
        assert "error: " in said, said[-3000:]
    return done.returncode == 0, said


def outcome(project: Project, whole: dict[str, object]) -> str:
    """After how many calls all is as it was, or what a person is told to do."""
    for number in (1, 2, 3):
        made, said = call(project)
        if made:
            assert tables(project) == whole
            command = [sys.executable, "-m", "workflow_scripts.verify"]
            done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
            unread = f", seen by verify: {done.stdout.strip()}" if done.returncode else ""
            return f"the same bytes after {number} call{'s' * (number > 1)}{unread}"
    return f"told: {said[said.index('error: ') :].splitlines()[0]}"


def main(kinds: tuple[str, ...] = ("damages", "disks"), most: int = sys.maxsize) -> None:
    base = Path(tempfile.mkdtemp(prefix="hwcore-faults-"))
    finished, copy = make_project(base / "finished"), Project(base / "copy")
    finished.run("report")
    whole: dict[str, object] = dict(tables(finished))

    def anew() -> Path:
        """The results of a new copy, in which the last pages are to be made again."""
        shutil.rmtree(copy.folder, ignore_errors=True)
        shutil.copytree(finished.folder, copy.folder, symlinks=True)
        for suffix in ("html", "tex", "pdf"):
            (copy.folder / f"results/quick/report/tiny.{suffix}").unlink()
        return copy.folder / "results/quick"

    damages = [(path, damage) for path in PRODUCTS for damage in DAMAGES]
    disks = [(folder, options) for folder in FOLDERS for options in ("size=8k", "nr_inodes=4", "ro")]
    for path, damage in damages[: most if "damages" in kinds else 0]:
        damage(anew() / path)
        print(f"{damage.__name__} {path}: {outcome(copy, whole)}", flush=True)
    for folder, options in disks[: most if "disks" in kinds else 0]:
        with disk(anew() / folder, options):
            made, _ = call(copy)
        print(f"{folder} on a disk with {options}: {'made' if made else 'told'}; {outcome(copy, whole)}", flush=True)
    shutil.rmtree(base)


if __name__ == "__main__":
    words = sys.argv[1:]
    numbers = [int(word) for word in words if word.isdecimal()]
    main(tuple(word for word in words if not word.isdecimal()) or ("damages", "disks"), *numbers)
