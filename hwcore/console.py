"""What a run shows while it goes on, and what it says at its end.

Snakemake tells what happens as log records.  ``Console`` takes the place of the handler that prints
them: a bar on a terminal, a line for each start and each end of a job elsewhere, one line for a failure,
and one list of failures at the end.  What Snakemake itself cannot do is a line.  Records that it does not know, such as
its warnings, are printed as they were.  Everything in full is in .snakemake/log/, and shown with ``--verbose``.
"""

import logging
import os
import re
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import FrameType
from typing import Any, TypeVar

from hwcore import calls
from hwcore.errors import of_disk

# Events, and beginnings of other records, that say nothing to someone who watches a run.
SILENT = ("workflow_started", "resources_info", "job_started", "progress")
NOISE = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Cleaning up SLURM log files",
    "Complete log(s)",
    "Conda environments: ignored",
    "Exiting because a job execution failed",
    "Migrating .snakemake folder",
    "Migration complete",
    # a cluster may have no accounts
    "No SLURM account given",
    "No account was given",
    "Select jobs to execute",
    "Shutting down",
    "Trying to restart job",
    "Unable to guess SLURM account",
    "Using shell",
)
# What the Slurm plugin says of a job that it could not submit, and of one that failed.
_REFUSED = re.compile(r"SLURM sbatch failed\. The error message was '(.*?)'\.", re.DOTALL)
_ENDED = re.compile(r"SLURM-job '(\d+)' failed.*?SLURM status is: '(\w+)'", re.DOTALL)
_STATES = {
    "CANCELLED": "was cancelled",
    "FAILED": "failed",
    "NODE_FAIL": "was on a node that failed",
    "OUT_OF_MEMORY": "took more memory than it had asked for",
    "TIMEOUT": "took longer than it had asked for",
}
# What Snakemake itself cannot do, and the error of the operating system within.
_OWN = re.compile(r"(?:WorkflowError|MissingRuleException)(?: in [^\n]*)?:\n(?P<why>.*)", re.DOTALL)
_SYSTEM = re.compile(r"\b\w+: \[Errno \d+\] ([^:\n]*)(?:: '[^'\n]*')?")
# A setting where a target stands.
_SETTING = re.compile(r"No rule to produce (\w+=\S*)")
# An error of the operating system that ends Snakemake itself.
_CRASH = re.compile(
    r"Traceback \(most.*\n\w+: \[Errno (?P<number>\d+)\] (?P<what>[^:\n]*)(?:: '(?P<file>[^'\n]*)')?\s*", re.DOTALL
)
# Seconds until Ctrl-C is tried again.
_LATER = 0.02
# A command that ended with an error: its job says so as well.
_FAILED_COMMAND = "CalledProcessError in file"
_STOP = "Terminating processes on user request"
_SUCCESS = "Elapsed time"
# of a job whose log has no error
_WORDLESS = "it ended without an error message"
_LOCKED = "Directory cannot be locked"
_FAILURE = "At least one job did not complete successfully."
_BAR_WIDTH = 20


@dataclass(frozen=True)
class _Run:
    """A run of a job: what it does in words, its rule, and when it began."""

    title: str
    rule: str
    begin: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begin


@dataclass
class _Pace:
    """How long jobs take.  Both count by rule: jobs that were not started, and the seconds of those that ended."""

    waiting: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    begin: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.begin

    def left(self, running: Collection[_Run]) -> float | None:
        """Seconds until the last job ends, None before the first one has.

        A job is taken to last as long as the mean of its rule, or of all jobs where none of its rule has
        ended, and as many jobs to run side by side as until now.
        """
        ended = [seconds for each in self.seconds.values() for seconds in each]
        if not ended:
            return None
        mean = {rule: fmean(each) for rule, each in self.seconds.items()}
        overall = fmean(ended)
        work = sum(count * mean.get(rule, overall) for rule, count in self.waiting.items())
        work += sum(max(0.0, mean.get(run.rule, overall) - run.seconds) for run in running)
        busy = sum(ended) + sum(run.seconds for run in running)
        return work * self.elapsed / busy


