"""What Snakemake shows of a run, in a pipe and on a terminal, and of one that fails."""

import contextlib
import fcntl
import logging
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import Project, make_project
from hwcore.console import Console, _duration, _error, _failure, in_words

# What the Slurm plugin says of a job that failed.
ENDED = (
    "SLURM-job '3' failed, SLURM status is: '{}'. Detailed failure reason unavailable (status command is not 'sacct')."
    "For further error details see the cluster/cloud log and the log files of the involved rule(s)."
)

# a mistake of the user and a bug, each in the middle of a training
EPOCH = "loss = ensemble.epoch(lambda: before + time.perf_counter() - started)\n"
FAILURES = """
        model = f"{ensemble.spec.experiment}/{ensemble.spec.model}"
        if ensemble.done == 3 and model == "fit/wide":
            raise HwcoreError("the disk of tests is full; make a larger one")
        if ensemble.done == 1 and model == "classify/small":
            raise ValueError("this is a bug")
"""
PAGE = "results/quick/report/tiny.html"
INDEX = "results/quick/report/index.html"
WIDE = (
    "failed: train tiny/fit/wide: error: the disk of tests is full; make a larger one (log: {}/train/tiny/fit/wide.log)"
)
SMALL = "failed: train tiny/classify/small: ValueError: this is a bug (log: {}/train/tiny/classify/small.log)"


@dataclass
class Terminal:
    """What a call wrote to a terminal, byte by byte, and its exit status."""

    text: str
    status: int

    @property
    def lines(self) -> list[str]:
        """What stays on the terminal when all is written."""
        lines = re.sub(r"\x1b\[\d+m", "", self.text).replace("\r\n", "\n").split("\n")
        # the bar goes back to the start of its line, and clears the rest of it
        return [re.sub(r".*\r", "", line).replace("\x1b[K", "") for line in lines]


def terminal(project: Project, *arguments: str, columns: int = 100, interrupt: Path | None = None) -> Terminal:
    """Call Snakemake on a terminal; Ctrl-C when ``interrupt`` exists.  It ends within two minutes."""
    controller, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=project.folder,
        env={**os.environ, "TERM": "xterm"},
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        # a shell lets its background jobs ignore Ctrl-C, and their children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    os.close(side)
    text = b""
    end = time.monotonic() + 120
    try:
        while time.monotonic() < end:
            if interrupt and interrupt.exists():
                os.killpg(process.pid, signal.SIGINT)
                interrupt = None
            if not select.select([controller], [], [], 0.1)[0]:
                continue
            # when nobody has the terminal open any more, Linux says so by an error
            try:
                text += os.read(controller, 4096)
            except OSError:
                break
        status = process.wait(timeout=max(0.0, end - time.monotonic()))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(controller)
    return Terminal(text.decode(), status)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, subprocess.CompletedProcess[str]]:
    """A project in which two trainings fail in the middle, and what its first run printed into a pipe."""
    project = make_project(tmp_path_factory.mktemp("failing") / "project")
    project.edit("hwcore/train/train.py", EPOCH, f"{EPOCH}{FAILURES}")
    return project, project.snakemake(PAGE)


@pytest.fixture(scope="module")
def failing_terminal(failing: tuple[Project, subprocess.CompletedProcess[str]]) -> Terminal:
    """The same again on a terminal."""
    return terminal(failing[0], PAGE)


