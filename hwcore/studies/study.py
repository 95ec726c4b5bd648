"""Reading a study: from report/<study>/study.yaml to what is resolved and checked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

from hwcore.analyses.spec import AnalysisSpec
from hwcore.claims.spec import Claim
from hwcore.claims.words import counted
from hwcore.config import Caps, Config, Scale
from hwcore.config import name as check_name
from hwcore.data import formula
from hwcore.data.catalog import training_images
from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.errors import HwcoreError
from hwcore.nets.shorthand import with_blocks
from hwcore.nets.spec import Network
from hwcore.spec import Spec
from hwcore.studies import captions, families, schema, source, variants
from hwcore.studies.kinds import ANALYSES, FIGURES
from hwcore.studies.modules import module_settings
from hwcore.studies.resolved import Analysis, Comparison, Experiment, Figure, Model, NotRerun, Study
from hwcore.studies.settings import Settings, of_model
from hwcore.train.spec import Training
from hwcore.validation import ID, did_you_mean, validate

Options = TypeVar("Options", bound=Spec)
Read = TypeVar("Read")
# What a model says of its network.
_NETWORK = {"mlp", "activation", "cnn", "layers", "torchvision", "module", "input", "out", "options"}


def available(folder: Path) -> list[str]:
    """The studies under ``folder`` (report/): the names of its subfolders with a study.yaml."""
    return sorted(path.parent.name for path in folder.glob("*/study.yaml"))


def load(name: str, folder: Path, config: Config) -> Study:
    """The study in ``folder/name/study.yaml`` at the configured scale.

    Raises HwcoreError for an unknown study, for a name that is taken and for every mistake in its file.
    """
    path = folder / name / "study.yaml"
    if name in schema.RESERVED:
        raise HwcoreError(f"{path.parent}: no study can be called {name!r}: {schema.RESERVED_WHY}; rename the folder")
    if not path.is_file():
        hint = did_you_mean(name, available(folder))
        raise HwcoreError(f"config.yaml + --config: studies: unknown study {name!r}{hint}")
    try:
        check_name(name)
    except ValueError as error:
        raise HwcoreError(f"{path.parent}: {error}; rename the folder") from None
    content = source.read(path)
    try:
        known: dict[str, Any] = {}
        reader = _Reader(str(path), config, config.scales[config.scale], known)
        study = reader.study(name, content)
        claims = reader.claims(content, study)
        study = replace(study, claims=claims, findings=reader.findings(content, claims))
        published = _Reader(str(path), config, _PUBLISHED, known).study(name, content)
        experiments = {
            id: replace(experiment, whole=_whole(experiment, published.experiments[id]))
            for id, experiment in study.experiments.items()
        }
        return captions.fill_study(replace(study, experiments=experiments), published, str(path))
    except HwcoreError as error:
        raise source.located(error, path) from None


def _measured_on(data: DataSpec) -> DataSpec:
    """What analyses take of data: none augments, and the cap of a scale may leave one batch size more than another."""
    return data if isinstance(data, FunctionData) else data.model_copy(update={"augment": (), "train_samples": None})


# the training images of a whole data set of unknown size, for the cap on arithmetic: those of CIFAR-10
_IMAGES = 50_000
# operations of a step on a sample for each multiplication of the forward pass: two there, and twice as many in the
# backward pass, for the gradients of the weights and those of the inputs
_OPERATIONS = 6
# the part of an epoch from which a cap on its arithmetic leaves it whole
_NEARLY = 0.9
# what a study is without the caps and stand-ins of a scale
_PUBLISHED = Scale(describes="everything", judged="yes")


class _Reader:
    """Reads a study at one scale; ``known`` is what was read before, at any scale."""

    def __init__(self, file: str, config: Config, scale: Scale, known: dict[str, Any]) -> None:
        self._known = known
        self.file = file
        self.config = config
        self.scale = scale
        for kind, limits in self.scale.caps.analyses.items():
            at = f"config.yaml: scales.{config.scale}.caps.analyses.{kind}"
            if kind not in ANALYSES:
                raise HwcoreError(f"{at}: unknown kind{did_you_mean(kind, ANALYSES)}")
            for option in limits:
                options = ANALYSES[kind].countable()
                if option not in options:
                    raise HwcoreError(f"{at}.{option}: no option that can be capped{did_you_mean(option, options)}")

    def _once(self, what: str, content: Any, read: Callable[[], Read]) -> Read:
        """What ``read`` makes of some content, once for all models that share it."""
        key = f"{what} {content!r}"
        if key not in self._known:
            self._known[key] = read()
        known: Read = self._known[key]
        return known

    def study(self, name: str, file: Any) -> Study:
        """All but the claims."""
        content = validate(schema.StudyFile, file, self.file)
        experiments: dict[str, Experiment] = {}
        not_rerun: dict[str, NotRerun] = {}
        for base, each in content.experiments.items():
            at = f"experiments.{base}"
            for variant, experiment in variants.resolve(each, f"{self.file}: {at}", self._expand).items():
                id = base if variant == variants.AS_DESCRIBED else f"{base}--{variant}"
                if "not_rerun" in experiment:
                    not_rerun[id] = self._not_rerun(id, base, variant, experiment)
                else:
                    experiments[id] = self._experiment(id, base, variant, experiment, content.replicates)
        figures = {
            id: self._comparison(id, value, experiments, f"figures.{id}") for id, value in content.figures.items()
        }
        study = Study(name, content.title, content.source, experiments, figures, not_rerun)
        return replace(study, author=content.author, date=content.date)

    def _not_rerun(self, id: str, base: str, variant: str, content: dict[str, Any]) -> NotRerun:
        each = validate(schema.NotRerunFile, content, self.file, f"experiments.{id}")
        return NotRerun(id, base, variant, each.section, each.title, each.why, each.not_rerun, each.question)

    def _experiment(self, id: str, base: str, variant: str, content: dict[str, Any], replicates: int) -> Experiment:
        at = f"experiments.{id}"
        entry = validate(schema.ExperimentFile, content, self.file, at)
        stated = entry.replicates or replicates
        models = {
            name: self._model(name, value, entry, self.config.replicates or stated, f"{at}.models.{name}")
            for name, value in entry.models.items()
        }
        for name, model in models.items():
            layers = len(model.network.weighted())
            if entry.record.layers and max(entry.record.layers) > layers:
                raise HwcoreError(
                    f"{self.file}: {at}.record.layers: {max(entry.record.layers)}, but model {name} has {layers} layers"
                )
        self._check_labels(models, at)
        analyses = {}
        for name, options in entry.analyses.items():
            analyses[name] = self._analysis(name, options, entry, models, f"{at}.analyses.{name}")
        experiment = Experiment(
            *(id, base, variant, entry.section, entry.title, entry.why),
            *(stated, entry.record, models, analyses, {}, entry.chosen),
            question=entry.question,
        )
        self._check_chosen(experiment, at)
        figures = {
            name: self._figure(name, options, [experiment], f"{at}.figures.{name}")
            for name, options in entry.figures.items()
        }
        return replace(experiment, figures=figures)

    def _expand(self, experiment: Mapping[str, Any], where: str) -> Any:
        """The models of an experiment, sweeps expanded."""
        models, blocks = experiment["models"], experiment.get("blocks")
        # they are checked with the experiment
        if not isinstance(blocks, Mapping) or not all(isinstance(layers, list) for layers in blocks.values()):
            blocks = {}
        if not isinstance(models, Mapping):
            return models
        return families.sweep_models(models, where, lambda content, at: self._count(content, blocks, at))

    def _count(self, content: Mapping[str, Any], blocks: Mapping[str, Any], where: str) -> int:
        at = where.removeprefix(f"{self.file}: ")
        # the label may show the number
        model = validate(schema.ModelFile, {**content, "label": ""}, self.file, at)
        count = self._network(model, blocks, at).parameters()
        if count is None:
            raise HwcoreError(f"{where}: {{parameters}} is not known before the network is built; name another value")
        return count

    def _check_labels(self, models: Mapping[str, Model], at: str) -> None:
        names: dict[str, str] = {}
        for name, model in models.items():
            other = names.setdefault(model.label, name)
            if other != name:
                raise HwcoreError(
                    f"{self.file}: {at}.models.{name}.label: {model.label!r} is the label of {other} too; "
                    "labels tell models apart in figures"
                )

    def _check_chosen(self, experiment: Experiment, at: str) -> None:
        """Reasons are given for settings that there are."""
        reasons = [(f"{at}.chosen.{name}", name) for name in experiment.chosen]
        for model in experiment.models.values():
            reasons += [(f"{at}.models.{model.name}.chosen.{name}", name) for name in model.chosen]
        known = Settings([experiment], [experiment]).topics() if reasons else set()
        for key, name in reasons:
            if name not in known:
                raise HwcoreError(f"{self.file}: {key}: there is no such setting{did_you_mean(name, known)}")

    def _model(self, name: str, content: Any, experiment: schema.ExperimentFile, replicates: int, at: str) -> Model:
        entry = validate(schema.ModelFile, content, self.file, at)
        network = self._network(entry, experiment.blocks, at)
        data = self._data({**experiment.data, **entry.data}, at)
        said = {**experiment.training, **entry.training}
        training = self._once("training", said, lambda: validate(Training, said, self.file, f"{at}.training"))
        if isinstance(data, FunctionData) and training.loss != "mse":
            raise HwcoreError(f"{self.file}: {at}.training.loss: {training.loss!r} needs classes; a function needs mse")
        if not isinstance(data, FunctionData) and training.loss == "mse":
            raise HwcoreError(
                f"{self.file}: {at}.training.loss: 'mse' needs a function; classes need cross_entropy or nll"
            )
        if isinstance(data, FunctionData) and (network.input, network.output) != ((1,), (1,)):
            raise HwcoreError(f"{self.file}: {at}: a function needs one input and one output")
        functions = isinstance(data, FunctionData)
        caps = self.scale.caps.functions if functions else self.scale.caps.datasets
        replicates = _cap_replicates(replicates, caps, network)
        full_length = training.epochs or training.steps or 0
        full_images = None if isinstance(data, FunctionData) else self._images(data)
        data = _cap_samples(data, caps)
        training = self._cap_length(training, network, data, caps)
        data = self._cap_images(data, training, network, caps)
        return Model(
            name,
            entry.label,
            network,
            data,
            training,
            replicates,
            entry.reported_parameters,
            full_length,
            full_images,
            entry.chosen,
        )

    def _cap_images(self, data: DataSpec, training: Training, network: Network, caps: Caps) -> DataSpec:
        """With as many images as one epoch may have: whole batches, and one at least.

        An epoch that is only a little too long stays whole, and so does a data set of unknown size.
        """
        multiplications = network.multiplications()
        if isinstance(data, FunctionData) or training.epochs is None or not (caps.teraflop and multiplications):
            return data
        images, size = self._images(data), 1 if training.batch_size == "full" else training.batch_size
        affordable = int(caps.teraflop * 1e12 / (_OPERATIONS * multiplications))
        if images is None or affordable >= _NEARLY * images:
            return data
        # those for validation come on top
        trained, kept = max(1, affordable // size) * size, 1
        while kept < images and kept - training.held_out(kept) < trained:
            kept += 1
        return data if kept == images else data.model_copy(update={"train_samples": kept})

    def _cap_length(self, training: Training, network: Network, data: DataSpec, caps: Caps) -> Training:
        """With the bounds of the unit in which the study gives the length; at least one is left."""
        samples = data.samples if isinstance(data, FunctionData) else self._images(data) or _IMAGES
        size, per_epoch = training.batches(samples)
        in_epochs = training.epochs is not None
        limits = [caps.epochs if in_epochs else caps.steps]
        if in_epochs and isinstance(data, FunctionData) and caps.steps is not None:
            limits.append(caps.steps // per_epoch)
        if caps.teraflop is not None and network.multiplications():
            operations = _OPERATIONS * network.multiplications() * (samples if in_epochs else size)
            limits.append(int(caps.teraflop * 1e12 / operations))
        unit = "epochs" if in_epochs else "steps"
        lengths = [getattr(training, unit), *(max(1, limit) for limit in limits if limit is not None)]
        return training.model_copy(update={unit: min(lengths)})

    def _images(self, data: DatasetData) -> int | None:
        """The number of training images, None for a whole data set of unknown size."""
        there = training_images(data.dataset, self.config.datasets.get(data.dataset, {}))
        return data.train_samples if there is None else _capped(there, data.train_samples)

    def _network(self, model: schema.ModelFile, blocks: Mapping[str, Any], at: str) -> Network:
        content = model.model_dump(include=_NETWORK, exclude_none=True)
        if "layers" in content:
            try:
                content["layers"] = with_blocks(content["layers"], blocks)
            except ValueError as error:
                raise HwcoreError(f"{self.file}: {at}.layers: {error}") from None
        if model.module is not None:
            study = Path(self.file).parent.name
            if study not in self.config.trusted_studies:
                raise HwcoreError(
                    f"{self.file}: {at}.module: {model.module!r} runs code from report/{study}/nets.py; "
                    f"if you trust it, allow it by `trusted_studies: [{study}]` in config.yaml"
                )
            content["module"] = module_settings(model.module, Path(self.file).parent, f"{self.file}: {at}.module")
        network = self._once("network", content, lambda: validate(Network, content, self.file, at))
        if network.has_own_code() and model.module is None:
            raise HwcoreError(f"{self.file}: {at}.layers: `module` is no layer of a list; write `module: nets:Name`")
        return network

    def _data(self, content: dict[str, Any], at: str) -> DataSpec:
        if "function" in content:
            return self._once("function", content, lambda: self._function(content, at))
        data = validate(DatasetData, content, self.file, f"{at}.data")
        return data.model_copy(update={"dataset": self.scale.datasets.get(data.dataset, data.dataset)})

    def _function(self, content: dict[str, Any], at: str) -> FunctionData:
        samples = validate(FunctionData, content, self.file, f"{at}.data")
        try:
            formula.check(samples)
        except ValueError as error:
            raise HwcoreError(f"{self.file}: {at}.data.function: {error}") from None
        return samples

    def _analysis(
        self,
        name: str,
        content: dict[str, Any],
        experiment: schema.ExperimentFile,
        models: Mapping[str, Model],
        at: str,
    ) -> Analysis:
        kind, options = self._kind(content, name.replace("-", "_"), ANALYSES, at)
        options = self._cap_options(kind, options)
        if remedy := options.unrecorded(experiment.record):
            raise HwcoreError(f"{self.file}: {at}: {kind} needs `{remedy}` in the experiment")
        for option, model in options.models():
            if model not in models:
                hint = did_you_mean(model, models)
                raise HwcoreError(f"{self.file}: {at}.{option}: unknown model {model!r}{hint}")
        joined = [model for option, model in options.models() if option == "between"]
        data = [_measured_on(models[model].data) for model in joined]
        if any(other != data[0] for other in data):
            raise HwcoreError(
                f"{self.file}: {at}.between: the data of the two models differ, so that no loss between them is that "
                "of both"
            )
        for each in models.values():
            if reason := options.refuses(each.network, each.data, each.training):
                raise HwcoreError(f"{self.file}: {at}: {kind} cannot take model {each.name}, which {reason}")
        for first, second in pairwise(joined):
            if reason := options.refuses_pair(models[first].network, models[second].network):
                raise HwcoreError(
                    f"{self.file}: {at}.between: {first} and {second} have different networks, between which there is "
                    f"no line: {reason}"
                )
        return Analysis(name, kind, options)

    def _cap_options(self, kind: str, options: AnalysisSpec) -> AnalysisSpec:
        limits = self.scale.caps.analyses.get(kind, {})
        values = {name: getattr(options, name) for name in limits}
        capped = {name: limits[name] for name, value in values.items() if value is None or value > limits[name]}
        at = f"scales.{self.config.scale}.caps.analyses.{kind}"
        content = {**options.model_dump(exclude_unset=True), **capped}
        return validate(type(options), content, "config.yaml", at) if capped else options

    def _figure(self, name: str, content: dict[str, Any], experiments: list[Experiment], at: str) -> Figure:
        """A figure of one experiment, or of several that must all have its tables."""
        content = dict(content)
        caption, original = content.pop("caption", None), content.pop("original", None)
        if not isinstance(caption, str):
            raise HwcoreError(f"{self.file}: {at}.caption: is missing; say what the figure shows")
        if not isinstance(original, str | None):
            raise HwcoreError(f"{self.file}: {at}.original: {original!r} should be words, such as Figure 5")
        kind, options = self._kind(content, name.replace("-", "_"), FIGURES, at)
        shown = tuple(dict.fromkeys(options.tables()))
        for experiment in experiments:
            # the models are for claims
            tables = [table for table in experiment.tables if table != "models"]
            for table in shown:
                if table not in tables:
                    of = f" of {experiment.id}" if len(experiments) > 1 else ""
                    raise HwcoreError(f"{self.file}: {at}: unknown table {table!r}{of}{did_you_mean(table, tables)}")
            for table, column in options.needs():
                self._check_column(experiment, table, column, at)
        models = [model for experiment in experiments for model in experiment.models.values()]
        replicates, sizes = max(model.replicates for model in models), [model.samples for model in models]
        most = None if None in sizes else max(size or 0 for size in sizes)
        analyses = {each.name: each.options for experiment in experiments for each in experiment.analyses.values()}
        says = " ".join(caption.split())
        sentences = [says, options.explanation(replicates, analyses)]
        columns = options.columns()
        sentences += [analyses[table].explanation(table, columns, most) for table in shown if table in analyses]
        sentences += [f"The counterpart of the original’s {original}."] if original else []
        return Figure(name, kind, options, says, " ".join(filter(None, sentences)), shown)

    def _comparison(
        self, name: str, content: dict[str, Any], experiments: dict[str, Experiment], at: str
    ) -> Comparison:
        content = dict(content)
        over = content.pop("over", None)
        given_names = dict.fromkeys(map(str, over)) if isinstance(over, list) else over
        if not isinstance(given_names, Mapping) or len(given_names) < 2:
            raise HwcoreError(f"{self.file}: {at}.over: {over!r} should be a list of at least two experiments")
        for id in given_names:
            if id not in experiments:
                hint = did_you_mean(str(id), experiments)
                raise HwcoreError(f"{self.file}: {at}.over: unknown experiment {id!r}{hint}")
        members = [experiments[id] for id in given_names]
        same = len({each.base for each in members}) == 1
        names = {
            each.id: str(given_names[each.id] or (each.variant.replace("-", " ") if same else each.base))
            for each in members
        }
        if len(set(names.values())) < len(names):
            raise HwcoreError(f"{self.file}: {at}.over: two experiments have the same name: {list(names.values())}")
        figure = self._figure(name, content, members, at)
        labels = {}
        for each in members:
            for model in each.models.values():
                alone = names[each.id] if len(each.models) == 1 else f"{model.label}, {names[each.id]}"
                labels[f"{each.id}/{model.name}"] = model.label if figure.options.beside() else alone
        return Comparison(figure, names, labels)

    def _kind(
        self, content: dict[str, Any], default: str, kinds: Mapping[str, type[Options]], at: str
    ) -> tuple[str, Options]:
        content = dict(content)
        kind = content.pop("kind", default)
        if not isinstance(kind, str) or kind not in kinds:
            raise HwcoreError(f"{self.file}: {at}.kind: unknown kind {kind!r}{did_you_mean(str(kind), kinds)}")
        return kind, validate(kinds[kind], content, self.file, at)

    def claims(self, file: Mapping[str, Any], study: Study) -> dict[str, Claim]:
        """All claims of a ``study`` that was read of the same ``file``, each family expanded."""
        settings: dict[str, Mapping[str, Any]] = {}

        def models(experiment: str) -> Mapping[str, Any]:
            if experiment not in settings and experiment in study.experiments:
                networks = study.experiments[experiment].models
                settings[experiment] = {name: of_model(model) for name, model in networks.items()}
            return settings.get(experiment, {})

        claims: dict[str, Claim] = {}
        for id, value in file.get("claims", {}).items():
            for name, claim in families.each_claim(id, value, f"{self.file}: claims.{id}", models).items():
                if name in claims:
                    raise HwcoreError(f"{self.file}: claims.{id}: there is a claim {name!r} already; ids must differ")
                experiment = _experiment_of(claim)
                if experiment in study.not_rerun and "not_testable" not in claim:
                    raise HwcoreError(
                        f"{self.file}: claims.{id}.experiment: {experiment} is not re-run: nothing of it is measured; "
                        "say `not_testable:` and why"
                    )
                claims[name] = self._claim(name, claim, study)
        return claims

    def findings(self, file: Mapping[str, Any], claims: Mapping[str, Claim]) -> list[str]:
        """The ids of the claims that the first page tells."""
        named: list[str] = file.get("findings", [])
        for number, id in enumerate(named):
            if id not in claims:
                raise HwcoreError(f"{self.file}: findings.{number}: there is no claim {id!r}{did_you_mean(id, claims)}")
        return named

    def _claim(self, id: str, content: Any, study: Study) -> Claim:
        at = f"claims.{id}"
        if not re.fullmatch(ID, id):
            raise HwcoreError(f"{self.file}: {at}: an id is of small letters, digits and single hyphens")
        claim, experiments = validate(Claim, _in_section(content, study), self.file, at), study.experiments
        if claim.experiment in study.not_rerun:
            return claim
        if claim.experiment not in experiments:
            hint = did_you_mean(claim.experiment, experiments)
            raise HwcoreError(f"{self.file}: {at}: unknown experiment {claim.experiment!r}{hint}")
        self._check_measured(claim, experiments, at)
        for measure in claim.measures():
            for part in measure.single():
                measured = experiments[part.experiment or claim.experiment]
                tables = [table for _, table in part.reads()]
                several = len(measured.models) > 1 and all(measured.of_models(table) for table in tables)
                if several and getattr(part, "model", None) is None:
                    names = ", ".join(measured.models)
                    raise HwcoreError(f"{self.file}: {at}.measure.model: is missing; there are {names}")
        figures = experiments[claim.experiment].figures
        if claim.figure is not None and claim.figure not in figures:
            hint = did_you_mean(claim.figure, figures)
            raise HwcoreError(f"{self.file}: {at}.figure: unknown figure {claim.figure!r}{hint}")
        self._check_replicates(claim, experiments, at)
        return claim

    def _check_measured(self, claim: Claim, experiments: Mapping[str, Experiment], at: str) -> None:
        """The experiments, tables and models that a claim reads are there."""
        for experiment, table in sorted(claim.reads()):
            if experiment not in experiments:
                hint = did_you_mean(experiment, experiments)
                raise HwcoreError(f"{self.file}: {at}.measure.experiment: unknown experiment {experiment!r}{hint}")
            if table not in experiments[experiment].tables:
                hint = did_you_mean(table, experiments[experiment].tables)
                raise HwcoreError(f"{self.file}: {at}: unknown table {table!r}{hint}")
        for experiment, model in claim.networks():
            models = experiments[experiment].models
            if model is not None and model not in models:
                raise HwcoreError(f"{self.file}: {at}: unknown model {model!r}{did_you_mean(model, models)}")
            if model is not None and "models" in claim.tables() and models[model].network.parameters() is None:
                raise HwcoreError(
                    f"{self.file}: {at}: the layers and parameters of {model} are known only when it is built; "
                    f"{{value: parameters, table: evaluation, model: {model}}} of the analysis evaluation measures the "
                    "latter"
                )
        for id, table, column in claim.reads_columns():
            self._check_column(experiments[id], table, column, at)

    def _check_column(self, experiment: Experiment, table: str, column: str, at: str) -> None:
        known = experiment.columns(table)
        if not any(fnmatchcase(column, each) for each in known):
            hint = did_you_mean(column, known)
            of = "" if at.startswith(f"experiments.{experiment.id}.") else f" of {experiment.id}"
            raise HwcoreError(f"{self.file}: {at}: the table {table}{of} has no column {column!r}{hint}")

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
                    f"{self.file}: {at}.rule: {claim.rule} cannot decide with {counted(replicates, 'replicate')}, "
                    f"which is what scale {scale} runs, whatever comes out; it takes {least}"
                )

    def _replicates(self, experiment: Experiment, model: str, scale: str) -> int:
        """The replicates of a model at a scale, as the study has them; a call that asks for fewer decides less."""
        settings = experiment.models[model]
        caps = self.config.scales[scale].caps
        kind = caps.functions if isinstance(settings.data, FunctionData) else caps.datasets
        return _cap_replicates(experiment.replicates, kind, settings.network)


def _experiment_of(claim: Any) -> str:
    """The experiment that a claim names, before anything of it is checked; "" if it names none."""
    experiment = claim.get("experiment") if isinstance(claim, Mapping) else None
    return experiment if isinstance(experiment, str) else ""


def _in_section(claim: Any, study: Study) -> Any:
    """A claim with its section, which is that of its experiment if it says none."""
    described: Mapping[str, Any] = {**study.experiments, **study.not_rerun}
    experiment = _experiment_of(claim)
    return {"where": described[experiment].section, **claim} if experiment in described else claim


def _capped(value: int, cap: int | None) -> int:
    return value if cap is None else min(value, cap)


def _whole(experiment: Experiment, published: Experiment) -> frozenset[str]:
    """What a scale leaves as ``published``: `models.deep`, apart from cuts of its training, `analyses.evaluation`."""
    models = [name for name, model in experiment.models.items() if _uncut(model, published.models[name])]
    analyses = []
    for name, analysis in experiment.analyses.items():
        options, stated = analysis.options, published.analyses[name].options
        samples = getattr(options, "samples", None)
        if samples is not None and experiment.has_at_most(samples):
            stated = stated.model_copy(update={"samples": samples})
        if options == stated:
            analyses.append(name)
    return frozenset([*(f"models.{name}" for name in models), *(f"analyses.{name}" for name in analyses)])


def _uncut(model: Model, published: Model) -> bool:
    """Whether a model is as it is ``published`` but for the length of its training and the images in it."""
    data = model.data
    if isinstance(data, DatasetData):
        data = data.model_copy(update={"train_samples": getattr(published.data, "train_samples", None)})
    return replace(model, training=published.training, data=data) == published


def _cap_replicates(replicates: int, caps: Caps, network: Network) -> int:
    """With the bound on their number, and on the parameters of all where these are known before training."""
    parameters = network.parameters()
    affordable = caps.parameters // parameters if caps.parameters and parameters else None
    return max(1, _capped(_capped(replicates, caps.replicates), affordable))


def _cap_samples(data: DataSpec, caps: Caps) -> DataSpec:
    if isinstance(data, FunctionData):
        names: dict[Literal["samples", "test_samples"], int | None] = {
            "samples": caps.train_samples,
            "test_samples": caps.test_samples,
        }
        return data.model_copy(update={name: _capped(getattr(data, name), cap) for name, cap in names.items()})
    update = {}
    for name in ("train_samples", "test_samples"):
        count, cap = getattr(data, name), getattr(caps, name)
        update[name] = cap if count is None else _capped(count, cap)
    return data.model_copy(update=update)
