"""Two calls in one folder: the dead leave nothing locked, the living are named."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")


def begin(project: Project) -> "subprocess.Popen[str]":
    """A call whose files are locked."""
    call = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", "report"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    locks = project.folder / ".snakemake/locks"
    while not list(locks.glob("*.lock")) and call.poll() is None:
        time.sleep(0.05)
    return call


def test_a_living_call_is_named_and_a_dead_one_stops_nothing(project: Project) -> None:
    first = begin(project)
    second = project.snakemake("report")
    assert second.returncode == 1
    told = re.findall(r"^error: .*", second.stderr, re.MULTILINE)
    since = r"since \d\d:\d\d:\d\d on \d\d \w+"
    assert len(told) == 1
    assert re.fullmatch(
        rf"error: another call is making the same files \(process {first.pid} on \S+, {since}\); wait for it or "
        r"stop it, then run the same command again",
        told[0],
    )
    # a look at what is stale disturbs nobody
    plan = project.folder / "results/quick/plan/tiny.json"
    before = plan.read_bytes()
    project.run("--dry-run", "--config", "replicates=1")
    assert plan.read_bytes() == before
    # nor does a call that would plan its jobs anew, nor one that would put aside what it may be about to read
    recipe = project.folder / "results/quick/figures/tiny/fit/fits.json"
    (project.folder / "results/damaged.txt").write_text(str(recipe.relative_to(project.folder)))
    again = project.snakemake("report")
    assert (again.returncode, (project.folder / "results/damaged.txt").exists()) == (1, True)
    changed = project.snakemake("report", "--config", "replicates=1")
    assert changed.returncode == 1
    assert f"another call is making the same files (process {first.pid} " in changed.stderr
    assert plan.read_bytes() == before
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert list((project.folder / ".snakemake/locks").glob("*.lock"))
    project.run("report")
    assert not list(Path(project.folder / ".snakemake/locks").glob("*.lock"))