def test_a_failure_in_a_pipe_is_a_line_and_a_place_in_the_list(
    failing: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    done = failing[1]
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    wide, small = (line.format("results/quick/logs") for line in (WIDE, SMALL))
    assert lines[1] == "22 jobs to run"
    # other jobs go on
    assert any(re.fullmatch(r"\[\d+ of 22\] train tiny/fit/narrow \(\d+\.\d s\)", line) for line in lines)
    head = lines.index("4 of 22 jobs are done, 3 failed, 15 could not be made because of them:")
    assert {wide, small} < set(lines[2:head])
    made = [line for line in lines[2:head] if not line.startswith("failed: ")]
    assert all(re.match(r"start: \w|\[\d+ of 22\] \w", line) for line in made), made
    failed, blocked = lines[head + 1 : head + 4], lines[head + 4 :]
    assert {wide, small} < set(failed)
    assert len(blocked) == 15
    assert "not made: analyse tiny/fit/predictions" in blocked
    assert "not made: draw tiny/classify/accuracy" in blocked
    assert "not made: HTML of tiny" in blocked


def test_a_failure_on_a_terminal_stays_above_the_bar(failing_terminal: Terminal) -> None:
    lines = failing_terminal.lines
    wide, small = (line.format("results/quick/logs") for line in (WIDE, SMALL))
    assert failing_terminal.status == 1
    head = lines.index("0 of 18 jobs are done, 3 failed, 15 could not be made because of them:")
    # a bar is not left behind, and nothing else is printed
    assert len(lines[1:head]) == 3
    assert {wide, small} < set(lines[1:head])
    assert {wide, small} < set(lines[head + 1 : head + 4])
    blocked, end = lines[head + 4 : -1], lines[-1]
    assert (len(blocked), end) == (15, "")
    assert "not made: HTML of tiny" in blocked


def test_retries_and_logs_are_shown_where_asked(failing: tuple[Project, subprocess.CompletedProcess[str]]) -> None:
    done = failing[0].snakemake("--retries", "1", "--show-failed-logs", "results/quick/runs/tiny/fit/wide/run.json")
    lines = [line for line in done.stderr.splitlines()[1:] if not re.match(r"\d\d:\d\d:\d\d ", line)]
    wide = WIDE.format("results/quick/logs")
    one = ["start: train tiny/fit/wide", wide, "error: the disk of tests is full; make a larger one"]
    assert done.returncode == 1
    assert lines == ["1 job to run", *one, *one, "0 of 1 jobs are done, 1 failed", wide]
    assert done.stderr.count("tiny/fit/wide: 2 replicates of 25 parameters, 6 epochs") == 2


def test_a_figure_that_cannot_be_drawn_is_missing_alone(finished: Project, tmp_path: Path) -> None:
    project = finished.clone(tmp_path / "project")
    first = '    rows = style.need(tables, table, ["model", "replicate"]'
    bug = '    raise ValueError("a <bug> with `ticks`")\n'
    project.edit("hwcore/figures/predictions.py", first, bug + first)
    done = project.snakemake("report")
    assert done.returncode == 1
    log = "results/quick/logs/figure/tiny/fit/fits.log"
    told = done.stderr.splitlines()
    assert f"failed: draw tiny/fit/fits: ValueError: a <bug> with `ticks` (log: {log})" in told
    assert told[-1] == "error: 3 figures could not be drawn; the pages say so, and the same command tries again"
    assert "Traceback" in (project.folder / log).read_text()
    # after a kill it is the next call that finds it
    recipe = "results/quick/figures/tiny/fit/fits.json"
    assert recipe in (project.folder / "results/damaged.txt").read_text().splitlines()
    text = (project.folder / "results/quick/report/tiny.md").read_text()
    assert "is missing.** It could not be drawn: `ValueError: a <bug> with 'ticks'` ([log](../logs/figure" in text
    assert "figures/tiny/fit/fits.svg" not in text
    assert "figures/tiny/fit/loss.svg" in text
    page = (project.folder / "results/quick/report/tiny.html").read_text()
    assert re.search("<code>ValueError: a &lt;bug&gt; with ('|&#39;)ticks", page)
    assert {each for each in project.stale("report") if each.startswith("draw")} == {
        f"draw tiny/fit{variant}/fits" for variant in ("", "--as-run", "--corrected")
    }
    project.edit("hwcore/figures/predictions.py", bug, "")
    project.run("report")
    assert "figures/tiny/fit/fits.svg" in (project.folder / "results/quick/report/tiny.md").read_text()


def test_quiet_leaves_out_jobs_but_not_the_list(failing: tuple[Project, subprocess.CompletedProcess[str]]) -> None:
    done = failing[0].snakemake("--quiet", "rules", "progress", "--", "results/quick/runs/tiny/fit/wide/run.json")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "0 of 1 jobs are done, 1 failed",
        WIDE.format("results/quick/logs"),
    ]


