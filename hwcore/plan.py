"""Every job of the pipeline, with all that its outcome depends on.

The fingerprint of a job is a hash over its specification, the code behind it, the versions of
the packages that decide numbers, and the fingerprints of the jobs that make its inputs.  It is
the only thing that decides whether the job is fresh: modification times lie after a copy.
"""

import difflib
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hwcore import answers
from hwcore.analyses.spec import AnalysisSpec
from hwcore.claims.measure import Measure
from hwcore.claims.spec import MODULES as CLAIM_MODULES
from hwcore.claims.spec import Claim
from hwcore.config import Config
from hwcore.data import catalog
from hwcore.data.spec import DataSpec, FunctionData
from hwcore.description import PageDescription, describe, with_values
from hwcore.differences import differences
from hwcore.errors import HwcoreError
from hwcore.figures.spec import metric
from hwcore.files import checksum
from hwcore.fingerprint import Code, digest, plain
from hwcore.jobs import Job, plan_file
from hwcore.nets.spec import LayerSpec
from hwcore.provenance import versions
from hwcore.questions.catalog import QUESTIONS
from hwcore.reporting import crate
from hwcore.reporting.template import ORIGINAL, read, settings_named, works, works_cited
from hwcore.studies import kinds
from hwcore.studies.resolved import Analysis, Comparison, Experiment, Figure, Model, Study, uneven
from hwcore.studies.source import located
from hwcore.studies.study import available, load
from hwcore.studies.variants import AS_DESCRIBED
from hwcore.train.files import files
from hwcore.train.spec import RunSpec
from hwcore.validation import did_you_mean

RESOURCES = Path("resources")
REPORT = Path("report")
# What was learnt of the code in earlier calls.
MEMORY = Path(".snakemake/hwcore/code.json")
FORMATS = ("svg", "pdf", "png")
CRATE = "ro-crate-metadata.json"
# The rules whose results are numbers, and the packages whose version changes numbers.
NUMERIC_RULES = ("prepare", "train", "analyse")
# Rules that fetch what is given; how they do that decides nothing, and training that knew it would be done again.
FETCHING_RULES = ("download",)
NUMERIC_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")


@dataclass(frozen=True)
class Conversion:
    """How a page becomes another: its rule, the suffixes of what it reads and makes, what of a figure it embeds,
    and the files of report/ that shape it.
    """

    rule: str
    source: str
    target: str
    figures: tuple[str, ...]
    statics: tuple[str, ...]


# The works that pages may cite.
REFERENCES = "references.bib"
_PRINT = ("safe.lua", "text.lua", "print.lua", "preamble.tex", REFERENCES)
_WEB = ("page.html", "style.css", "page.js", "plotly-gl3d.min.js", "safe.lua", "text.lua", "page.lua", REFERENCES)
HTML = Conversion("html", "md", "html", ("svg", "data"), _WEB)
LATEX = Conversion("latex", "md", "tex", (), _PRINT)
TEX_PDF = Conversion("pdf", "tex", "pdf", ("pdf",), ())
TYPST_PDF = Conversion("pdf", "md", "pdf", ("pdf",), ("page.typ", *_PRINT))


