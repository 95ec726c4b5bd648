"""What a dry run shows: each job that is stale, with the reason, and how many there are of each kind."""

import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any

from hwcore import stale
from hwcore.claims.words import listed
from hwcore.console import NOISE, SILENT, in_words, jobs_in_words, take_over, title_of
from hwcore.integrity import noted
from hwcore.plan import Plan

# What Snakemake adds to a dry run: its own reasons, of which a fingerprint that changed is most.
_ADDED = (
    "If you are sure",
    "If you prefer",
    "Reasons:",
    "Rules with",
    "Some jobs were triggered",
    "This was a dry-run",
)
# Of more jobs that a job reads from the rest is counted.
_MAXIMUM = 3


class Preview(logging.Handler):
    """Prints the records of one dry run of Snakemake instead of the handler ``default``.

    ``workflow`` is Snakemake's, ``plan`` ours of all jobs.
    """

    def __init__(self, default: Any, workflow: Any, plan: Plan) -> None:
        super().__init__()
        self._default = default
        self._workflow = workflow
        self._plan = plan
        self._counted = 0
        self._quiet = bool({"ALL", "RULES"} & {each.name for each in workflow.output_settings.quiet or ()})
        self._jobs: dict[int, Any] = {}

    @classmethod
    def attach(cls, workflow: Any, plan: Plan) -> None:
        """Take the place of Snakemake's handler, unless it is asked for another one, or for everything."""
        if not workflow.output_settings.verbose:
            take_over(lambda default: cls(default, workflow, plan))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record)
        except BrokenPipeError:
            # as of `| head`: nobody reads the rest
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._default.stream.fileno())
        except Exception:
            self.handleError(record)
            self._default.handle(record)

    def _show(self, record: Any) -> None:
        event: str | None = getattr(record, "event", None)
        text = str(record.msg or "")
        if event == "run_info":
            self._sum_up(record)
        elif event == "job_info":
            if not self._quiet:
                self._tell(record)
        elif record.levelno >= logging.ERROR and (own := in_words(text)):
            self._print(record, own)
        elif event not in SILENT and not text.lstrip().startswith((*NOISE, *_ADDED)) and self._default.filter(record):
            self._default.handle(record)

    def _tell(self, record: Any) -> None:
        self._jobs = self._jobs or {job.jobid: job for job in self._workflow.dag.needrun_jobs()}
        job = self._jobs[record.jobid]
        # a target such as `report` only asks for files
        if job.output:
            self._print(record, f"{title_of(job)}: {self._why(job)}")

    def _why(self, job: Any) -> str:
        dag = self._workflow.dag
        reason, planned = dag.reason(job), self._plan.maker(Path(job.output[0]))
        missing = sorted(str(path) for path in job.output if not Path(path).exists())
        # Snakemake takes a job that was stopped for one that is asked for
        if self._stopped(job):
            return "was stopped before it ended"
        if damaged := sorted({*map(str, noted())} & {*map(str, job.output)}):
            return f"{damaged[0]} is damaged"
        if reason.forced:
            return "asked for by --force, --forceall or --forcerun"
        if missing:
            return f"{missing[0]} is missing" if len(missing) < len(job.output) else "is not there yet"
        makers = {path: each for each, paths in dag.dependencies[job].items() for path in paths}
        # those that run again, and those that already did
        before = [each for each in dag.dependencies[job] if dag.needrun(each)]
        before += [makers[path] for path in map(str, stale.changed_inputs(planned)) if path in makers]
        phrases = [*stale.reasons(planned), *_after(sorted(dict.fromkeys(before), key=lambda each: each.jobid))]
        phrases += [f"{path} was changed since" for path in sorted(map(str, reason.updated_input))]
        if phrases:
            return "; ".join(phrases)
        if stale.fingerprint(planned) is None:
            return "no record tells what it was made from"
        return "has changed in a way that its record does not tell"

    def _stopped(self, job: Any) -> bool:
        """Whether it began and did not end, so that its files may be half of what they should be."""
        persistence, paths = self._workflow.persistence, list(map(str, job.output))
        return any(Path(path).exists() for path in persistence._filter_incomplete_keys(paths))

    def _sum_up(self, record: Any) -> None:
        """Snakemake counts the jobs before and after it tells of them; one that is quiet about them ends before."""
        self._counted += 1
        if self._counted != (1 if self._quiet else 2):
            return
        kinds: Counter[str] = Counter()
        for rule, count in record.stats.items():
            # trainings that record something else are rules of their own
            kinds[rule.partition("_")[0]] += count
        total = kinds.pop("total")
        each = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        self._write(f"{jobs_in_words(total)} to run: {each}")

    def _print(self, record: logging.LogRecord, text: str) -> None:
        if self._default.filter(record):
            self._write(self._default.decorate(record, text) if record.levelno >= logging.ERROR else text)

    def _write(self, line: str) -> None:
        self._default.stream.write(f"{line}\n")
        self._default.flush()


def _after(jobs: list[Any]) -> list[str]:
    """What made, or makes, the inputs that are not as they were."""
    titles = [title_of(job) for job in jobs]
    if len(titles) > _MAXIMUM + 1:
        titles = [*titles[:_MAXIMUM], f"{len(titles) - _MAXIMUM} more"]
    return [f"after {listed(titles)}"] if titles else []