def test_a_run_on_a_terminal_is_a_bar(project: Project) -> None:
    run = terminal(project, "results/quick/figures/tiny/fit/loss.svg", columns=60)
    assert run.status == 0
    assert re.fullmatch(r"3 jobs done in \d+ s", run.lines[1])
    assert len(run.lines) == 3
    bars = re.findall(r"\r(\d of 3 [^\r]*)\x1b\[K", run.text)
    assert re.match(r"0 of 3 \[\.{20}\]  train tiny/fit/(wide|narrow)$", bars[0]), bars
    assert any(re.match(r"2 of 3 \[#{13}\.{7}\]  \d+ s left  \w", bar) for bar in bars), bars
    # a longer one would wrap, and lines of it stay
    assert all(len(bar) < 60 for bar in bars)


def test_a_run_that_is_stopped_names_no_failures(project: Project) -> None:
    sleep = "time.sleep(open('asleep', 'w').close() or 60)\n"
    project.edit("hwcore/train/train.py", EPOCH, sleep)
    target = "results/quick/figures/tiny/fit/loss.svg"
    run = terminal(project, target, interrupt=project.folder / "asleep")
    assert run.status == 1
    assert not [line for line in run.lines if "failed" in line or "Error" in line]
    assert run.lines[-2] == "stopped: 0 of 3 jobs are done; the same command does the rest"


def test_what_snakemake_says_of_itself_is_shown(finished: Project) -> None:
    lines = finished.run("report").splitlines()
    assert lines[1:] == ["Nothing to be done (all requested files are present and up to date)."]
    assert "Building DAG of jobs..." in finished.run("--verbose", "report")
    assert "SyntaxError" in _broken(finished, "rules/data.smk", "rule prepare:", "rule prepare(:")
    assert "Missing input files for rule index" in _broken(
        finished, "rules/report.smk", 'PLAN.inputs("index", "index"),', '"nowhere.txt",'
    )
    assert "Unlocked" in finished.run("--unlock")


def _broken(project: Project, file: str, old: str, new: str) -> str:
    path = project.folder / file
    before = path.read_bytes()
    try:
        project.edit(file, old, new)
        done = project.snakemake("--force", INDEX)
    finally:
        path.write_bytes(before)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", None),
        ("12:00:00 epoch 3 of 6\n", None),
        ("12:00:00 epoch 3\nerror: file.yaml: a is wrong\n  write b\n", "error: file.yaml: a is wrong write b"),
        ("Traceback (most recent call last):\n  File x\n    y\nKeyError: 'z'\n", "KeyError: 'z'"),
        ("error: first\nTraceback (most recent call last):\n  File x\nKeyError: 'z'\nlater\n", "KeyError: 'z'"),
        ("\x1b[31m 3 %\rerror: \x07a\x1b[0m\n", "error: a[0m"),
    ],
)
def test_the_error_of_a_log(tmp_path, text: str, error: str | None) -> None:
    log = tmp_path / "job.log"
    log.write_text(text)
    assert _error(str(log)) == error
    assert _error(str(tmp_path / "none.log")) is None


