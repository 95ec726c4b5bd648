"""What the Snakefile needs: the plan, ready to run, and the records that make it incremental."""

import base64
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from hwcore.config import parse
from hwcore.data.catalog import identity_of
from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.plan import Job, Plan
from hwcore.train.split import threads
from hwcore.validation import did_you_mean

# Where Snakemake keeps what made each file.
RECORDS = Path("results/.snakemake")
NO_TEX = (
    "The PDF is left out: no TeX was found. Install latexmk with TeX Live (on Debian: latexmk "
    "texlive-latex-extra texlive-fonts-recommended lmodern) or tectonic, and run again."
)


class Workflow:
    """The plan of one Snakemake call.

    Raises HwcoreError for every mistake in the configuration, the study files and, where they are
    paths, the targets named in ``arguments`` (the command line).
    """

    def __init__(
        self, values: Mapping[str, Any], files: Iterable[str | Path], arguments: Sequence[str], *, main: bool = True
    ) -> None:
        conda = any(word in arguments for word in ("--sdm", "--software-deployment-method", "--use-conda"))
        tex = conda or any(shutil.which(program) for program in ("latexmk", "tectonic"))
        self.plan = Plan(parse(values, files), pdf=tex)
        self.scale = self.plan.scale
        self.studies = list(self.plan.studies)
        self._check_targets(arguments)
        if not main:
            # a job on a cluster: the plan is that of the call that submitted it
            return
        try:
            self.plan.write()
            _keep_records_with_results()
            self._check_prepared()
        except OSError as error:
            raise HwcoreError(f"{error.filename}: {error.strerror}; results/ must be a folder you can write") from None
        if not tex:
            print(NO_TEX, file=sys.stderr)

    def outputs(self, *rules: str) -> list[str]:
        """All files that the jobs of ``rules`` make."""
        return [path for job in self.plan.of(*rules) for path in job.outputs.values()]

    def results(self) -> list[str]:
        """All files under results/, so that one that is deleted is made again.

        Prepared data are not among them: results that are copied elsewhere need none.
        """
        return [path for path in self._known() if Path(path).is_relative_to("results")]

    def _known(self) -> list[str]:
        return [path for job in self.plan.jobs.values() for path in job.outputs.values()]

    def inputs(self, rule: str, name: str) -> list[str]:
        return list(dict.fromkeys(self.plan.job(rule, name).inputs.values()))

    def arguments(self, rule: str, name: str) -> str:
        """The command line of a job's script.  It holds the fingerprint, so it changes with it."""
        job = self.plan.job(rule, name)
        return f"{self.plan.file(job.group)} {job.name} {job.fingerprint}"

    def pattern(self, rule: str, recorded: Iterable[str] | None = None) -> str:
        """A regular expression for the names of a rule's jobs; of training jobs those that record just that."""
        names = [job.name for job in self.plan.of(rule) if recorded is None or _recorded(job) == {*recorded}]
        # a rule without jobs matches nothing
        return "|".join(map(re.escape, names)) or "(?!)"

    def memory(self, name: str) -> int:
        """What a training job is given, in MB: torch and the data, the weights with gradients, moments
        and a copy that is saved, and the recorded weights, which are joined in the end.
        """
        job = self.plan.trainings[name]
        weights = 4 * job.network.parameters() * job.replicates
        every = job.record.weights_every
        # an interval in steps is at most as long as an epoch, or there is little to keep
        snapshots = job.training.epochs // every if isinstance(every, int) else job.training.epochs if every else 0
        return 3000 + weights * (8 + 3 * snapshots) // 2**20

    def threads(self, name: str, cores: int | None) -> int:
        """The cores that a training job uses; ``cores`` is all there are, None on a cluster."""
        job = self.plan.trainings[name]
        size: int | Literal["full"] = job.training.batch_size
        if size == "full":
            # a whole data set of unknown size is large
            size = job.data.samples if isinstance(job.data, FunctionData) else job.data.train_samples or 2**31
        return threads(job.network, job.replicates, size, cores or 8)

    def _check_prepared(self) -> None:
        """Prepared data outlive results/ and with it Snakemake's record of what made them."""
        for job in self.plan.of("prepare"):
            path = Path(job.outputs["prepared"])
            record = RECORDS / base64.urlsafe_b64encode(str(path).encode()).decode()
            if path.exists() and not record.exists() and identity_of(path) != job.spec["identity"]:
                raise HwcoreError(f"{path}: was prepared from other settings of {job.name}; delete it and run again")

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


def _recorded(job: Job) -> set[str]:
    return {"snapshots", "steps"} & set(job.outputs)


def _keep_records_with_results() -> None:
    """Let Snakemake's records of what made each file live in results/.

    So they travel with a copy of the results: in a fresh clone with results/ copied in, nothing is
    stale, and what is edited there later is seen.
    """
    RECORDS.mkdir(parents=True, exist_ok=True)
    link = Path(".snakemake/metadata")
    if not link.is_symlink() and not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(os.path.relpath(RECORDS, link.parent), target_is_directory=True)
