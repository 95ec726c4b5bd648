"""What the rules ask of the plan of all jobs.  Nothing here writes."""

import math
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from hwcore import stale
from hwcore.analyses.duration import seconds as analysis_seconds
from hwcore.analyses.memory import memory as analysis_memory
from hwcore.config import parse
from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.integrity import noted
from hwcore.jobs import Job
from hwcore.plan import CRATE, Plan
from hwcore.planned import Planned
from hwcore.shown import Shown, shown
from hwcore.train.duration import seconds
from hwcore.train.memory import memory as train_memory
from hwcore.train.spec import RunSpec
from hwcore.validation import did_you_mean


def _samples(spec: RunSpec) -> int | None:
    return spec.data.samples if isinstance(spec.data, FunctionData) else spec.data.train_samples


class Workflow(Planned):
    """The plan of one Snakemake call.

    Where TeX is found it typesets the PDFs, and Typst elsewhere.  ``deployed`` says that Snakemake provides the
    programs of jobs, as conda does, so that TeX will be there.  ``cores`` are all there are, None on a cluster.

    Raises HwcoreError for every mistake in the configuration, the study files and, where they are
    paths, the targets named in ``arguments`` (the command line).
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        files: Iterable[str | Path],
        arguments: Sequence[str],
        *,
        deployed: bool = False,
        cores: int | None = None,
    ) -> None:
        tex = deployed or any(shutil.which(program) for program in ("pdflatex", "tectonic"))
        packed = any(Path(argument).name in ("crate", CRATE, "workflow") for argument in arguments)
        self.plan = Plan(parse(values, files), tex=tex, packed=packed)
        self._cores = cores
        super().__init__(self.plan.scale, self.plan.jobs)
        self._check_targets(arguments)

    def results(self) -> list[str]:
        """All files under results/<scale> but the crate, which hashes them, so that one that is deleted is made again.

        Prepared data are not among them: results that are copied elsewhere need none.
        """
        crate = {*self.outputs("crate")}
        return [path for path in self._known() if Path(path).is_relative_to(self.plan.results) and path not in crate]

    def _known(self) -> list[str]:
        return [str(path) for job in self.plan.jobs.values() for path in job.outputs.values()]

    def training(self, name: str) -> RunSpec:
        return self.plan.trainings[name]

    def is_stale(self, path: str | Path) -> bool | None:
        """Whether a file was made from something else than it would be now, or is damaged; None if no record tells."""
        job = self.plan.maker(Path(path))
        if not self._noted.isdisjoint(job.outputs.values()):
            return True
        made = stale.fingerprint(job)
        return None if made is None else made != job.fingerprint

    def checksum(self, path: str, read: str) -> str | None:
        """The SHA-256 of the file ``read`` when ``path`` was made from it; None if no record tells."""
        return stale.checksum(self.plan.maker(Path(path)), read)

    @cached_property
    def _noted(self) -> set[Path]:
        return set(noted())

    def shown(self, name: str) -> Shown:
        """How Snakemake's own report shows a figure or a page."""
        return shown(self.plan, name)

    def memory(self, rule: str, name: str) -> int:
        """What a training or an analysis is given, in MB; it needs ``GPU`` more on a machine with one."""
        if rule == "train":
            spec = self.training(name)
            return train_memory(spec, _samples(spec))
        job = self.plan.job(rule, name)
        return analysis_memory(job.spec["kind"], job.spec["options"], self._analysed(job))

    def minutes(self, rule: str, name: str, threads: int = 1) -> int:
        """How long a training or an analysis of so many threads may take on a cluster.

        Below ten minutes less asked for gains nothing.
        """
        return max(10, math.ceil(self._work(self.plan.job(rule, name)) / threads / 60))

    def longest_chain(self, rule: str, name: str) -> float:
        """Seconds of the longest chain of jobs, each made from the one before, that begins with this one.

        Where the job that begins the longest chain starts first, no long one is left for the end with cores idle: list
        scheduling by critical paths (Kohler, IEEE Transactions on Computers 24, 1975).
        """
        return self._chains[rule, name]

    @cached_property
    def _chains(self) -> dict[tuple[str, str], float]:
        chains: dict[tuple[str, str], float] = {}
        # each job is planned after those that make its inputs
        for key, job in reversed(self.plan.jobs.items()):
            threads = self.threads(job.name, self._cores) if job.rule == "train" else 1
            chains[key] = chains.get(key, 0.0) + self._work(job) / threads
            for path in job.inputs.values():
                maker = self.plan.maker(path)
                chains[maker.rule, maker.name] = max(chains.get((maker.rule, maker.name), 0.0), chains[key])
        return chains

    def _work(self, job: Job) -> float:
        """The processor time of a job in seconds, at most; nothing for one that neither trains nor analyses."""
        if job.rule == "train":
            spec = self.training(job.name)
            return seconds(spec, _samples(spec))
        if job.rule == "analyse":
            return analysis_seconds(job.spec["kind"], job.spec["options"], self._analysed(job))
        return 0.0

    def _analysed(self, job: Job) -> list[RunSpec]:
        """The trainings of which an analysis is made."""
        runs = [self.plan.maker(job.inputs[f"{model}/run"]) for model in job.spec["models"]]
        return [self.training(run.name) for run in runs]

    def _check_targets(self, arguments: Sequence[str]) -> None:
        known = self._known()
        for before, argument in pairwise(["", *arguments]):
            # settings that are given, and the file of Snakemake's own report, are none of ours
            if before in ("--report", "--configfile", "--configfiles") or argument in known:
                continue
            if not argument.startswith(("results/", "resources/")):
                continue
            scale = re.match(r"results/([^/]+)/", argument)
            if scale and scale[1] != self.scale and scale[1] in self.plan.config.scales:
                raise HwcoreError(f"target {argument}: the scale is {self.scale}; add `--config scale={scale[1]}`")
            folder = [path for path in known if Path(path).parent == Path(argument).parent]
            raise HwcoreError(f"target {argument}: nothing makes this file{did_you_mean(argument, folder)}")
