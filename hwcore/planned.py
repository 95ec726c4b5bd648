"""What the rules ask of planned jobs: names, paths, arguments and cores.  Nothing here writes."""

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.jobs import Job, plan_file, planned
from hwcore.train.files import FILES, files
from hwcore.train.spec import Record, RunSpec
from hwcore.train.split import threads

# What every training makes; what else one records makes it another rule.
_ALWAYS = tuple(files(Record()))


class Planned:
    """Jobs by rule and name."""

    def __init__(self, scale: str, jobs: Mapping[tuple[str, str], Job]) -> None:
        self.scale = scale
        self.jobs = jobs

    def of(self, *rules: str) -> list[Job]:
        return [job for (rule, _), job in self.jobs.items() if rule in rules]

    def outputs(self, *rules: str) -> list[str]:
        """All files that the jobs of ``rules`` make."""
        return [str(path) for job in self.of(*rules) for path in job.outputs.values()]

    def inputs(self, rule: str, name: str) -> list[str]:
        return list(dict.fromkeys(map(str, self.jobs[rule, name].inputs.values())))

    def arguments(self, rule: str, name: str) -> str:
        """The command line of a job's script.  It holds the fingerprint, so it changes with it."""
        job = self.jobs[rule, name]
        return shlex.join([str(job.plan), job.name, job.fingerprint])

    def recorded(self) -> list[tuple[str, ...]]:
        """The kinds of files that trainings record besides what all of them do, each combination once."""
        kinds = {tuple(key for key in job.outputs if key not in _ALWAYS) for job in self.of("train")}
        return sorted(kinds)

    def run_files(self, recorded: Iterable[str]) -> list[str]:
        """The outputs of a training that records these kinds, with wildcards for the scale and the run."""
        return [f"results/{{scale}}/runs/{{run}}/{FILES[key]}" for key in (*_ALWAYS, *recorded)]

    def pattern(self, rule: str, recorded: Iterable[str] | None = None) -> str:
        """A regular expression for the names of a rule's jobs; of training jobs those that record just that."""
        names = [job.name for job in self.of(rule) if recorded is None or {*job.outputs} - {*_ALWAYS} == {*recorded}]
        # a rule without jobs matches nothing
        return _one_of(names) if names else "(?!)"

    def training(self, name: str) -> RunSpec:
        return RunSpec.model_validate(self.jobs["train", name].spec)

    def threads(self, name: str, cores: int | None) -> int:
        """The cores that a training job uses; ``cores`` is all there are, None on a cluster."""
        spec = self.training(name)
        # a whole data set of unknown size is large
        samples = spec.data.samples if isinstance(spec.data, FunctionData) else spec.data.train_samples or 2**31
        size, _ = spec.training.batches(samples)
        return threads(spec.network, spec.replicates, size, cores or 8)


def _one_of(names: Sequence[str]) -> str:
    """A regular expression for these names, as a tree of their letters.

    Of plain alternatives each is tried in turn: with ten thousand names, for each of as many jobs, that takes minutes.
    """
    if len(names) == 1:
        return re.escape(names[0])
    rests: dict[str, list[str]] = {}
    for name in names:
        rests.setdefault(name[:1], []).append(name[1:])
    # one name may begin another
    optional = "?" if rests.pop("", None) else ""
    branches = [re.escape(letter) + _one_of(rest) for letter, rest in rests.items()]
    return branches[0] if len(branches) == 1 and not optional else f"(?:{'|'.join(branches)}){optional}"


class Submitted(Planned):
    """The jobs for which a process runs on a node, as the call that submitted them has written them down.

    To plan everything again would take longer than many a job: for each of them twice as long as a dry run.

    Raises HwcoreError if a later call has planned without one of them.
    """

    def __init__(self, scale: str, arguments: Sequence[str]) -> None:
        """``arguments`` are Snakemake's own, such as ``--target-jobs train:scale=quick,run=tiny/fit/narrow``."""
        first = arguments.index("--target-jobs") + 1
        targets = itertools.takewhile(lambda argument: not argument.startswith("--"), arguments[first:])
        names: dict[Path, set[str]] = {}
        for target in targets:
            rule, _, wildcards = target.partition(":")
            values = dict(pair.split("=", 1) for pair in wildcards.split(","))
            # the other one is what the job is called
            values.pop("scale", None)
            (name,) = values.values()
            group = "data" if rule == "prepare" else name.partition("/")[0]
            # trainings of one plan are spread over several rules
            key = f"{'train' if rule.startswith('train') else rule}:{name}"
            names.setdefault(plan_file(Path("results") / scale, group), set()).add(key)
        jobs = [job for plan, keys in names.items() for job in planned([plan]) if job.key in keys]
        if missing := set().union(*names.values()) - {job.key for job in jobs}:
            raise HwcoreError(f"{min(missing)} is no longer planned; run the same command again")
        super().__init__(scale, {(job.rule, job.name): job for job in jobs})

    def memory(self, rule: str, name: str) -> int:
        """It has been asked for."""
        return 1

    def minutes(self, rule: str, name: str, threads: int = 1) -> int:
        return 1

    def longest_chain(self, rule: str, name: str) -> float:
        """Its turn has come."""
        return 0.0
