"""Faults of disks, memory and files: one line says what to do, and nothing of others is touched."""

import errno
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hwcore.errors import HwcoreError
from hwcore.integrity import check, damaged, put_aside
from hwcore.jobs import Job, run


def job(folder: Path) -> Job:
    plan = folder / "plan.json"
    made = Job("train", "s/e/m", plan, {}, {}, {}, {"run": folder / "run.json"}, folder / "record.json")
    plan.write_text(json.dumps({made.key: made.as_json()}))
    return made


def told(fault: BaseException | Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a job says that meets an error, or does what ends in one."""

    def work(_: Job) -> None:
        if isinstance(fault, BaseException):
            raise fault
        fault()

    monkeypatch.setattr(sys, "argv", ["train", str(job(tmp_path).plan), "s/e/m"])
    with pytest.raises(SystemExit) as end:
        run("train", work)
    assert not (tmp_path / "record.json").exists()
    return str(end.value.code)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device; free some space, or files where the disk holds no more of them"),
        (errno.EROFS, "Read-only file system; the disk is read-only"),
        (errno.EACCES, "Permission denied; make the folder writable"),
        (errno.EIO, "Input/output error; the disk cannot be read or written"),
        (errno.ESTALE, "Stale file handle; the network disk went away"),
        (errno.EISDIR, "Is a directory; a folder is where a file should be"),
        (errno.ENOTDIR, "Not a directory; a file is where a folder should be"),
    ],
)
def test_a_fault_of_the_disk_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    said = told(OSError(number, os.strerror(number), "results/x"), tmp_path, monkeypatch)
    assert said.startswith(f"error: results/x: {remedy}")
    assert "\n" not in said


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert told(error, tmp_path, monkeypatch) == (
        "error: s/e/m: there is not enough memory; run fewer jobs at a time, by a smaller --cores"
    )


@pytest.mark.parametrize(
    "allocate", [lambda: torch.empty(10**14, dtype=torch.float32), lambda: np.empty(10**14, dtype=np.float32)]
)
def test_more_memory_than_the_machine_has_is_told_in_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allocate: Callable[[], object]
) -> None:
    monkeypatch.setattr("hwcore.jobs.machine", lambda: {"memory_mb": 24000})
    assert re.fullmatch(
        r"error: s/e/m: there is not enough memory: it needs 400,\d{3} GB at once, and this machine has 25 GB; "
        "use a smaller network or batch, or fewer samples, replicates or points",
        told(allocate, tmp_path, monkeypatch),
    )


def test_an_operation_that_a_gpu_does_differently_each_time_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put() -> None:
        # the one operation of which torch says the same on a CPU
        torch.use_deterministic_algorithms(True)
        try:
            torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)
        finally:
            torch.use_deterministic_algorithms(False)

    assert told(put, tmp_path, monkeypatch) == (
        "error: s/e/m: put_, which its network uses, gives different numbers each time on a GPU; set `device: cpu` or "
        "change the network"
    )


def test_a_fault_of_hwcore_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_: Job) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(sys, "argv", ["train", str(job(tmp_path).plan), "s/e/m"])
    with pytest.raises(RuntimeError, match="a mistake"):
        run("train", work)


@pytest.mark.parametrize("content", ["", "{", "[]", "1", '{"sha256": 1}', '{"sha256": []}', "\0" * 9, "\ufffd"])
def test_a_record_that_is_none_makes_its_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file, record = Path("results/a"), Path("results/a.json")
    file.parent.mkdir()
    file.write_text("a")
    record.write_text(content)
    with pytest.raises(HwcoreError, match=r"a: its record, results/a\.json, cannot be read; the same command makes"):
        check({file: record})
    # others that read it say so too
    assert damaged(file, record) == "its record, results/a.json, cannot be read"
    put_aside()
    assert not file.exists()


def test_only_results_are_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the list says, which may come with a copy of results."""
    folder = tmp_path / "project"
    (folder / "results").mkdir(parents=True)
    (folder / "resources/data").mkdir(parents=True)
    monkeypatch.chdir(folder)
    others = [folder / "Snakefile", tmp_path / "secret"]
    ours = [folder / "results/a", folder / "resources/data/b"]
    for path in others + ours:
        path.write_text("x")
    lines = [
        str(tmp_path / "secret"),
        "../secret",
        "results/../../secret",
        "Snakefile",
        "results/a",
        "resources/data/b",
    ]
    (folder / "results/damaged.txt").write_bytes("\n".join(lines).encode() + b"\n\xff\0\n")
    put_aside()
    assert all(path.exists() for path in others)
    assert not any(path.exists() for path in ours)
    assert all(path.with_name(f"{path.name}.damaged").exists() for path in ours)
