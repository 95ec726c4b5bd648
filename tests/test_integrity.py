"""A damaged result is seen by whoever reads it, never reported, and made again by the same command."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project
from hwcore.errors import HwcoreError
from hwcore.files import write_json
from hwcore.integrity import check, checksums, put_aside
from hwcore.jobs import plan_files

CHECKPOINT = "results/quick/runs/tiny/fit/narrow/checkpoint.safetensors"
TABLE = "results/quick/tables/tiny/fit--as-run/predictions.parquet"


def write(path: Path, content: bytes) -> None:
    """As a disk does that loses bits: the modification time stays."""
    stat = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    write(path, content)


def truncated(path: Path) -> None:
    write(path, path.read_bytes()[:-7])


def emptied(path: Path) -> None:
    write(path, b"")


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Project(tmp_path / "copy")


def verify(project: Project) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "workflow_scripts.verify"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def test_damage_is_told_and_healed(finished: Project, copy: Project) -> None:
    before = {name: (copy.folder / name).read_bytes() for name in (CHECKPOINT, TABLE)}
    flipped(copy.folder / CHECKPOINT)
    truncated(copy.folder / TABLE)
    # what reads them is to be made
    (copy.folder / "results/quick/tables/tiny/fit/evaluation.parquet").unlink()
    (copy.folder / "results/quick/figures/tiny/fit--as-run/fits.svg").unlink()
    done = copy.snakemake("--keep-going", "report")
    assert done.returncode == 1
    for name in (CHECKPOINT, TABLE):
        told = f"{name}: is not as it was written (its SHA-256 differs); the same command makes it again"
        assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    copy.run("report")
    assert {name: (copy.folder / name).read_bytes() for name in before} == before
    # what was there is not lost, and not put aside twice
    assert all((copy.folder / f"{name}.damaged").is_file() for name in before)
    assert not (copy.folder / "results/damaged.txt").exists()
    for path in sorted((finished.folder / "results/quick/tables").rglob("*.parquet")):
        assert (copy.folder / path.relative_to(finished.folder)).read_bytes() == path.read_bytes()
    assert verify(copy).returncode == 0


@pytest.mark.parametrize("damage", [flipped, truncated, emptied], ids=lambda each: each.__name__)
def test_verify_names_every_damaged_file(finished: Project, copy: Project, damage: Callable[[Path], None]) -> None:
    done = verify(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("all ")
    names = [CHECKPOINT, TABLE, "results/quick/report/tiny.html", "results/quick/figures/tiny/fit/loss.png"]
    for name in names:
        damage(copy.folder / name)
    done = verify(copy)
    assert done.returncode == 1
    assert sorted(line.partition(":")[0] for line in done.stdout.splitlines()) == sorted(names)
    told = f"4 of {len(list_of(copy)):,} files are damaged or missing; make them again: snakemake"
    assert told in done.stderr
    assert all(name in done.stderr for name in names)
    assert done.stderr.strip().endswith(" --config scale=quick")


def test_verify_names_what_is_missing(copy: Project) -> None:
    (copy.folder / TABLE).unlink()
    done = verify(copy)
    assert (done.returncode, done.stdout) == (1, f"{TABLE}: is missing\n")
    assert "files are damaged or missing; make them again: snakemake" in done.stderr


def test_verify_says_the_same_twice_of_a_record_that_is_damaged(copy: Project) -> None:
    """Without its checksums there is no telling whether the files of a job are as they were."""
    record = "results/quick/benchmarks/train/tiny/fit/narrow.json"
    (copy.folder / record).write_text("{")
    first, second = verify(copy), verify(copy)
    assert first.returncode == 1
    assert f"{CHECKPOINT}: its record, {record}, cannot be read\n" in first.stdout
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)


@pytest.mark.parametrize("script", ["verify", "profile"])
def test_results_that_are_not_there(copy: Project, script: str) -> None:
    command = [sys.executable, "-m", f"workflow_scripts.{script}", "results/quik"]
    done = subprocess.run(command, cwd=copy.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: results/quik: ")


def list_of(project: Project) -> set[str]:
    plans = plan_files(project.folder / "results/quick")
    jobs = [job for plan in plans for job in json.loads(plan.read_text()).values()]
    return {path for job in jobs for path in job["outputs"].values() if (project.folder / path).is_file()}


def test_a_file_is_compared_with_the_record_of_the_job_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, record = Path("results/a.parquet"), Path("records/a.json")
    file.parent.mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(file)
    # nothing is known of it: results of an earlier version
    check({file: record})
    write_json(record, {"ended": 1.0, "sha256": checksums([file, Path("none")])})
    check({file: record})
    truncated(file)
    with pytest.raises(HwcoreError, match=r"a\.parquet: is not as it was written \(its SHA-256 differs\); the same"):
        check({file: record})
    put_aside()
    assert not file.exists()
    assert Path("results/a.parquet.damaged").is_file()
    put_aside()


def test_a_record_that_cannot_be_read_makes_its_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, record = Path("results/a.txt"), Path("a.json")
    file.parent.mkdir()
    file.write_text("a")
    record.write_text('{"sha256": {"results/a.txt"')
    with pytest.raises(HwcoreError, match=r"a\.txt: its record, a\.json, cannot be read; the same command"):
        check({file: record})
    put_aside()
    assert not file.exists()


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    target = tmp_path / "loss [1].json"
    left = [tmp_path / f".loss [1].{dead.pid}.tmp.json"]
    others = [
        tmp_path / f".loss [1].{os.getppid()}.tmp.json",
        tmp_path / f".loss [1].{dead.pid}.tmp.svg",
        tmp_path / f".loss.{dead.pid}.tmp.json",
        tmp_path / ".loss [1].x.tmp.json",
        # of `loss [1].<number>.json`, which a process that lives is about to write
        tmp_path / f".loss [1].{dead.pid}.{os.getppid()}.tmp.json",
    ]
    for path in (*left, *others):
        path.touch()
    write_json(target, 1)
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])


def test_files_of_the_future_are_read_like_others(copy: Project) -> None:
    """As after a clock was set back."""
    figure, page = (copy.folder / "results/quick" / name for name in ("figures/tiny/fit/loss.svg", "report/tiny.html"))
    os.utime(figure, (2**32, 2**32))
    page.unlink()
    copy.run("report")
    assert page.exists()
    assert figure.stat().st_mtime < 2**32


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(IsADirectoryError) as error:
        write_json(tmp_path / "a.json", 1)
    assert error.value.filename == str(tmp_path / "a.json")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_study_that_was_removed_is_not_missed(copy: Project) -> None:
    """Its results may go with it."""
    shutil.copytree(copy.folder / "report/tiny", copy.folder / "report/more")
    copy.run("results/quick/runs/more/fit/narrow/run.json")
    for folder in ("report", "results/quick/runs"):
        shutil.rmtree(copy.folder / folder / "more")
    assert verify(copy).returncode == 1
    copy.run("data")
    assert verify(copy).returncode == 0
    assert not (copy.folder / "results/quick/plan/more.json").exists()