class Plan:
    """All jobs of the configured studies at the configured scale.

    Raises HwcoreError for every mistake in the configuration and the study files.  Without
    ``tex`` the pages are typeset by Typst; with ``packed`` the job that describes all results is there too, whose
    plan is as large as those of two studies.
    """

    def __init__(self, config: Config, *, tex: bool, packed: bool = False, root: Path = Path()) -> None:
        self.config = config
        self.scale = config.scale
        self.results = Path("results") / config.scale
        self.jobs: dict[tuple[str, str], Job] = {}
        self.trainings: dict[str, RunSpec] = {}
        self._root = root
        self._conversions = (HTML, LATEX, TEX_PDF if tex else TYPST_PDF)
        self.code = Code(root, MEMORY)
        self._makers: dict[Path, Job] = {}
        self._runs: dict[tuple[str, str, str], Job] = {}
        self._described: dict[str, PageDescription] = {}
        self.known = available(root / REPORT)
        names = self.known if config.studies == "all" else list(dict.fromkeys(config.studies))
        self.studies = {name: load(name, root / REPORT, config) for name in names}
        if not self.studies:
            raise HwcoreError("studies: none chosen; name at least one folder of report/, or `all`")
        for study in self.studies.values():
            self._plan_study(study)
        self._plan_summary()
        if packed:
            self._plan_crate()

    def job(self, rule: str, *name: str) -> Job:
        return self.jobs[rule, "/".join(name)]

    def maker(self, path: Path) -> Job:
        """The job that makes a file."""
        return self._makers[path]

    def of(self, *rules: str) -> list[Job]:
        return [job for (rule, _), job in self.jobs.items() if rule in rules]

    def _add(
        self,
        group: str,
        rule: str,
        name: str,
        *,
        spec: Any,
        outputs: Mapping[str, Path],
        inputs: Mapping[str, Path] | None = None,
        settings: Mapping[str, Any] | None = None,
        modules: Iterable[str] = (),
    ) -> Job:
        """Plan one job of a group: a study's name, data, summary or crate.

        ``spec`` may hold specifications; ``modules`` are what the job's script loads by name.

        Raises ValueError for an input that no job makes: it would drop out of the fingerprint.
        """
        inputs, modules = inputs or {}, tuple(modules)
        script = f"workflow_scripts/{rule}.py"
        unknown = [str(path) for path in inputs.values() if path not in self._makers]
        if unknown:
            raise ValueError(f"{rule} {name}: no job makes the input {unknown[0]}")
        fetches = rule in FETCHING_RULES
        packages = self._versions if rule in NUMERIC_RULES else {}
        makers = {key: self._makers[path].fingerprint for key, path in inputs.items()}
        stated = plain(spec, defaults=False)
        covered = {
            "rule": rule,
            "name": name,
            "spec": stated,
            "code": "" if fetches else self.code.digest(script, modules),
            "versions": packages,
            "inputs": makers,
        }
        code = {} if fetches else self.code.digests(script, modules)
        job = Job(
            rule=rule,
            name=name,
            plan=plan_file(self.results, group),
            spec=plain(spec),
            settings=settings or {},
            inputs=inputs,
            outputs=outputs,
            timing=plan_file(self.results, group).parents[1] / "benchmarks" / rule / f"{name}.json",
            makers={path: self._makers[path].timing for path in inputs.values()},
            modules=tuple(self.code.modules(script, modules)),
            fingerprint=digest(covered),
            parts={"stated": stated, "code": _short(code), "versions": packages, "inputs": _short(makers)},
        )
        self.jobs[rule, name] = job
        self._makers.update(dict.fromkeys(outputs.values(), job))
        return job

    @cached_property
    def _versions(self) -> dict[str, str | None]:
        return versions(NUMERIC_PACKAGES)

    def _plan_study(self, study: Study) -> None:
        for experiment in study.experiments.values():
            for model in experiment.models.values():
                self._plan_training(study, experiment, model)
            for analysis in experiment.analyses.values():
                self._plan_analysis(study, experiment, analysis)
            for figure in experiment.figures.values():
                self._plan_figure(study, experiment, figure)
        for comparison in study.figures.values():
            self._plan_comparison(study, comparison)
        self._plan_claims(study)
        self._plan_report(study)

    def _plan_data(self, data: DataSpec, where: str) -> dict[str, Path]:
        if isinstance(data, FunctionData):
            return {}
        entry = self.config.datasets.get(data.dataset, {})
        try:
            source = catalog.resolve(data.dataset, entry, data.size)
        except HwcoreError as error:
            raise located(HwcoreError(f"{where}: {error}"), self._root / where.partition(": ")[0]) from None
        # one data set can be there in several sizes, which share the download
        name = data.dataset + (f"-{data.size[0]}x{data.size[1]}" if data.size else "")
        prepared = RESOURCES / "data" / f"{name}.safetensors"
        # the recipe lies in results/, as the records of jobs do: where these are lost, so is the proof of what the
        # prepared file was made from
        outputs = {"prepared": prepared, "recipe": Path("results/data") / f"{name}.json"}
        spec = {"dataset": data.dataset, "identity": source.identity}
        if prepared in self._makers and self._makers[prepared].spec != plain(spec):
            raise HwcoreError(f"{where}: {prepared} would hold two data sets; give `datasets.{name}` another name")
        if prepared not in self._makers:
            inputs = {}
            if source.downloads:
                inputs = {"manifest": self._plan_download(data.dataset, source)}
            self._add(
                "data",
                "prepare",
                name,
                spec=spec,
                settings=source.places,
                inputs=inputs,
                outputs=outputs,
                modules=[f"hwcore.data.sources.{source.kind}"],
            )
        return {"data": prepared, "recipe": outputs["recipe"]}

    def _plan_download(self, name: str, source: catalog.Source) -> Path:
        manifest = RESOURCES / "data" / f"{name}.json"
        if manifest not in self._makers:
            spec = {"dataset": name, "identity": source.archives}
            self._add("data", "download", name, spec=spec, settings=source.places, outputs={"manifest": manifest})
        return manifest

    def _plan_training(self, study: Study, experiment: Experiment, model: Model) -> None:
        """The run of a model; equal ones of an experiment's variants are one run, which the first of them names."""
        spec = RunSpec(
            study=study.name,
            experiment=experiment.base,
            model=model.name,
            network=model.network,
            data=model.data,
            training=model.training,
            record=experiment.record,
            replicates=model.replicates,
            precision=self.config.precision,
        )
        for variant in study.variants(experiment):
            known = self._runs.get((study.name, variant.id, model.name))
            if known and self.trainings[known.name] == spec:
                self._runs[study.name, experiment.id, model.name] = known
                return
        name = f"{study.name}/{experiment.id}/{model.name}"
        self.trainings[name] = spec
        self._runs[study.name, experiment.id, model.name] = self._add(
            study.name,
            "train",
            name,
            spec=spec,
            settings={"device": self.config.device, "checkpoint_interval": self.config.checkpoint_interval},
            inputs=self._plan_data(model.data, f"{REPORT}/{study.name}/study.yaml: experiments.{experiment.id}.data"),
            outputs={key: self.results / "runs" / name / file for key, file in files(spec.record).items()},
            modules=self._loaded(study, [model]),
        )

    def _run(self, study: Study, experiment: Experiment, model: str) -> Job:
        """The training job of a model, which may be that of another variant."""
        return self._runs[study.name, experiment.id, model]

    def _table(self, study: Study, experiment: Experiment, name: str) -> Path:
        return self.results / "tables" / study.name / experiment.id / f"{name}.parquet"

    def _plan_analysis(self, study: Study, experiment: Experiment, analysis: Analysis) -> None:
        inputs: dict[str, Path] = {}
        for model in experiment.models:
            run = self._run(study, experiment, model)
            inputs |= {f"{model}/{key}": path for key, path in run.outputs.items()}
            if data := run.inputs.get("data"):
                inputs[f"{model}/data"] = data
        table = self._table(study, experiment, analysis.name)
        self._add(
            study.name,
            "analyse",
            f"{study.name}/{experiment.id}/{analysis.name}",
            spec={"kind": analysis.kind, "options": analysis.options, "models": list(experiment.models)},
            settings={"device": self.config.device},
            inputs=inputs,
            outputs={"table": table, "recipe": table.with_suffix(".json")},
            modules=[f"hwcore.analyses.{analysis.kind}", *self._loaded(study, experiment.models.values())],
        )

    def _loaded(self, study: Study, models: Iterable[Model]) -> list[str]:
        """The modules that a job loads by name for some models: their data, their layers."""
        names: list[str] = []
        for model in models:
            names += [*model.data.modules(), *model.network.modules()]
            if model.network.has_own_code():
                # what a study's own networks import of hwcore
                names += self.code.modules(f"{REPORT}/{study.name}/nets.py")
        return names

    def _tables(self, study: Study, experiment: Experiment, names: Iterable[str]) -> dict[str, Path]:
        """Paths by `table`, or by `table/model` for what each model's own run recorded."""
        paths: dict[str, Path] = {}
        for name in names:
            if name in ("metrics", "steps"):
                runs = {model: self._run(study, experiment, model) for model in experiment.models}
                paths |= {f"{name}/{model}": run.outputs[name] for model, run in runs.items()}
            else:
                paths[name] = self._table(study, experiment, name)
        return paths

    def _plan_figure(self, study: Study, experiment: Experiment, figure: Figure) -> None:
        labels = {name: model.label for name, model in experiment.models.items()}
        inputs = self._tables(study, experiment, figure.tables)
        names = _chance(figure, experiment.models.values())
        self._add_figure(study, f"{study.name}/{experiment.id}/{figure.name}", figure, labels, inputs, names)

    def _plan_comparison(self, study: Study, comparison: Comparison) -> None:
        inputs: dict[str, Path] = {}
        for table in comparison.figure.tables:
            for id in comparison.experiments:
                for key, path in self._tables(study, study.experiments[id], [table]).items():
                    _, _, model = key.partition("/")
                    inputs[f"{table}/{id}/{model or '*'}"] = path
        figure = comparison.figure
        names: dict[str, Any] = {"experiments": comparison.experiments} if figure.options.beside() else {}
        models = [model for id in comparison.experiments for model in study.experiments[id].models.values()]
        names |= _chance(figure, models)
        self._add_figure(study, f"{study.name}/{figure.name}", figure, comparison.labels, inputs, names)

    def _add_figure(
        self,
        study: Study,
        name: str,
        figure: Figure,
        labels: Mapping[str, str],
        inputs: Mapping[str, Path],
        names: Mapping[str, Any],
    ) -> None:
        stem = self.results / "figures" / name
        spec = {
            "kind": figure.kind,
            "options": figure.options,
            "labels": labels,
            "column_labels": kinds.labels(figure.options.columns()),
            "style": self._figure_style,
            **names,
        }
        self._add(
            study.name,
            "figure",
            name,
            spec=spec,
            inputs=inputs,
            outputs=_figure_files(stem),
            modules=[f"hwcore.figures.{figure.kind}"],
        )

    def _plan_question(self, question: answers.QuestionDescription, inputs: Mapping[str, Path]) -> None:
        """The figure of what all studies measured of a question."""
        parts = ("models", "members", "labels")
        module = question["id"].replace("-", "_")
        stem = self.results / "figures" / "questions" / question["id"]
        self._add(
            "summary",
            "figure",
            f"questions/{question['id']}",
            spec={
                "kind": "across",
                "options": {},
                "question": module,
                "style": self._figure_style,
                "studies": list(self.studies),
                **{part: question[part] for part in parts},  # type: ignore[literal-required]
            },
            inputs=inputs,
            outputs=_figure_files(stem),
            modules=["hwcore.figures.across", f"hwcore.questions.asked.{module}"],
        )

    def _plan_claims(self, study: Study) -> None:
        inputs: dict[str, Path] = {}
        cases = {}
        for id, claim in study.claims.items():
            experiment = study.experiments.get(claim.experiment)
            if experiment is None:
                # what is not re-run has nothing to measure: the claim says why it is not testable
                variant = study.not_rerun[claim.experiment].variant
                cases[id] = {"claim": claim, "variant": variant}
                continue
            counterparts = study.counterparts(claim)
            for other in (experiment, *counterparts):
                reads = claim.reads() if other is experiment else {(other.id, table) for table in claim.tables()}
                for source, table in sorted(reads):
                    if table != "models":
                        paths = self._tables(study, study.experiments[source], [table])
                        inputs |= {f"{source}/{key}": path for key, path in paths.items()}
            capped = self._capped(study, claim)
            cases[id] = {
                "claim": claim,
                "variant": experiment.variant,
                "variants": [
                    {
                        "experiment": other.id,
                        "name": other.variant.replace("-", " "),
                        "differences": differences(experiment, other, claim),
                        "cut": _cut(study, claim.measure, other.id, experiment.models),
                    }
                    for other in counterparts
                ],
                "models": list(experiment.models),
                "figure": self._figure_of(study, experiment, claim),
                "cut": _cut(study, claim.measure, experiment.id, experiment.models),
                "whole": self._whole(study, claim) and not capped,
                "samples": min(filter(None, (getattr(each, "samples", None) for each in capped)), default=None),
                "otherwise": {
                    words: _cut(study, measure, experiment.id, experiment.models)
                    for words, measure in claim.otherwise.items()
                },
            }
        models = {
            experiment.id: [
                {
                    "model": model.name,
                    "label": model.label,
                    "title": _title(experiment),
                    "layers": _layers(model.network.layers),
                    "parameters": model.network.parameters(),
                    "reported_parameters": model.reported_parameters,
                }
                for model in experiment.models.values()
            ]
            for experiment in study.experiments.values()
        }
        self._add(
            study.name,
            "judge",
            study.name,
            spec={
                "study": study.name,
                "judged": self.config.scales[self.scale].judged,
                "models": models,
                "cases": cases,
            },
            inputs=inputs,
            outputs={"claims": self.results / "claims" / f"{study.name}.parquet"},
            modules=sorted({*CLAIM_MODULES, *(claim.module for claim in study.claims.values() if claim.module)}),
        )

    def _whole(self, study: Study, claim: Claim) -> bool:
        """Whether the scale leaves all that a claim rests on as the study gives it, but for how it cuts trainings."""
        if self.config.replicates is not None:
            return False
        for id, model in claim.networks():
            experiment = study.experiments[id]
            if not {f"models.{name}" for name in ([model] if model else experiment.models)} <= experiment.whole:
                return False
        return True

    def _capped(self, study: Study, claim: Claim) -> list[AnalysisSpec]:
        """Those of the analyses that the verdict on a claim rests on of which the scale leaves less."""
        if claim.measure is None:
            return []
        columns = [*claim.measure.columns()]
        read = [
            (study.experiments[id or claim.experiment], table) for id, table in sorted(claim.measure.reads(), key=str)
        ]
        capped = [
            experiment.analyses[table].options
            for experiment, table in read
            if table in experiment.analyses and f"analyses.{table}" not in experiment.whole
        ]
        return [options for options in capped if options.counts_samples(columns)]

    def _figure_of(self, study: Study, experiment: Experiment, claim: Claim) -> str:
        """The path, from the folder of the scale and without suffix, of the figure that shows a claim; or nothing.

        If the claim names none: of those that show its table the one with most of its columns, the first of several.
        """
        tables = {table for source, table in claim.reads() if source == experiment.id}
        columns = {metric(column) for measure in claim.measures() for column in measure.columns()}
        shown = [figure for figure in experiment.figures.values() if tables & {*figure.tables}]
        best = max(shown, key=lambda each: len(columns & {*map(metric, each.options.columns())}), default=None)
        name = claim.figure or (best and best.name)
        return f"figures/{study.name}/{experiment.id}/{name}" if name else ""

    def _describe(self, study: Study) -> PageDescription:
        if study.name not in self._described:
            runs = {key[1:]: run.outputs["run"].parent for key, run in self._runs.items() if key[0] == study.name}
            folders = {key: folder.relative_to(self.results).as_posix() for key, folder in runs.items()}
            self._described[study.name] = describe(study, self.config, folders)
        return self._described[study.name]

    def _text(self, template: Path) -> str:
        return read(self._root / template)

    def _settings(self, study: Study, template: Path) -> dict[str, dict[str, str]]:
        """The settings that the prose of a study names, in words, by experiment."""
        named: dict[str, dict[str, str]] = {}
        for line, experiment, name in settings_named(self._text(template)):
            where = f"{template}:{line}: setting({experiment!r}, {name!r})"
            if experiment not in study.experiments:
                raise HwcoreError(f"{where}: unknown experiment{did_you_mean(experiment, study.experiments)}")
            values = study.experiments[experiment].values
            if name not in values:
                plain = [known for known in values if "." not in known]
                raise HwcoreError(f"{where}: not a setting that all models share{did_you_mean(name, plain)}")
            named.setdefault(experiment, {})[name] = values[name]
        return named

    def _check_citations(self, study: Study, template: Path) -> None:
        bibliography = REPORT / REFERENCES
        known = works(read(self._shared(REFERENCES)))
        known += [ORIGINAL] if study.source else []
        for line, key in works_cited(self._text(template)):
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise HwcoreError(f"{template}:{line}: @{key}: {bibliography} has no such work{hint}")

    def _plan_report(self, study: Study) -> None:
        template = REPORT / study.name / "report.md"
        if not (self._root / template).is_file():
            raise HwcoreError(f"{template}: is missing; it holds the prose of the study's report")
        self._check_citations(study, template)
        jobs = [job for job in self.jobs.values() if job.plan.stem == study.name]
        recipes = {job.key: job.outputs["run"] for job in jobs if job.rule == "train"}
        recipes |= {job.key: job.outputs["recipe"] for job in jobs if job.rule in ("analyse", "figure")}
        page = self.results / "report" / study.name
        self._add(
            study.name,
            "markdown",
            study.name,
            spec={
                "page": with_values(self._describe(study), self._settings(study, template)),
                "template": checksum(self._root / template),
            },
            settings={"template": str(template)},
            inputs={"claims": self.job("judge", study.name).outputs["claims"], **recipes},
            outputs={"markdown": _form(page, "md")},
        )
        self._plan_conversions(study.name, study.name, [job for job in jobs if job.rule == "figure"])

    def _plan_conversions(self, group: str, name: str, shown: Iterable[Job]) -> None:
        """The other forms of a page with the figures that it shows."""
        page = self.results / "report" / name
        for conversion in self._conversions:
            forms = {"forms": self._forms} if conversion is HTML else {}
            figures = {f"{job.name}.{key}": job.outputs[key] for job in shown for key in conversion.figures}
            self._add(
                group,
                conversion.rule,
                name,
                spec={"statics": self._statics(conversion.statics), **forms},
                inputs={conversion.source: _form(page, conversion.source), **figures},
                outputs={conversion.target: _form(page, conversion.target)},
            )

    def _plan_summary(self) -> None:
        """What all studies share: one table of claims and the index page."""
        judged = {job.name: job.outputs["claims"] for job in self.of("judge")}
        claims = self.results / "claims.parquet"
        outputs = {"claims": claims, "json": claims.with_suffix(".json")}
        self._add("summary", "summary", "claims", spec={}, inputs=judged, outputs=outputs)
        asked = [answers.describe(id, self.studies) for id in answers.asked(self.studies.values())]
        if asked:
            self._plan_questions(claims, asked)
        self._add(
            "summary",
            "index",
            "index",
            spec={
                "studies": [self._describe(study) for study in self.studies.values()],
                "others": sorted({*self.known} - {*self.studies}),
                "forms": self._forms,
                "questions": [
                    {
                        "id": question["id"],
                        "title": question["title"],
                        "headline": QUESTIONS[question["id"]].headline,
                        "claims": question["claims"],
                        "experiments": {row["study"]: row["base"] for row in reversed(question["settings"])},
                    }
                    for question in asked
                ],
                "statics": self._statics(HTML.statics),
            },
            inputs={
                "claims": claims,
                **{
                    question["id"]: self.job("figure", "questions", question["id"]).outputs["data"]
                    for question in asked
                    if question["figure"]
                },
            },
            outputs={"html": self.results / "report" / "index.html"},
        )

    def _plan_questions(self, claims: Path, asked: list[answers.QuestionDescription]) -> None:
        """The page across studies."""
        inputs: dict[str, Path] = {"claims": claims}
        for question in asked:
            tables: dict[str, Path] = {}
            for member in answers.members(question["id"], self.studies.values()):
                models = [model.name for model in member.models]
                for key, path in self._tables(member.study, member.experiment, [member.table]).items():
                    _, _, model = key.partition("/")
                    if not model or model in models:
                        tables[f"rows/{member.key}/{model or '*'}"] = path
            if tables:
                self._plan_question(question, tables)
                figure = self.job("figure", "questions", question["id"])
                inputs |= {f"{question['id']}/{key}": path for key, path in tables.items()}
                inputs[f"{question['id']}/recipe"] = figure.outputs["recipe"]
        scale = self.config.scales[self.scale]
        self._add(
            "summary",
            "questions",
            "questions",
            spec={
                "scale": {"name": self.scale, "judged": scale.judged, "describes": scale.describes},
                "studies": {study.name: study.title for study in self.studies.values()},
                "questions": asked,
            },
            inputs=inputs,
            outputs={"markdown": self.results / "report" / "questions.md"},
            modules=[f"hwcore.questions.asked.{question['id'].replace('-', '_')}" for question in asked],
        )
        shown = [job for job in self.of("figure") if job.name.startswith("questions/")]
        self._plan_conversions("summary", "questions", shown)

    def _plan_crate(self) -> None:
        """The description of all that is made at this scale, for those who get a copy."""
        paths = [path for job in self.jobs.values() for path in job.outputs.values()]
        sources = crate.sources(self._root, self.studies)
        self._add(
            "crate",
            "crate",
            "crate",
            spec={
                "scale": self.scale,
                "describes": self.config.scales[self.scale].describes,
                "studies": {study.name: study.title for study in self.studies.values()},
                "sources": {str(path): checksum(self._root / path) for path in sources},
            },
            settings={"configuration": plain(self.config)},
            inputs={str(path): path for path in paths if path.is_relative_to(self.results)},
            outputs={"metadata": self.results / CRATE, "workflow": self.results / "workflow"},
        )

    @property
    def _forms(self) -> list[str]:
        """The suffixes of the forms of each page, beside HTML."""
        return ["md", *(each.target for each in self._conversions if each is not HTML)]

    @cached_property
    def _figure_style(self) -> str:
        """What no fingerprint of code sees: the look of all figures."""
        return checksum(Path(__file__).with_name("figures") / "hwcore.mplstyle")

    def _statics(self, names: Iterable[str]) -> dict[str, str]:
        return {name: checksum(self._shared(name)) for name in names}

    def _shared(self, name: str) -> Path:
        """A file of all pages.  Raises HwcoreError if it is not there."""
        path = self._root / REPORT / name
        if not path.is_file():
            raise HwcoreError(f"{REPORT / name}: is missing, and all pages need it; `git checkout {REPORT / name}`")
        return path


