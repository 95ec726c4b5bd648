"""Studies, read from report/<study>/study.yaml and resolved: every default, variant and cap applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from hwcore.analyses.spec import AnalysisSpec
from hwcore.claims.spec import Claim
from hwcore.config import Caps, Config, Scale
from hwcore.data.catalog import FUNCTIONS
from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.errors import HwcoreError
from hwcore.figures.spec import FigureSpec
from hwcore.nets.spec import Conv, Linear, Network
from hwcore.spec import Spec
from hwcore.studies import schema
from hwcore.studies.kinds import ANALYSES, FIGURES
from hwcore.train.spec import Record, Training
from hwcore.validation import did_you_mean, validate

Options = TypeVar("Options", bound=Spec)
AS_DESCRIBED = "as-described"
# the loader in C reads a study eight times as fast, but not every installation has it
_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fastest):  # type: ignore[misc]
    """Takes no key twice in a mapping: of two, YAML's own loader silently drops the first."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._seen: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # a second visit would see the keys of merged mappings beside those that override them
        if id(node) not in self._seen:
            self._seen.add(id(node))
            keys: set[tuple[str, str]] = set()
            for key, _ in node.value:
                # YAML's own loader refuses keys that are lists or mappings
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in keys:
                        problem = f"the key {key.value!r} stands there twice"
                        raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                    keys.add((key.tag, key.value))
        super().flatten_mapping(node)


@dataclass(frozen=True)
class Model:
    """One network with its data and training settings."""

    name: str
    label: str
    network: Network
    data: DataSpec
    training: Training
    replicates: int
    reported_parameters: int | None


@dataclass(frozen=True)
class Analysis:
    name: str
    kind: str
    options: AnalysisSpec


@dataclass(frozen=True)
class Figure:
    """``tables`` are the names of the tables it shows: metrics, steps, or those of analyses."""

    name: str
    kind: str
    options: FigureSpec
    caption: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """An experiment in one variant; ``id`` is ``base`` or ``base--variant``.

    ``replicates`` are those that the study asks for, before the caps of a scale.
    """

    id: str
    base: str
    variant: str
    section: str
    title: str
    why: str | None
    replicates: int
    record: Record
    models: dict[str, Model]
    analyses: dict[str, Analysis]
    figures: dict[str, Figure]

    @property
    def tables(self) -> list[str]:
        """The names of the tables that a claim may read: of the runs, of the models themselves, of analyses."""
        return ["metrics", *(["steps"] if self.record.steps else []), "models", *self.analyses]


@dataclass(frozen=True)
class Study:
    name: str
    title: str
    source: schema.Source
    experiments: dict[str, Experiment]
    claims: dict[str, Claim] = field(default_factory=dict)

    def variants(self, experiment: Experiment) -> list[Experiment]:
        """The other variants of an experiment, in the order of the study file."""
        return [
            other for other in self.experiments.values() if other.base == experiment.base and other is not experiment
        ]

    def counterparts(self, claim: Claim) -> list[Experiment]:
        """The variants of a claim's experiment that have the models and tables that it measures.

        A claim about a variant, or one that stands alone, has none.
        """
        described = self.experiments[claim.experiment]
        if claim.alone or described.variant != AS_DESCRIBED:
            return []
        named = {model for experiment, model in claim.networks() if experiment == described.id}
        models = {model for model in named if model} or {*described.models}
        return [
            other
            for other in self.variants(described)
            if claim.tables() and claim.tables() <= {*other.tables} and models <= other.models.keys()
        ]


def available(folder: Path) -> list[str]:
    """The studies under ``folder`` (report/): the names of its subfolders with a study.yaml."""
    return sorted(path.parent.name for path in folder.glob("*/study.yaml"))


