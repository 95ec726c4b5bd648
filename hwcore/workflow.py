"""What the rules ask of the plan: names, paths, arguments and resources of jobs.  Nothing here writes."""

import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hwcore.config import parse
from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.plan import CRATE, Plan
from hwcore.shown import Shown, shown
from hwcore.train.files import FILES, files
from hwcore.train.memory import memory
from hwcore.train.spec import Record
from hwcore.train.split import threads
from hwcore.validation import did_you_mean

# What every training makes; what else one records makes it another rule.
_ALWAYS = tuple(files(Record()))


class Workflow:
    """The plan of one Snakemake call.

    Where TeX is found it typesets the PDFs, and Typst elsewhere.  ``deployed`` says that Snakemake provides the
    programs of jobs, as conda does, so that TeX will be there.

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
    ) -> None:
        tex = deployed or any(shutil.which(program) for program in ("pdflatex", "tectonic"))
        packed = any(Path(argument).name in ("crate", CRATE) for argument in arguments)
        self.plan = Plan(parse(values, files), tex=tex, packed=packed)
        self.scale = self.plan.scale
        self.studies = list(self.plan.studies)
        self._check_targets(arguments)

    def outputs(self, *rules: str) -> list[str]:
        """All files that the jobs of ``rules`` make."""
        return [str(path) for job in self.plan.of(*rules) for path in job.outputs.values()]

    def results(self) -> list[str]:
        """All files under results/<scale> but the crate, which hashes them, so that one that is deleted is made again.

        Prepared data are not among them: results that are copied elsewhere need none.
        """
        crate = {*self.outputs("crate")}
        return [path for path in self._known() if Path(path).is_relative_to(self.plan.results) and path not in crate]

    def _known(self) -> list[str]:
        return [str(path) for job in self.plan.jobs.values() for path in job.outputs.values()]

    def inputs(self, rule: str, name: str) -> list[str]:
        return list(dict.fromkeys(map(str, self.plan.job(rule, name).inputs.values())))

    def arguments(self, rule: str, name: str) -> str:
        """The command line of a job's script.  It holds the fingerprint, so it changes with it."""
        job = self.plan.job(rule, name)
        return shlex.join([str(job.plan), job.name, job.fingerprint])

    def recipe(self, figure: str) -> Path:
        """Where a figure's recipe lies."""
        return self.plan.job("figure", figure).outputs["recipe"]

    def recorded(self) -> list[tuple[str, ...]]:
        """The kinds of files that trainings record besides what all of them do, each combination once."""
        kinds = {tuple(key for key in job.outputs if key not in _ALWAYS) for job in self.plan.of("train")}
        return sorted(kinds)

    def run_files(self, recorded: Iterable[str]) -> list[str]:
        """The outputs of a training that records these kinds, with wildcards for the scale and the run."""
        return [f"results/{{scale}}/runs/{{run}}/{FILES[key]}" for key in (*_ALWAYS, *recorded)]

    def pattern(self, rule: str, recorded: Iterable[str] | None = None) -> str:
        """A regular expression for the names of a rule's jobs; of training jobs those that record just that."""
        names = [
            job.name for job in self.plan.of(rule) if recorded is None or {*job.outputs} - {*_ALWAYS} == {*recorded}
        ]
        # a rule without jobs matches nothing
        return "|".join(map(re.escape, names)) or "(?!)"

    def shown(self, name: str) -> Shown:
        """How Snakemake's own report shows a figure or a page."""
        return shown(self.plan, name)

    def memory(self, name: str) -> int:
        """What a training job is given, in MB."""
        spec = self.plan.trainings[name]
        samples = spec.data.samples if isinstance(spec.data, FunctionData) else spec.data.train_samples
        return memory(spec, samples)

    def threads(self, name: str, cores: int | None) -> int:
        """The cores that a training job uses; ``cores`` is all there are, None on a cluster."""
        spec = self.plan.trainings[name]
        # a whole data set of unknown size is large
        samples = spec.data.samples if isinstance(spec.data, FunctionData) else spec.data.train_samples or 2**31
        size, _ = spec.training.batches(samples)
        return threads(spec.network, spec.replicates, size, cores or 8)

    def _check_targets(self, arguments: Sequence[str]) -> None:
        known = self._known()
        for argument in arguments:
            if not argument.startswith(("results/", "resources/")) or argument in known:
                continue
            scale = re.match(r"results/([^/]+)/", argument)
            if scale and scale[1] != self.scale and scale[1] in self.plan.config.scales:
                raise HwcoreError(f"target {argument}: the scale is {self.scale}; add `--config scale={scale[1]}`")
            folder = [path for path in known if Path(path).parent == Path(argument).parent]
            raise HwcoreError(f"target {argument}: nothing makes this file{did_you_mean(argument, folder or [])}")
