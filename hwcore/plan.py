"""Every job of the pipeline, with all that its outcome depends on.

The fingerprint of a job is a hash over its specification, the code behind it, the versions of
the packages that decide numbers, and the fingerprints of the jobs that make its inputs.  It is
the only thing that decides whether the job is fresh: modification times lie after a copy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hwcore.config import Config
from hwcore.context import page_context
from hwcore.data import catalog
from hwcore.data.spec import DataSpec, FunctionData
from hwcore.errors import HwcoreError
from hwcore.files import write_json
from hwcore.fingerprint import Code, digest, file_digest
from hwcore.provenance import versions
from hwcore.studies.study import Analysis, Experiment, Figure, Model, Study, available, load
from hwcore.train.spec import RunSpec

DATA = Path("resources/data")
REPORT = Path("report")
FORMATS = ("svg", "pdf", "png")
STAGES = ("train", "analyse", "figure")
# How a page becomes others: rule, what it is made from, what it makes, the format of the figures
# that it shows, and the files of report/ that shape it.
PAGES = (
    ("html", ".md", ".html", "svg", ("style.css", "page.lua")),
    ("latex", ".md", ".tex", None, ("preamble.tex", "page.lua")),
    ("pdf", ".tex", ".pdf", "pdf", ()),
)
# The packages whose version changes numbers.
NUMERIC = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")


@dataclass(frozen=True)
class Job:
    """One job of the workflow.

    ``spec`` decides the outcome; ``settings`` (device, mirror, paths) do not.  ``inputs`` and
    ``outputs`` map the names that the workflow script uses to paths, relative to the repository.
    """

    rule: str
    group: str
    name: str
    spec: Mapping[str, Any]
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    modules: tuple[str, ...]
    fingerprint: str

    @cached_property
    def key(self) -> str:
        return f"{self.rule}:{self.name}"


class Plan:
    """All jobs of the configured studies at the configured scale.

    Raises HwcoreError for every mistake in the configuration and the study files.  Without
    ``pdf`` the pages are not typeset.
    """

    def __init__(self, config: Config, *, pdf: bool, root: Path = Path()) -> None:
        self.config = config
        self.scale = config.scale
        self.results = Path("results") / config.scale
        self.jobs: dict[tuple[str, str], Job] = {}
        self.trainings: dict[str, RunSpec] = {}
        self._root = root
        self._pages = PAGES if pdf else PAGES[:-1]
        self._code = Code(root)
        self._maker: dict[str, Job] = {}
        known = available(root / REPORT)
        names = known if config.studies == "all" else list(dict.fromkeys(config.studies))
        self.studies = {name: load(name, root / REPORT, config) for name in names}
        if not self.studies:
            raise HwcoreError("studies: none chosen; name at least one folder of report/, or `all`")
        for study in self.studies.values():
            self._plan_study(study)
        self._plan_summary()

    def job(self, rule: str, *name: str) -> Job:
        return self.jobs[rule, "/".join(name)]

    def of(self, *rules: str) -> list[Job]:
        return [job for (rule, _), job in self.jobs.items() if rule in rules]

    def file(self, group: str) -> Path:
        """Where ``write`` puts the jobs of one group: a study's name, data or summary."""
        return self.results / "plan" / f"{group}.json"

    def write(self) -> None:
        """Write what the workflow scripts read, each file only if it changed."""
        groups: dict[str, dict[str, Any]] = {}
        for job in self.jobs.values():
            said = {key: getattr(job, key) for key in ("spec", "settings", "inputs", "outputs", "modules")}
            groups.setdefault(job.group, {})[job.key] = {**said, "fingerprint": job.fingerprint}
        for group, jobs in groups.items():
            write_json(self.file(group), jobs, only_if_changed=True)

    def _add(
        self,
        rule: str,
        group: str,
        name: str,
        *,
        spec: Mapping[str, Any],
        outputs: Mapping[str, Path],
        inputs: Mapping[str, Path | str] | None = None,
        settings: Mapping[str, Any] | None = None,
        chosen: Iterable[str] = (),
        numeric: bool = False,
    ) -> Job:
        chosen = tuple(chosen)
        script = f"workflow_scripts/{rule}.py"
        paths = {key: str(path) for key, path in (inputs or {}).items()}
        parts: dict[str, Any] = {
            "rule": rule,
            "name": name,
            "spec": spec,
            "code": self._code.digest(script, chosen),
            "versions": self._versions if numeric else {},
            "inputs": {key: self._maker[path].fingerprint for key, path in paths.items() if path in self._maker},
        }
        made = {key: str(path) for key, path in outputs.items()}
        modules = tuple(self._code.modules(script, chosen))
        job = Job(rule, group, name, spec, settings or {}, paths, made, modules, digest(parts))
        self.jobs[rule, name] = job
        self._maker.update(dict.fromkeys(made.values(), job))
        return job

    @cached_property
    def _versions(self) -> dict[str, str | None]:
        return versions(NUMERIC)

    def _plan_study(self, study: Study) -> None:
        for experiment in study.experiments.values():
            for model in experiment.models.values():
                self._plan_training(study, experiment, model)
            for analysis in experiment.analyses.values():
                self._plan_analysis(study, experiment, analysis)
            for figure in experiment.figures.values():
                self._plan_figure(study, experiment, figure)
        self._plan_claims(study)
        self._plan_report(study)

    def _plan_data(self, data: DataSpec, where: str) -> dict[str, Path]:
        if isinstance(data, FunctionData):
            return {}
        name = data.dataset
        entry = self.config.datasets.get(name)
        try:
            source = catalog.resolve(name, entry.model_dump(mode="json", exclude_none=True) if entry else {})
        except HwcoreError as error:
            raise HwcoreError(f"{where}: {error}") from None
        prepared = DATA / f"{name}.safetensors"
        if str(prepared) not in self._maker:
            spec = {"dataset": name, "identity": source.identity}
            inputs = {}
            if source.kind == "torchvision":
                manifest = DATA / f"{name}.json"
                self._add("download", "data", name, spec=spec, settings=source.places, outputs={"manifest": manifest})
                inputs = {"manifest": manifest}
            self._add(
                "prepare",
                "data",
                name,
                spec=spec,
                settings=source.places,
                inputs=inputs,
                outputs={"prepared": prepared},
                chosen=[f"hwcore.data.sources.{source.kind}"],
                numeric=True,
            )
        return {"data": prepared}

    def _run_folder(self, study: Study, experiment: Experiment, model: Model) -> Path:
        return self.results / "runs" / study.name / experiment.id / model.name

    def _plan_training(self, study: Study, experiment: Experiment, model: Model) -> None:
        job = RunSpec(
            study=study.name,
            experiment=experiment.id,
            model=model.name,
            network=model.network,
            data=model.data,
            training=model.training,
            record=experiment.record,
            replicates=model.replicates,
            precision=self.config.precision,
        )
        self.trainings[f"{study.name}/{experiment.id}/{model.name}"] = job
        folder = self._run_folder(study, experiment, model)
        outputs = {
            "checkpoint": folder / "checkpoint.safetensors",
            "metrics": folder / "metrics.parquet",
            "run": folder / "run.json",
        }
        if experiment.record.weights_every:
            outputs["snapshots"] = folder / "snapshots.safetensors"
        if experiment.record.steps:
            outputs["steps"] = folder / "steps.parquet"
        self._add(
            "train",
            study.name,
            f"{study.name}/{experiment.id}/{model.name}",
            spec=job.model_dump(mode="json"),
            settings={"device": self.config.device, "checkpoint_interval": self.config.checkpoint_interval},
            inputs=self._plan_data(model.data, f"{REPORT}/{study.name}/study.yaml: experiments.{experiment.id}.data"),
            outputs=outputs,
            chosen=[model.data.loader],
            numeric=True,
        )

    def _table(self, study: Study, experiment: Experiment, name: str) -> Path:
        return self.results / "tables" / study.name / experiment.id / f"{name}.parquet"

    def _plan_analysis(self, study: Study, experiment: Experiment, analysis: Analysis) -> None:
        inputs: dict[str, Path | str] = {}
        for model in experiment.models.values():
            trained = self.job("train", study.name, experiment.id, model.name)
            inputs |= {f"{model.name}/{key}": path for key, path in trained.outputs.items()}
            inputs |= {f"{model.name}/{key}": path for key, path in trained.inputs.items()}
        table = self._table(study, experiment, analysis.name)
        self._add(
            "analyse",
            study.name,
            f"{study.name}/{experiment.id}/{analysis.name}",
            spec={"kind": analysis.kind, "options": analysis.options, "models": list(experiment.models)},
            settings={"device": self.config.device},
            inputs=inputs,
            outputs={"table": table, "recipe": table.with_suffix(".json")},
            chosen=[
                f"hwcore.analyses.{analysis.kind}",
                *(model.data.loader for model in experiment.models.values()),
            ],
            numeric=True,
        )

    def _tables(self, study: Study, experiment: Experiment, names: Iterable[str]) -> dict[str, Path]:
        """Paths by `table`, or by `table/model` for what each model's own run recorded."""
        paths = {}
        for name in names:
            if name in ("metrics", "steps"):
                for model in experiment.models.values():
                    folder = self._run_folder(study, experiment, model)
                    paths[f"{name}/{model.name}"] = folder / f"{name}.parquet"
            else:
                paths[name] = self._table(study, experiment, name)
        return paths

    def _plan_figure(self, study: Study, experiment: Experiment, figure: Figure) -> None:
        stem = self.results / "figures" / study.name / experiment.id / figure.name
        labels = {name: model.label for name, model in experiment.models.items()}
        self._add(
            "figure",
            study.name,
            f"{study.name}/{experiment.id}/{figure.name}",
            spec={"kind": figure.kind, "options": figure.options, "labels": labels},
            inputs=self._tables(study, experiment, figure.tables),
            outputs={
                **{suffix: stem.with_suffix(f".{suffix}") for suffix in FORMATS},
                "recipe": stem.with_suffix(".json"),
            },
            chosen=[f"hwcore.figures.{figure.kind}"],
        )

    def _plan_claims(self, study: Study) -> None:
        inputs: dict[str, Path] = {}
        variants = {id: study.counterparts(claim) for id, claim in study.claims.items()}
        for id, claim in study.claims.items():
            for experiment in (claim.experiment, *variants[id]):
                found = self._tables(study, study.experiments[experiment], sorted(claim.tables() - {"models"}))
                inputs |= {f"{experiment}/{key}": path for key, path in found.items()}
        models = {
            experiment.id: [
                {
                    "model": model.name,
                    "parameters": model.network.parameters(),
                    "reported_parameters": model.reported_parameters,
                }
                for model in experiment.models.values()
            ]
            for experiment in study.experiments.values()
        }
        self._add(
            "judge",
            study.name,
            study.name,
            spec={
                "study": study.name,
                "judged": self._judged,
                "models": models,
                "claims": {id: claim.model_dump(mode="json", by_alias=True) for id, claim in study.claims.items()},
                "variants": variants,
            },
            inputs=inputs,
            outputs={"claims": self.results / "claims" / f"{study.name}.parquet"},
        )

    @property
    def _judged(self) -> str:
        return self.config.scales[self.scale].judged

    def _plan_report(self, study: Study) -> None:
        template = REPORT / study.name / "report.md"
        if not (self._root / template).is_file():
            raise HwcoreError(f"{template}: is missing; it holds the prose of the study's report")
        jobs = {rule: [job for job in self.of(rule) if job.group == study.name] for rule in STAGES}
        recipes = {job.key: job.outputs["run"] for job in jobs["train"]}
        recipes |= {job.key: job.outputs["recipe"] for job in (*jobs["analyse"], *jobs["figure"])}
        page = self.results / "report" / study.name
        self._add(
            "markdown",
            study.name,
            study.name,
            spec={"context": page_context(study, self.config), "template": file_digest(self._root / template)},
            settings={"template": str(template)},
            inputs={"claims": self.job("judge", study.name).outputs["claims"], **recipes},
            outputs={"markdown": page.with_suffix(".md")},
        )
        for rule, source, suffix, shown, statics in self._pages:
            inputs = {source.lstrip("."): str(page.with_suffix(source))}
            inputs |= {job.name: job.outputs[shown] for job in jobs["figure"] if shown}
            self._add(
                rule,
                study.name,
                study.name,
                spec={"statics": {name: file_digest(self._root / REPORT / name) for name in statics}},
                inputs=inputs,
                outputs={suffix.lstrip("."): page.with_suffix(suffix)},
            )

    def _plan_summary(self) -> None:
        """What all studies share: one table of claims and the index page."""
        judged = {job.name: job.outputs["claims"] for job in self.of("judge")}
        claims = self.results / "claims.parquet"
        self._add("summary", "summary", "claims", spec={}, inputs=judged, outputs={"claims": claims})
        contexts = [page_context(study, self.config) for study in self.studies.values()]
        self._add(
            "index",
            "summary",
            "index",
            spec={
                "studies": contexts,
                "pages": ["html", "md", "tex", *(["pdf"] if self.of("pdf") else [])],
                "statics": {name: file_digest(self._root / REPORT / name) for name in ("style.css", "page.lua")},
            },
            inputs={"claims": claims},
            outputs={"html": self.results / "report" / "index.html"},
        )