@pytest.mark.parametrize(
    ("status", "log", "said"),
    [
        (
            "SLURM sbatch failed. The error message was "
            "'sbatch: error: Batch job submission failed: Invalid account'.\n"
            "    sbatch call:\n        sbatch --parsable\n",
            None,
            "Slurm refused the job: Batch job submission failed: Invalid account",
        ),
        (ENDED.format("TIMEOUT"), "going on", "Slurm's job 3 took longer than it had asked for"),
        (ENDED.format("CANCELLED"), "going on", "Slurm's job 3 was cancelled"),
        (
            ENDED.format("FAILED"),
            "slurmstepd-vm: error: Exceeded job memory limit",
            "Slurm's job 3 took more memory than it had asked for",
        ),
        (ENDED.format("FAILED"), None, "Slurm's job 3 failed and left no log; does its node see this folder?"),
        (ENDED.format("FAILED"), "error: no such folder", "no such folder"),
        ("the disk of the cloud is full", None, "the disk of the cloud is full"),
    ],
)
def test_what_a_cluster_says_of_a_failure_is_a_line(tmp_path: Path, status: str, log: str | None, said: str) -> None:
    file = tmp_path / "3.log"
    if log:
        file.write_text(f"{log}\n")
    told = _failure("train a", [str(file)], status)
    assert told.removeprefix("failed: train a: ").removesuffix(f" (log: {file})").removeprefix("error: ") == said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "WorkflowError:\nFailed to create output directory a/b.\nOSError: [Errno 28] No space left on device: 'a'",
            "error: Failed to create output directory a/b. No space left on device",
        ),
        (
            'WorkflowError in rule html in file "report.smk", line 52:\nOutput a is older than input b (rule html)',
            "error: Output a is older than input b (rule html)",
        ),
        (
            "Traceback (most recent call last):\n\n  File x, line 1, in remove\n    os.remove(file)\n\n"
            "OSError: [Errno 30] Read-only file system: 'results/a.parquet'\n",
            "error: results/a.parquet: Read-only file system; the disk is read-only; "
            "work in a folder that can be written",
        ),
        (
            "Traceback (most recent call last):\n  File x\nOSError: [Errno 16] Device or resource busy: 'results/a'",
            "error: results/a: Device or resource busy",
        ),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'a'", None),
        ("MissingRuleException:\nNo rule to produce x", "error: No rule to produce x"),
        (
            "MissingRuleException:\nNo rule to produce studies=a (if you use input functions, …).",
            "error: target studies=a: there is none of that name; settings follow --config: --config studies=a",
        ),
        ('SyntaxError in file "data.smk", line 4:\ninvalid syntax', None),
        ("A warning", None),
    ],
)
def test_what_snakemake_cannot_do_is_a_line(text: str, line: str | None) -> None:
    assert in_words(text) == line


def test_durations() -> None:
    assert [_duration(seconds) for seconds in (0.4, 59.6, 125, 7260)] == ["0 s", "1 min 0 s", "2 min 5 s", "2 h 1 min"]


def test_a_stop_while_a_line_is_written_leaves_the_lock_to_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Default(logging.Handler):
        """In place of Snakemake's."""

        name = "DefaultStreamHandler"
        is_tty = False

    lines: list[str] = []

    class Lock:
        """A handler's, at whose release Ctrl-C comes when the first line is written.

        Python 3.13 takes it by ``with``, earlier versions by ``acquire``.
        """

        def __init__(self) -> None:
            self._lock = threading.RLock()
            self.acquire = self._lock.acquire

        def release(self) -> None:
            if len(lines) == 1:
                lines.append("stop")
                signal.raise_signal(signal.SIGINT)
            self._lock.release()

        def __enter__(self) -> None:
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.release()

    monkeypatch.setattr(Console, "_show", lambda console, record: lines.append("start"))
    logger = logging.getLogger("snakemake.logging")
    monkeypatch.setattr(logger, "handlers", [Default()])
    # a shell that starts this in the background has it ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    Console.attach(SimpleNamespace(output_settings=SimpleNamespace(verbose=False, dryrun=False)))
    try:
        (console,) = logger.handlers
        console.lock = Lock()  # type: ignore[assignment]
        console.handle(logging.makeLogRecord({}))
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)
        assert lines == ["start", "stop"]
        assert console.lock
        with ThreadPoolExecutor() as pool:
            assert pool.submit(console.lock.acquire, timeout=2).result(), "the end of a job would wait for ever"
    finally:
        signal.signal(signal.SIGINT, before)
