"""Whatever is killed, nothing runs on, and the next call ends with the same bytes.

HWCORE_KILLS says how many calls are killed, two if it is not set.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project

ROUNDS = int(os.environ.get("HWCORE_KILLS", "2"))
VICTIMS = ("snakemake", "forkserver", "workflow_scripts", "client")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def processes(folder: Path) -> dict[int, str]:
    """The command of each living process that works in ``folder``."""
    commands = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(folder):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                # one that waits to be reaped has none
                if command:
                    commands[int(entry.name)] = command
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return commands


def ended(folder: Path, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while processes(folder) and time.monotonic() < end:
        time.sleep(0.05)
    return not processes(folder)


def tables(project: Project) -> dict[str, bytes | pd.DataFrame]:
    results = project.folder / "results/quick"
    read = {}
    for path in sorted(results.rglob("*.parquet")):
        timed = path.name == "metrics.parquet"
        read[str(path.relative_to(results))] = (
            pd.read_parquet(path).drop(columns="seconds").to_csv().encode() if timed else path.read_bytes()
        )
    return read


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_call_leaves_nothing_running_and_is_finished_by_the_next(
    finished: Project, project: Project, number: int
) -> None:
    draw = random.Random(number)
    # in the order of the numbers, so that a few rounds kill one of each
    victim, delay = VICTIMS[number % len(VICTIMS)], draw.uniform(1.5, 7)
    call = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", "report"],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(delay)
    candidates: list[int] = []
    while not candidates and call.poll() is None:
        # a job forked from the server has the server's command
        commands = processes(project.folder)
        workers = [pid for pid, command in commands.items() if "forkserver" in command]
        jobs = [pid for pid in workers if _parent(pid) in workers]
        named = [pid for pid, command in commands.items() if victim in command and pid not in jobs]
        candidates = jobs if victim == "workflow_scripts" else [call.pid] if victim == "snakemake" else named
    if candidates:
        os.kill(draw.choice(candidates), signal.SIGKILL)
    call.wait(timeout=120)
    assert ended(project.folder), (victim, delay, processes(project.folder))
    project.run("report")
    assert ended(project.folder)
    assert tables(project) == tables(finished)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0


def test_a_dry_run_starts_no_server(project: Project) -> None:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--dry-run", "report"]
    call = subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen: set[str] = set()
    while call.poll() is None:
        seen |= {*processes(project.folder).values()}
        time.sleep(0.02)
    assert call.returncode == 0
    assert any("--dry-run" in command for command in seen)
    assert not any("forkserver" in command for command in seen)