H = TypeVar("H", bound=logging.Handler)


def take_over(make: Callable[[Any], H]) -> H | None:
    """Replace Snakemake's handler by the one that ``make`` makes of it; None if another one is in use."""
    logger = logging.getLogger("snakemake.logging")
    for default in logger.handlers:
        if default.name == "DefaultStreamHandler":
            handler = make(default)
            logger.removeHandler(default)
            logger.addHandler(handler)
            return handler
    return None


class Console(logging.Handler):
    """Prints the records of one call of Snakemake instead of the handler ``default``.

    ``workflow`` is Snakemake's: what has failed, and which jobs depend on it, is asked of its scheduler
    and its graph of jobs.
    """

    def __init__(self, default: Any, workflow: Any) -> None:
        super().__init__()
        self._default = default
        self._workflow = workflow
        self._terminal: bool = default.is_tty and os.environ.get("TERM") != "dumb"
        self._total = 0
        self._running: dict[int, _Run] = {}
        self._pace = _Pace()
        self._stopped = False
        # failures without a word, of which only what comes next says whether Ctrl-C is behind them
        self._held: list[tuple[Any, str]] = []
        # the last word on each job that failed, by its number
        self._failures: dict[int, str] = {}
        self._bar = ""
        self._over = threading.Event()

    @classmethod
    def attach(cls, workflow: Any) -> None:
        """Take the place of Snakemake's handler, unless it is asked for another one, for everything, or not to run."""
        settings = workflow.output_settings
        if settings.verbose or settings.dryrun:
            return
        console = take_over(lambda default: cls(default, workflow))
        if console:
            console._watch_interrupts()

    def _watch_interrupts(self) -> None:
        """Know of Ctrl-C before Snakemake does: it reaches jobs too, whose ends may be told first."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return

        def note(number: int, frame: FrameType | None) -> None:
            self._stopped = True
            if not _logs(frame):
                raise KeyboardInterrupt
            later = threading.Timer(_LATER, signal.pthread_kill, (threading.main_thread().ident, number))
            later.daemon = True
            later.start()

        signal.signal(signal.SIGINT, note)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record)
            self._draw()
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)
            self._default.handle(record)

    def close(self) -> None:
        self._over.set()
        with self.lock:  # type: ignore[union-attr]
            self._clear()
        super().close()

    def _show(self, record: logging.LogRecord) -> None:
        event: str | None = getattr(record, "event", None)
        text = str(record.msg or "")
        self._stopped = self._stopped or text.startswith(_STOP)
        if event != "job_error":
            self._release()
        if event == "run_info":
            self._begin(record)
        elif event == "job_info":
            self._start(record)
        elif event == "job_finished":
            self._finish(record)
        elif event == "job_error":
            self._fail(record)
        elif text.startswith(_SUCCESS):
            self._sum_up(record)
        elif _FAILURE in text:
            self._list_failures(record)
        elif _LOCKED in text:
            self._print(record, f"error: {calls.others()}")
        elif record.levelno >= logging.ERROR and (own := in_words(text)):
            self._print(record, own)
        elif event not in SILENT and not text.startswith(NOISE) and _FAILED_COMMAND not in text:
            self._clear_and_pass(record)

    def _clear_and_pass(self, record: logging.LogRecord) -> None:
        if self._default.filter(record):
            self._clear()
            self._default.handle(record)

    def _print(self, record: logging.LogRecord, text: str) -> None:
        """Print what ``record`` says, unless ``--quiet`` leaves it out, and in its colour if it is an error."""
        if self._default.filter(record):
            self._clear()
            self._write((self._default.decorate(record, text) if record.levelno >= logging.ERROR else text) + "\n")

    def _begin(self, record: Any) -> None:
        rules = Counter(record.stats)
        self._total = rules.pop("total")
        self._pace = _Pace(rules)
        if not self._terminal:
            self._print(record, f"{jobs_in_words(self._total)} to run")
        elif self._default.filter(record):
            threading.Thread(target=self._tick, daemon=True).start()

    def _start(self, record: Any) -> None:
        run = self._running[record.jobid] = _Run(record.rule_msg or record.rule_name, record.rule_name)
        self._pace.waiting[run.rule] -= 1
        # a target such as `report` only asks for files
        if record.output and not self._terminal:
            self._print(record, f"start: {run.title}")

    def _finish(self, record: Any) -> None:
        run = self._running.pop(record.job_id)
        self._pace.seconds[run.rule].append(run.seconds)
        if not self._terminal:
            done = self._workflow.scheduler.finished_jobs
            self._print(record, f"[{done} of {self._total}] {run.title} ({run.seconds:.1f} s)")

    def _fail(self, record: Any) -> None:
        run = self._running.pop(record.jobid, None)
        line = _failure(run.title if run else record.rule_name, record.log, record.rule_msg)
        self._failures[record.jobid] = line
        # Ctrl-C ends all jobs, and is told once
        if self._stopped or ": KeyboardInterrupt" in line:
            return
        if _WORDLESS in line:
            self._held.append((record, line))
            return
        self._tell(record, line)

    def _release(self) -> None:
        held, self._held = self._held, []
        for record, line in held:
            if not self._stopped:
                self._tell(record, line)

    def _tell(self, record: Any, line: str) -> None:
        self._print(record, line)
        if self._workflow.output_settings.show_failed_logs:
            self._print(record, "\n".join(map(_text, record.log)))

    def _sum_up(self, record: logging.LogRecord) -> None:
        if self._total and self._workflow.scheduler.finished_jobs == self._total:
            self._print(record, f"{jobs_in_words(self._total)} done in {_duration(self._pace.elapsed)}")

    def _list_failures(self, record: logging.LogRecord) -> None:
        scheduler = self._workflow.scheduler
        failed = [each for job in scheduler.failed for each in (job.jobs if job.is_group() else [job])]
        blocked = self._dependents(failed)
        if self._stopped:
            failed = [job for job in failed if not _ended_by_interrupt(_failure(title_of(job), job.log))]
            blocked = self._dependents(failed)
        head = f"{scheduler.finished_jobs} of {self._total} jobs are done"
        if not failed:
            self._print(record, f"stopped: {head}; the same command does the rest")
            return
        head += f", {len(failed)} failed"
        if blocked:
            head += f", {len(blocked)} could not be made because of {'it' if len(failed) == 1 else 'them'}:"
        failures = [
            self._failures.get(job.jobid) or _failure(title_of(job), job.log)
            for job in sorted(failed, key=lambda job: job.jobid)
        ]
        self._print(record, "\n".join([head, *failures, *(f"not made: {title_of(job)}" for job in blocked)]))

    def _dependents(self, jobs: Iterable[Any]) -> list[Any]:
        """The jobs that need what ``jobs`` make, directly or not, in the order of their ids."""
        dag = self._workflow.dag
        waiting = set(dag.needrun_jobs())
        queue = list(jobs)
        reached = set(queue)
        for job in queue:
            new = (waiting & dag.depending[job].keys()) - reached
            reached |= new
            queue += new
        # targets such as `report`, which have no output, come last
        return sorted(reached - set(jobs), key=lambda job: (not job.output, job.jobid))

    def _tick(self) -> None:
        """Let the time left go on while no job ends."""
        while not self._over.wait(1):
            with self.lock:  # type: ignore[union-attr]
                self._draw()

    def _draw(self) -> None:
        if not (self._terminal and self._running) or self._over.is_set():
            return
        done = self._workflow.scheduler.finished_jobs
        filled = _BAR_WIDTH * done // self._total
        left = self._pace.left(self._running.values())
        parts = [
            f"{done} of {self._total} [{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]",
            *([] if left is None else [f"{_duration(left)} left"]),
            ", ".join(run.title for run in self._running.values()),
        ]
        # a terminal that does not know its size says 0
        columns = os.get_terminal_size(self._default.stream.fileno()).columns or 80
        bar = "  ".join(parts)[: columns - 1]
        if bar != self._bar:
            self._write(f"\r{bar}\x1b[K")
            self._bar = bar

    def _clear(self) -> None:
        if self._bar:
            self._write("\r\x1b[K")
            self._bar = ""

    def _write(self, text: str) -> None:
        self._default.stream.write(text)
        self._default.flush()


def in_words(text: str) -> str | None:
    """What Snakemake itself cannot do, in a line; None if ``text`` says nothing of that."""
    if match := _SETTING.search(text):
        return f"error: target {match[1]}: there is none of that name; settings follow --config: --config {match[1]}"
    if match := _OWN.fullmatch(text):
        return "error: " + " ".join(_SYSTEM.sub(r"\1", match["why"]).split())
    if match := _CRASH.fullmatch(text):
        error = OSError(int(match["number"]), match["what"], match["file"])
        return f"error: {of_disk(error) or f'{error.filename}: {error.strerror}'}"
    return None


def _logs(frame: FrameType | None) -> bool:
    """Whether a record is being logged.

    An exception there may leave the handler's lock to nobody: the threads that tell of the ends of jobs, for which
    Snakemake waits before it stops, would wait for it for ever.
    """
    while frame and frame.f_code.co_filename != logging.__file__:
        frame = frame.f_back
    return frame is not None


def jobs_in_words(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def title_of(job: Any) -> str:
    """What a job of Snakemake does, in words; a target is called by its name, since its message says it is made."""
    return str(job.message if job.output and job.message else job.rule.name)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _failure(title: str, logs: Any, status: str | None = None) -> str:
    """One line: the job, the error in which one of its logs ends, and the path of the first.

    ``status`` is what a cluster says about a job that left no error.
    """
    error = next(filter(None, map(_error, logs)), None) or (status and _of_cluster(status, logs)) or _WORDLESS
    return f"failed: {title}: {error}" + (f" (log: {logs[0]})" if logs else "")


def _of_cluster(status: str, logs: Iterable[str]) -> str:
    """What a cluster says about a job, in words, where it is Slurm."""
    if refused := _REFUSED.search(status):
        return f"Slurm refused the job: {refused[1].strip().splitlines()[-1].removeprefix('sbatch: error: ')}"
    if ended := _ENDED.search(status):
        number, state = ended.groups()
        if any("memory limit" in _text(log) or "oom-kill" in _text(log).lower() for log in logs):
            state = "OUT_OF_MEMORY"
        said = f"Slurm's job {number} {_STATES.get(state, f'ended as {state}')}"
        seen = any(Path(log).exists() for log in logs)
        return said if seen else f"{said} and left no log; does its node see this folder?"
    return status


def _ended_by_interrupt(line: str) -> bool:
    """Whether Ctrl-C may be why a job ended, by what is told of it: a job that had hardly begun says nothing."""
    return _WORDLESS in line or ": KeyboardInterrupt" in line or "was killed (SIGINT)" in line


def _error(log: str) -> str | None:
    """The last error in a log, on one line: what a job says of itself, or the end of a traceback."""
    lines = [line for line in _text(log).splitlines() if line.strip()]
    begins = [i for i, line in enumerate(lines) if line.startswith(("error: ", "Traceback (most recent call last):"))]
    if not begins:
        return None
    first, *rest = lines[begins[-1] :]
    if first.startswith("error: "):
        # one or two lines, see HwcoreError
        return " ".join(line.strip() for line in (first, *rest[:1]))
    return next((line for line in rest if not line.startswith(" ")), None)


def _text(log: str) -> str:
    """What a log holds, without control characters; nothing if there is no such file."""
    try:
        text = Path(log).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join("".join(filter(str.isprintable, line)) for line in text.splitlines())