def load(name: str, folder: Path, config: Config) -> Study:
    """The study in ``folder/name/study.yaml`` at the configured scale.

    Raises HwcoreError for an unknown study and for every mistake in its file.
    """
    path = folder / name / "study.yaml"
    if not path.is_file():
        known = did_you_mean(name, available(folder))
        raise HwcoreError(f"config.yaml or --config: studies: unknown study {name!r}{known}")
    return _Reader(str(path), config).study(name, _read(path))


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise HwcoreError(f"{path}:{line} is no valid YAML: {problem}") from None


class _Reader:
    def __init__(self, file: str, config: Config) -> None:
        self.file = file
        self.config = config
        self.scale: Scale = config.scales[config.scale]
        for kind, limits in self.scale.caps.analyses.items():
            at = f"config.yaml: scales.{config.scale}.caps.analyses.{kind}"
            if kind not in ANALYSES:
                raise HwcoreError(f"{at}: unknown kind{did_you_mean(kind, ANALYSES)}")
            for option in limits:
                options = ANALYSES[kind].countable()
                if option not in options:
                    raise HwcoreError(f"{at}.{option}: no option that can be capped{did_you_mean(option, options)}")

    def study(self, name: str, file: Any) -> Study:
        found = validate(schema.StudyFile, file, self.file)
        experiments = {}
        for base, content in found.experiments.items():
            variants = content.get("variants") or {}
            described = {key: value for key, value in content.items() if key != "variants"}
            experiments[base] = self._experiment(base, AS_DESCRIBED, described, found.replicates)
            if not isinstance(variants, Mapping):
                raise HwcoreError(f"{self.file}: experiments.{base}.variants: {variants!r} is not a mapping")
            for variant, difference in variants.items():
                if variant not in ("as-run", "corrected"):
                    known = did_you_mean(str(variant), ["as-run", "corrected"])
                    raise HwcoreError(f"{self.file}: experiments.{base}.variants: unknown {variant!r}{known}")
                merged = self._merge(described, difference, f"experiments.{base}.variants.{variant}")
                experiment = self._experiment(base, str(variant), merged, found.replicates)
                experiments[experiment.id] = experiment
        claims = {id: self._claim(id, value, experiments) for id, value in found.claims.items()}
        return Study(name, found.title, found.source, experiments, claims)

    def _merge(self, base: Any, difference: Any, at: str) -> Any:
        """``base`` with ``difference`` laid over it; a null removes a key."""
        if not (isinstance(base, Mapping) and isinstance(difference, Mapping)):
            return difference
        for key, value in difference.items():
            if value is None and key not in base:
                raise HwcoreError(
                    f"{self.file}: {at}.{key}: null removes a key, but there is none to remove; "
                    "to add it with its defaults write {}"
                )
        merged = {
            key: self._merge(base.get(key), value, f"{at}.{key}")
            for key, value in difference.items()
            if value is not None
        }
        kept = {key: value for key, value in base.items() if key not in difference}
        # the order of the base comes first, so that a variant's models keep their colours
        order = [*base, *(key for key in merged if key not in base)]
        return {key: {**kept, **merged}[key] for key in order if key in kept or key in merged}

    def _experiment(self, base: str, variant: str, content: Any, replicates: int) -> Experiment:
        id = base if variant == AS_DESCRIBED else f"{base}--{variant}"
        at = f"experiments.{id}"
        found = validate(schema.ExperimentFile, content, self.file, at)
        stated = found.replicates or replicates
        models = {
            name: self._model(name, value, found, self.config.replicates or stated, f"{at}.models.{name}")
            for name, value in found.models.items()
        }
        for name, model in models.items():
            layers = sum(isinstance(layer, Linear | Conv) for layer in model.network.layers)
            if found.record.layers and max(found.record.layers) > layers:
                raise HwcoreError(
                    f"{self.file}: {at}.record.layers: {max(found.record.layers)}, but model {name} has {layers} layers"
                )
        analyses = {}
        for name, options in found.analyses.items():
            analyses[name] = self._analysis(name, options, found, f"{at}.analyses.{name}")
        figures = {}
        tables = ["metrics", *(["steps"] if found.record.steps else []), *analyses]
        for name, options in found.figures.items():
            figures[name] = self._figure(name, options, tables, f"{at}.figures.{name}")
        return Experiment(
            id, base, variant, found.section, found.title, found.why, stated, found.record, models, analyses, figures
        )

    def _model(self, name: str, content: Any, experiment: schema.ExperimentFile, replicates: int, at: str) -> Model:
        found = validate(schema.ModelFile, content, self.file, at)
        said = found.model_dump(include={"mlp", "activation", "layers", "input"}, exclude_none=True)
        network = validate(Network, said, self.file, at)
        data = self._data({**experiment.data, **found.data}, at)
        training = validate(Training, {**experiment.training, **found.training}, self.file, f"{at}.training")
        if isinstance(data, FunctionData) and training.loss != "mse":
            raise HwcoreError(f"{self.file}: {at}.training.loss: {training.loss!r} needs classes; a function needs mse")
        if isinstance(data, FunctionData) and (network.input, network.output) != ((1,), (1,)):
            raise HwcoreError(f"{self.file}: {at}: a function needs one input and one output")
        functions = isinstance(data, FunctionData)
        caps = self.scale.caps.functions if functions else self.scale.caps.datasets
        training = training.model_copy(update={"epochs": _capped(training.epochs, caps.epochs)})
        replicates = _capped(replicates, caps.replicates)
        data = _cap_samples(data, caps)
        return Model(name, found.label, network, data, training, replicates, found.reported_parameters)

    def _data(self, content: dict[str, Any], at: str) -> DataSpec:
        if "function" in content:
            samples = validate(FunctionData, content, self.file, f"{at}.data")
            if samples.function not in FUNCTIONS:
                known = did_you_mean(samples.function, FUNCTIONS)
                raise HwcoreError(f"{self.file}: {at}.data.function: unknown function {samples.function!r}{known}")
            return samples
        data = validate(DatasetData, content, self.file, f"{at}.data")
        return data.model_copy(update={"dataset": self.scale.datasets.get(data.dataset, data.dataset)})

    def _analysis(self, name: str, content: dict[str, Any], experiment: schema.ExperimentFile, at: str) -> Analysis:
        kind, options = self._kind(content, name.replace("-", "_"), ANALYSES, at)
        options = self._cap_options(kind, options)
        if remedy := options.unrecorded(experiment.record):
            raise HwcoreError(f"{self.file}: {at}: {kind} needs `{remedy}` in the experiment")
        for option, model in options.models():
            if model not in experiment.models:
                known = did_you_mean(model, experiment.models)
                raise HwcoreError(f"{self.file}: {at}.{option}: unknown model {model!r}{known}")
        return Analysis(name, kind, options)

    def _cap_options(self, kind: str, options: AnalysisSpec) -> AnalysisSpec:
        limits = self.scale.caps.analyses.get(kind, {})
        return options.model_copy(
            update={
                name: limit if (value := getattr(options, name)) is None else min(value, limit)
                for name, limit in limits.items()
            }
        )

    def _figure(self, name: str, content: dict[str, Any], tables: list[str], at: str) -> Figure:
        content = dict(content)
        caption = content.pop("caption", None)
        if not isinstance(caption, str):
            raise HwcoreError(f"{self.file}: {at}.caption: is missing; say what the figure shows")
        kind, options = self._kind(content, name.replace("-", "_"), FIGURES, at)
        shown = tuple(dict.fromkeys(options.tables()))
        for table in shown:
            if table not in tables:
                raise HwcoreError(f"{self.file}: {at}: unknown table {table!r}{did_you_mean(table, tables)}")
        return Figure(name, kind, options, " ".join(caption.split()), shown)

    def _kind(
        self, content: dict[str, Any], default: str, kinds: Mapping[str, type[Options]], at: str
    ) -> tuple[str, Options]:
        content = dict(content)
        kind = content.pop("kind", default)
        if not isinstance(kind, str) or kind not in kinds:
            raise HwcoreError(f"{self.file}: {at}.kind: unknown kind {kind!r}{did_you_mean(str(kind), kinds)}")
        return kind, validate(kinds[kind], content, self.file, at)

    def _claim(self, id: str, content: Any, experiments: dict[str, Experiment]) -> Claim:
        at = f"claims.{id}"
        claim = validate(Claim, content, self.file, at)
        if claim.experiment not in experiments:
            known = did_you_mean(claim.experiment, experiments)
            raise HwcoreError(f"{self.file}: {at}: unknown experiment {claim.experiment!r}{known}")
        for experiment, table in sorted(claim.reads()):
            if experiment not in experiments:
                known = did_you_mean(experiment, experiments)
                raise HwcoreError(f"{self.file}: {at}.measure.experiment: unknown experiment {experiment!r}{known}")
            if table not in experiments[experiment].tables:
                known = did_you_mean(table, experiments[experiment].tables)
                raise HwcoreError(f"{self.file}: {at}: unknown table {table!r}{known}")
        for experiment, model in claim.networks():
            models = experiments[experiment].models
            if model is not None and model not in models:
                raise HwcoreError(f"{self.file}: {at}: unknown model {model!r}{did_you_mean(model, models)}")
        # a claim that names no rule is one of the studies that were written before there were rules
        for measure in claim.measures() if "rule" in content else ():
            for part in measure.single():
                models = experiments[part.experiment or claim.experiment].models
                if len(models) > 1 and getattr(part, "model", None) is None:
                    raise HwcoreError(f"{self.file}: {at}.measure.model: is missing; there are {', '.join(models)}")
        figures = experiments[claim.experiment].figures
        if claim.figure is not None and claim.figure not in figures:
            known = did_you_mean(claim.figure, figures)
            raise HwcoreError(f"{self.file}: {at}.figure: unknown figure {claim.figure!r}{known}")
        self._check_replicates(claim, experiments, at)
        return claim

    def _check_replicates(self, claim: Claim, experiments: dict[str, Experiment], at: str) -> None:
        """Refuse a claim that no outcome would decide, at any scale that judges."""
        if claim.expect is None:
            return
        measured = {
            (experiment, name)
            for experiment, model in claim.networks()
            for name in ([model] if model else experiments[experiment].models)
        }
        least = claim.expect.least(len(measured))
        if least < 0:
            models = f"{len(measured)} model" + ("" if len(measured) == 1 else "s")
            raise HwcoreError(
                f"{self.file}: {at}.rule: {claim.rule} decides nothing about {models}, whatever comes out"
            )
        for scale in [name for name, each in self.config.scales.items() if each.judged != "no"]:
            replicates = min(self._replicates(experiments[id], model, scale) for id, model in measured)
            if replicates < least:
                raise HwcoreError(
                    f"{self.file}: {at}.rule: {claim.rule} cannot decide with {replicates} replicates, which is what "
                    f"scale {scale} runs, whatever comes out; it takes {least}"
                )

    def _replicates(self, experiment: Experiment, model: str, scale: str) -> int:
        """The replicates of a model at a scale; a number in the configuration counts for the configured scale."""
        found = experiment.models[model]
        if scale == self.config.scale:
            return found.replicates
        caps = self.config.scales[scale].caps
        kind = caps.functions if isinstance(found.data, FunctionData) else caps.datasets
        return _capped(experiment.replicates, kind.replicates)


def _capped(value: int, cap: int | None) -> int:
    return value if cap is None else min(value, cap)


def _cap_samples(data: DataSpec, caps: Caps) -> DataSpec:
    if isinstance(data, FunctionData):
        names: dict[Literal["samples", "test_samples"], int | None] = {
            "samples": caps.train_samples,
            "test_samples": caps.test_samples,
        }
        return data.model_copy(update={name: _capped(getattr(data, name), cap) for name, cap in names.items()})
    update = {}
    for name in ("train_samples", "test_samples"):
        said, cap = getattr(data, name), getattr(caps, name)
        update[name] = cap if said is None else _capped(said, cap)
    return data.model_copy(update=update)