def _cut(study: Study, measure: Measure | None, experiment: str, models: Container[str]) -> dict[str, Any]:
    """How the caps of the scale cut the trainings that a measure reads, by default of these models of one experiment.

    In words: `1 epoch instead of 8`, or `1 epoch on 3,900 of 50,000 images instead of 8 on all`.
    """
    measured = {
        (other or experiment, model.name): model
        for other, name in (measure.networks() if measure else ())
        for model in study.experiments[other or experiment].models.values()
        if name == model.name or (name is None and (other is not None or model.name in models))
    }
    each = list(measured.values())
    cut = [model for model in each if model.cut]
    if not cut:
        return {}
    here, there = _span(model.length[0] for model in each), _span(model.full_length for model in each)
    unit = cut[0].length[1]
    words = f"{here} {unit.removesuffix('s') if here == '1' else unit}"
    fewer = any(model.images != model.full_images for model in cut)
    if fewer:
        words += f" on {_span(model.images for model in each)}"
        all_ = [model.full_images for model in each if model.full_images is not None]
        words += f" of {_span(all_)} images" if all_ else " images"
    if here != there:
        words += f" instead of {there}{' on all' if fewer else ''}"
    least = min(model.share for model in each)
    # those that may have ended before the cap
    ended = {f"{other}/{model.name}": model.length[0] for (other, _), model in measured.items() if model.cut}
    stops = all(model.training.until and model.training.epochs and not model.training.scheduler for model in cut)
    return {
        "words": words,
        "share": least,
        "fewer_images": fewer,
        "uneven": uneven(each),
        "lengths": ended if stops and not fewer else {},
    }


def _short(hashes: Mapping[str, str]) -> dict[str, str]:
    """As much of hashes as tells one from the next of the same thing."""
    return {key: each[:12] for key, each in hashes.items()}


def _title(experiment: Experiment) -> str:
    """What tells an experiment, and which variant of it, apart from others."""
    described = experiment.variant == AS_DESCRIBED
    return experiment.title if described else f"{experiment.title}, {experiment.variant.replace('-', ' ')}"


def _layers(layers: Iterable[LayerSpec]) -> Counter[str]:
    """How many layers there are of each kind, those within others included."""
    counts: Counter[str] = Counter()
    for layer in layers:
        counts += Counter([layer.kind]) + _layers(layer.inner())
    return counts


def _span(numbers: Iterable[int | None]) -> str:
    each = sorted({number for number in numbers if number is not None})
    return f"{each[0]:,}" if len(each) == 1 else f"{each[0]:,} to {each[-1]:,}"


def _chance(figure: Figure, models: Iterable[Model]) -> dict[str, dict[str, float]]:
    """The metrics of a guess among classes, for a figure that marks them, where they are the same for all models."""
    known = [answers.known_of(model) for model in models] if figure.options.guessed() else []
    guesses = [
        {metric: values[f"guess_{metric}"] for metric in ("accuracy", "loss") if f"guess_{metric}" in values}
        for values in known
        if "guess_accuracy" in values
    ]
    same = guesses and len(guesses) == len(known) and all(guess == guesses[0] for guess in guesses)
    return {"chance": guesses[0]} if same else {}


def _figure_files(stem: Path) -> dict[str, Path]:
    suffixes = {**dict(zip(FORMATS, FORMATS, strict=True)), "data": "data.json", "csv": "csv", "recipe": "json"}
    return {key: stem.with_suffix(f".{suffix}") for key, suffix in suffixes.items()}


def _form(page: Path, suffix: str) -> Path:
    """A form of a page, whose name may have a dot."""
    return page.with_name(f"{page.name}.{suffix}")
