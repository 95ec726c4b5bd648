"""A study as its page describes it, as plain data: settings in words, models, figures, tables.

All paths are relative to results/<scale>/.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import prod
from typing import Any, TypedDict, cast

from hwcore.claims.words import listed, short_names
from hwcore.config import Config
from hwcore.data.formula import parse
from hwcore.data.notation import write, write_dataset, write_number
from hwcore.data.spec import DatasetData, DataSpec, FunctionData, Moments
from hwcore.nets.spec import LayerSpec, Network
from hwcore.nets.specs.activation import Activation
from hwcore.nets.specs.linear import Linear
from hwcore.powers import in_powers
from hwcore.questions.catalog import QUESTIONS
from hwcore.studies.resolved import Comparison, Experiment, Figure, Model, Study
from hwcore.train.spec import OPTIMIZERS, Modes, Record, Training, Until


class ModelDescription(TypedDict):
    """``layers`` in words; ``settings`` that not all models share; ``run`` is the path of its run.json.

    ``parameters`` is None for a network that is counted when it is built.
    """

    name: str
    label: str
    layers: str
    parameters: int | None
    reported_parameters: int | None
    settings: dict[str, str]
    replicates: int
    run: str


class FigureDescription(TypedDict):
    """``path`` without a suffix; ``tables`` are the paths of what it shows, ``runs`` of the run.json behind it;
    ``recipe`` is that of its JSON.
    """

    name: str
    caption: str
    path: str
    tables: list[str]
    runs: list[str]
    recipe: str


class TableDescription(TypedDict):
    name: str
    path: str
    recipe: str


class ExperimentDescription(TypedDict):
    """One experiment in one variant; ``settings`` are those that all its models share and the replicates, ``values``
    those that the prose names, in words, ``analyses`` the options of each analysis that are not at their defaults, in
    words, ``kinds`` what each analysis is.  What a scale cuts has its value at full scale beside it, as in
    `10 (full scale: 100)`.
    ``choices`` are settings on which the report is silent: name, value and reason.

    ``paired_with`` are the ids of the other variants in which some model has the same name, and with it the same
    initial weights and order of samples; ``trained_in`` is the id of the variant whose runs are also this one's,
    if all are.
    """

    id: str
    base: str
    variant: str
    section: str
    title: str
    why: str | None
    question: str | None
    settings: dict[str, str]
    values: dict[str, str]
    analyses: dict[str, str]
    kinds: dict[str, str]
    choices: list[tuple[str, str, str]]
    replicates: int
    paired_with: list[str]
    trained_in: str | None
    models: list[ModelDescription]
    figures: list[FigureDescription]
    tables: list[TableDescription]


class NotRerunDescription(TypedDict):
    """An experiment or variant that is stated and not run again; ``reason`` says why."""

    id: str
    base: str
    variant: str
    section: str
    title: str
    why: str | None
    reason: str
    question: str | None


class PageDescription(TypedDict):
    """``source`` and ``scale`` as in the study file and the configuration, ``source`` None for a report of one's own;
    ``figures`` show several experiments; ``claims`` maps ids to experiments, ``findings`` are ids of claims for the
    first page, ``questions`` maps those that experiments answer to titles.
    """

    study: str
    title: str
    author: str | None
    date: str | None
    source: dict[str, Any] | None
    scale: dict[str, str]
    experiments: list[ExperimentDescription]
    figures: list[FigureDescription]
    not_rerun: list[NotRerunDescription]
    claims: dict[str, str]
    findings: list[str]
    questions: dict[str, str]


def describe(study: Study, config: Config, runs: Mapping[tuple[str, str], str]) -> PageDescription:
    """What the page of a study describes; ``runs`` are the folders of runs by experiment and model."""
    scale = config.scales[config.scale]
    return {
        "study": study.name,
        "title": study.title,
        "author": study.author,
        "date": study.date,
        "source": study.source.model_dump() if study.source else None,
        "scale": {"name": config.scale, "judged": scale.judged, "describes": scale.describes},
        "experiments": [_experiment(study, experiment, runs) for experiment in study.experiments.values()],
        "figures": [_comparison(study, comparison, runs) for comparison in study.figures.values()],
        "not_rerun": [cast(NotRerunDescription, asdict(each)) for each in study.not_rerun.values()],
        "claims": {id: claim.experiment for id, claim in study.claims.items()},
        "findings": study.findings,
        "questions": {id: QUESTIONS[id].title for id in QUESTIONS if id in study.questions},
    }


def with_values(page: PageDescription, values: Mapping[str, Mapping[str, str]]) -> PageDescription:
    """The same with the settings in words that the prose names, by experiment."""
    named = [{**each, "values": dict(values.get(each["id"], {}))} for each in page["experiments"]]
    return {**page, "experiments": cast(list[ExperimentDescription], named)}


def _experiment(study: Study, experiment: Experiment, runs: Mapping[tuple[str, str], str]) -> ExperimentDescription:
    place = f"{study.name}/{experiment.id}"
    models = list(experiment.models.values())
    folders = {model.name: runs[experiment.id, model.name] for model in models}
    said = experiment.values
    settings = [{**describe_settings(model, said), **_describe_record(experiment.record)} for model in models]
    _images_apart(settings, models, said)
    # what all models share is said once, for the experiment
    shared = {key: value for key, value in settings[0].items() if all(each.get(key) == value for each in settings)}
    own = [{key: value for key, value in each.items() if key not in shared} for each in settings]
    most = max(model.replicates for model in models)
    shared["replicates"] = said.get("replicates", f"{most:,}")
    for model, each in zip(models, own, strict=True):
        if model.replicates < most:
            each["replicates"] = said.get(f"{model.name}.replicates", f"{model.replicates:,}")
    others = [other for other in study.variants(experiment) if other.models.keys() & experiment.models.keys()]
    return {
        "id": experiment.id,
        "base": experiment.base,
        "variant": experiment.variant,
        "section": experiment.section,
        "title": experiment.title,
        "why": experiment.why,
        "question": experiment.question,
        "settings": shared,
        "values": {},
        "analyses": {name: _describe_options(experiment, name) for name in experiment.analyses},
        "kinds": {name: _kind(experiment, name) for name in experiment.analyses},
        "choices": _choices(experiment),
        "replicates": most,
        "paired_with": [other.id for other in others],
        "trained_in": _trainer(study, experiment, set(folders.values())),
        "models": [
            {
                "name": model.name,
                "label": model.label,
                "layers": describe_network(model.network),
                "parameters": model.network.parameters(),
                "reported_parameters": model.reported_parameters,
                "settings": each,
                "replicates": model.replicates,
                "run": f"{folders[model.name]}/run.json",
            }
            for model, each in zip(models, own, strict=True)
        ],
        "figures": [_figure(study, figure, [experiment], place, runs) for figure in experiment.figures.values()],
        "tables": [
            {
                "name": name,
                "path": f"tables/{place}/{name}.parquet",
                "recipe": f"tables/{place}/{name}.json",
            }
            for name in experiment.analyses
        ],
    }


def _comparison(study: Study, comparison: Comparison, runs: Mapping[tuple[str, str], str]) -> FigureDescription:
    experiments = [study.experiments[id] for id in comparison.experiments]
    return _figure(study, comparison.figure, experiments, study.name, runs)


def _figure(
    study: Study,
    figure: Figure,
    experiments: Sequence[Experiment],
    place: str,
    runs: Mapping[tuple[str, str], str],
) -> FigureDescription:
    folders = {experiment.id: [runs[experiment.id, model] for model in experiment.models] for experiment in experiments}
    tables: list[str] = []
    for table in figure.tables:
        for id, own in folders.items():
            recorded = table in ("metrics", "steps")
            tables += (
                [f"{folder}/{table}.parquet" for folder in own]
                if recorded
                else [f"tables/{study.name}/{id}/{table}.parquet"]
            )
    return {
        "name": figure.name,
        "caption": figure.caption,
        "path": f"figures/{place}/{figure.name}",
        "tables": list(dict.fromkeys(tables)),
        "runs": list(dict.fromkeys(f"{folder}/run.json" for own in folders.values() for folder in own)),
        "recipe": f"figures/{place}/{figure.name}.json",
    }


def _choices(experiment: Experiment) -> list[tuple[str, str, str]]:
    """Setting, its value in words, and the reason; of the experiment, then of single models."""
    every = [*experiment.models.values()]
    choices = [
        (_named(name, experiment), _value(experiment, name, every), reason)
        for name, reason in experiment.chosen.items()
    ]
    for model in every:
        choices += [
            (
                f"{_named(name, experiment)} of {model.label}",
                _value(experiment, name, [model], f"{model.name}.{name}"),
                reason,
            )
            for name, reason in model.chosen.items()
        ]
    return choices


def _kind(experiment: Experiment, analysis: str) -> str:
    """What an analysis is, whatever the study calls it: `interpolation`; of several of a kind, what the study does."""
    kind = experiment.analyses[analysis].kind
    alone = sum(other.kind == kind for other in experiment.analyses.values()) == 1
    return re.sub("[-_.]", " ", kind if alone else analysis)


def _named(setting: str, experiment: Experiment) -> str:
    """A setting as a reader calls it: `learning rate`, `α of interpolation`"""
    of, _, name = setting.rpartition(".")
    text = _NAMES.get(name, name).replace("_", " ")
    if of in ("", "record"):
        return text
    return f"{text} of {_kind(experiment, of) if of in experiment.analyses else re.sub('[-_.]', ' ', of)}"


def _value(experiment: Experiment, name: str, models: Sequence[Model], key: str = "") -> str:
    """The setting ``name`` of some models in words, under ``key`` in the values of the experiment."""
    if name in experiment.analyses:
        return _describe_options(experiment, name) or "default options"
    if name in _GROUPS:
        texts = {_GROUPS[name](model) for model in models}
        if len(texts) == 1:
            return texts.pop()
    key = key or name
    if key not in experiment.values and name in _SINGLE:
        return _LISTED
    text = _text(experiment, key)
    of, _, option = key.rpartition(".")
    return _PHRASES.get((option, text), text) if of in experiment.analyses else text


def _text(experiment: Experiment, key: str) -> str:
    """The setting of a name in words, or all those of a group: `21 values of α from 0 to 1`."""
    of, _, option = key.rpartition(".")
    if of in experiment.analyses and option in OF_MODELS:
        models = getattr(experiment.analyses[of].options, option)
        names = quoted_names(experiment)
        return listed([names[model] for model in ([models] if isinstance(models, str) else models or [])]) or "none"
    if key in experiment.values:
        return small_in_powers(experiment.values[key])
    parts = [each for each in experiment.values if each.startswith(f"{key}.")]
    inner = {part.removeprefix(f"{key}.").replace("_", " "): experiment.values[part] for part in parts}
    if [*inner] == ["start", "stop", "count"]:
        return GRID.format(**inner)
    return ", ".join(f"{part} {value}" for part, value in inner.items() if value != "none")


def _describe_options(experiment: Experiment, analysis: str) -> str:
    """The options of an analysis that are not at their defaults: `no solver, 50 steps`"""
    options = experiment.analyses[analysis].options
    fields = type(options).model_fields
    changed = {name: value for name, value in options if name != "kind" and value != fields[name].get_default()}
    if "samples" in changed and fields["samples"].default is None and experiment.has_at_most(changed["samples"]):
        del changed["samples"]
    return ", ".join(describe_option(name, _text(experiment, f"{analysis}.{name}")) for name in changed)


def describe_option(name: str, value: str) -> str:
    """An option of an analysis, whose ``value`` is in words, with what it is: `10,000 samples`, `no solver`"""
    if (name, value) in _PHRASES:
        return _PHRASES[name, value]
    text = _OPTIONS.get(name, f"{name.replace('_', ' ')} {{}}").format(value)
    return text.removesuffix("s") if text.startswith("1 ") and "(" not in text else text


def model_names(experiment: Experiment) -> dict[str, str]:
    """By model: the first words of its label, or all of it if these are those of another model too."""
    models = experiment.models
    return dict(zip(models, short_names([model.label for model in models.values()]), strict=True))


def quoted_names(experiment: Experiment) -> dict[str, str]:
    """By model: its short name as an option of an analysis names it, `“batch 300”`."""
    return {model: f"“{name}”" for model, name in model_names(experiment).items()}


def small_in_powers(text: str) -> str:
    """A setting in words with the numbers below 10⁻⁴ in powers of ten: `10⁻⁵ to 0.1`."""
    return _SMALL.sub(lambda number: write_number(float(number[0])), text)


def _trainer(study: Study, experiment: Experiment, folders: set[str]) -> str | None:
    """The other variant in whose folder all runs of an experiment lie."""
    for other in study.variants(experiment):
        if all(folder.startswith(f"runs/{study.name}/{other.id}/") for folder in folders):
            return other.id
    return None


def describe_settings(model: Model, values: Mapping[str, str] | None = None) -> dict[str, str]:
    """The data and training settings of a model in words, by what they are.

    With the ``values`` of its experiment, which say what is cut, as `10 (full scale: 100)`; without them as it is here.
    """
    said = _cut_settings(model, values or {})
    settings = {"data": _describe_data(model.data, said), **_describe_training(model.training)}
    return settings | {name: text for name, text in said.items() if name in settings}


def _cut_settings(model: Model, values: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name in _CUT if (text := values.get(f"{model.name}.{name}"))}


def _images_apart(settings: Sequence[dict[str, str]], models: Sequence[Model], values: Mapping[str, str]) -> None:
    """Put the numbers of images apart where models differ in nothing else of their data, which is then said once."""
    said = [_cut_settings(model, values) for model in models]
    alike = {_describe_data(model.data, each, images=False) for model, each in zip(models, said, strict=True)}
    if len(alike) == 1 and len({each["data"] for each in settings}) > 1:
        for each, model, words in zip(settings, models, said, strict=True):
            each |= {
                "data": next(iter(alike)),
                "images": ", ".join(_describe_images(model.data, words)) or "all images",
            }


def _describe_images(data: DataSpec, said: Mapping[str, str]) -> list[str]:
    counts = {part: getattr(data, f"{part}_samples") for part in ("train", "test")}
    names = {"train": "training images", "test": "test images"}
    return [f"{said.get(f'{part}_samples', f'{count:,}')} {names[part]}" for part, count in counts.items() if count]


def _describe_data(data: DataSpec, said: Mapping[str, str], *, images: bool = True) -> str:
    """``said`` are settings as the values of the experiment say them, where these are known."""
    if isinstance(data, FunctionData):
        points = _SAMPLING[data.sampling] + (f" of {data.grid:,}" if data.grid else "")
        low, high = data.domain
        single = ", ".join(f"{write_number(value)} at x = {write_number(x)}" for x, value in data.at.items())
        formula = write(parse(data.function)) + (f" ({single})" if single else "")
        interval = f"[{write_number(low)}, {write_number(high)}]".replace("-", "−")
        return f"{formula} on {interval}, {said.get('samples', f'{data.samples:,}')} samples on {points}"
    parts = [said.get("dataset", write_dataset(data.dataset))]
    if data.size:
        parts.append(f"scaled to {_describe_size(data)}")
    parts += _describe_images(data, said) if images else []
    for fraction, which in ((data.random_labels, "training"), (data.random_test_labels, "test")):
        if fraction:
            share = "all" if fraction == 1 else f"{100 * fraction:g} % of the"
            parts.append(f"{share} {which} labels random")
    parts += [_describe_normalization(data), _describe_augmentation(data)]
    return ", ".join(filter(None, parts))


def _describe_size(data: DataSpec) -> str:
    return "×".join(map(str, data.size)) if isinstance(data, DatasetData) and data.size else "none"


def _describe_normalization(data: DataSpec) -> str:
    if isinstance(data, FunctionData) or not data.normalize:
        return "not normalised"
    if isinstance(data.normalize, Moments):
        mean, std = (_describe_numbers(values) for values in (data.normalize.mean, data.normalize.std))
        return f"normalised by mean {mean} and standard deviation {std}"
    return "normalised by the mean and standard deviation of the training images"


def _describe_augmentation(data: DataSpec) -> str:
    if isinstance(data, FunctionData):
        return ""
    return ", ".join(change.words.format(**change.model_dump()) for change in data.augment)


def _describe_numbers(values: tuple[float, ...]) -> str:
    text = ", ".join(f"{value:g}" for value in values)
    return text if len(values) == 1 else f"({text})"


def _describe_training(training: Training) -> dict[str, str]:
    loss = {"mse": "mean squared error", "cross_entropy": "cross-entropy", "nll": "negative log-likelihood"}
    settings = {
        "optimizer": _describe_optimizer(training),
        "learning rate": in_powers(f"{training.lr:g}"),
        "weight decay": in_powers(f"{training.weight_decay:g}") if training.weight_decay else "",
        "schedule": _describe_schedule(training),
        "gradient clipping": f"norm at most {training.clip_grad_norm:g}" if training.clip_grad_norm else "",
        "loss": loss[training.loss] + (", maximised" if training.maximize else ""),
        "label smoothing": f"{training.label_smoothing:g}" if training.label_smoothing else "",
        "pseudo-labels": f"loss at predicted labels added, weight {training.pseudo_label_weight:g}"
        if training.pseudo_label_weight
        else "",
        "batch size": _describe_batch_size(training),
        "order of samples": "" if training.shuffle else "as in the data, in every epoch",
        "epochs": f"{training.epochs:,}" if training.epochs else "",
        "steps": f"{training.steps:,}" if training.steps else "",
        "modes": _describe_modes(training.modes) if training.modes else "",
        "validation": f"{training.validation:.3g} of the training set held out" if training.validation else "",
        "stops": _describe_until(training.until) if training.until else "",
    }
    return {key: value for key, value in settings.items() if value}


def _describe_batch_size(training: Training) -> str:
    return "full batch" if training.batch_size == "full" else f"{training.batch_size:,}"


def _describe_optimizer(training: Training) -> str:
    """`SGD, Nesterov momentum 0.9`"""
    defaults = {name: field.default for name, field in Training.model_fields.items()}
    words = {
        "momentum": f"{'Nesterov ' if training.nesterov else ''}momentum {training.momentum:g}",
        "betas": "betas {:g} and {:g}".format(*training.betas),
        "eps": f"epsilon {in_powers(f'{training.eps:g}')}",
    }
    changed = [text for name, text in words.items() if getattr(training, name) != defaults[name]]
    return ", ".join([OPTIMIZERS[training.optimizer].title, *changed])


def _describe_schedule(training: Training) -> str:
    """`half a cosine to zero, after a warm-up of 100 steps`"""
    parts = [training.scheduler.words.format(**training.scheduler.model_dump())] if training.scheduler else []
    if training.warmup:
        parts.append(f"{'after ' if parts else ''}a warm-up of {_counted(training.warmup, 'step')}")
    return ", ".join(parts)


def _describe_modes(modes: Modes) -> str:
    parts = []
    if modes.evaluation_from:
        parts.append(f"trained in evaluation mode from epoch {modes.evaluation_from} on")
    if modes.dropout_in_evaluation:
        parts.append("dropout active in evaluation")
    return ", ".join(parts)


def _describe_record(record: Record) -> dict[str, str]:
    factor = record.test_loss_factor
    return {} if factor == 1 else {"test loss": f"multiplied by {factor:.4g}"}


def _describe_until(until: Until) -> str:
    """`once training loss ≤ 0.001 and change of loss over 1 epoch ≤ 10⁻⁵, 2 epochs in a row`"""
    change = f"change of loss over {_counted(until.over, 'epoch')} ≤ "
    limits = (
        ("training loss ≤ ", until.loss),
        (change, until.loss_change),
        ("gradient norm ≤ ", until.grad_norm),
        ("training accuracy ≥ ", until.accuracy),
        ("epochs without a lower validation loss ≥ ", until.validation_patience),
    )
    said = "once " + " and ".join(f"{name}{write_number(limit)}" for name, limit in limits if limit is not None)
    if until.patience > 1:
        said += f", {until.patience} epochs in a row"
    if until.first_epoch > 1:
        said += f", from epoch {until.first_epoch} on"
    return said + ("; the weights of the lowest validation loss are kept" if until.validation_patience else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def describe_network(network: Network, *, short: bool = False) -> str:
    """A network in one line: `784-30-10, relu` for a perceptron, its layers in order, or nothing if ``short``, else."""
    layers = [layer for layer in network.layers if layer.kind != "flatten"]
    widths = [layer.out for layer in layers[::2] if isinstance(layer, Linear) and layer.bias]
    activations = {_describe_layer(layer) for layer in layers[1::2] if isinstance(layer, Activation)}
    alternate = len(widths) == len(layers[::2]) and all(isinstance(layer, Activation) for layer in layers[1::2])
    if alternate and len(layers) % 2 == 1 and len(activations) <= 1:
        return ", ".join(["-".join(map(str, [prod(network.input), *widths])), *activations])
    return "" if short else " · ".join(describe_layers(network))


def describe_layers(network: Network) -> list[str]:
    """Each layer in words."""
    return [_describe_layer(layer) for layer in network.layers]


def _describe_layers(layers: Sequence[LayerSpec]) -> str:
    return " · ".join(map(_describe_layer, layers))


def _describe_layer(layer: LayerSpec) -> str:
    """Its words, and the settings not among them that are not at their defaults: `conv 16 of 3×3, padding 1`."""
    settings = {name: getattr(layer, name) for name in type(layer).model_fields}
    settings["kind"] = layer.kind.replace("_", " ")
    shown = {name: _describe_layers(value) if name in _PARTS else value for name, value in settings.items()}
    fields = type(layer).model_fields
    extra = [
        _setting(name, value)
        for name, value in settings.items()
        if not fields[name].is_required() and value != fields[name].default
    ]
    return ", ".join([layer.words.format(**shown), *extra])


# What a scale may cut, or put something else in the place of.
_CUT = ("dataset", "samples", "train_samples", "test_samples", "epochs", "steps")

# Settings that models have one by one.
_SINGLE = {"network", *Training.model_fields, *DatasetData.model_fields, *FunctionData.model_fields}

# Where models differ in a setting, and of a network that is no line.
_LISTED = "as in the table of models"

# Zero, a point and four zeros: what no number from 10⁻⁴ on begins with.
_SMALL = re.compile(r"\b0\.0000\d+")

# Options of analyses that name models.
OF_MODELS = ("between", "basis")

# Options of analyses: values that need no name, and what others are called.
GRID = "{count} values of α from {start} to {stop}"
_PHRASES = {
    ("solver", "none"): "no solver",
    ("solver", "levenberg-marquardt"): "a Levenberg-Marquardt solver",
    ("activation", "none"): "the network’s own activation",
    ("saddles", "yes"): "a search for saddle points",
    ("saddles", "no"): "no search for saddle points",
    ("across", "line"): "along a random line",
    ("across", "plane"): "in a random plane",
    ("across", "trajectory"): "in the plane of the trajectory",
    ("batch", "first"): "the first mini-batch",
    ("batch", "last"): "the last mini-batch",
    ("batch_norm", "interpolate"): "interpolated running statistics",
    ("batch_norm", "recompute"): "recomputed running statistics",
    ("by", "whole"): "the whole matrix",
    ("by", "layer"): "the blocks of the layers",
    ("matrix", "hessian"): "the Hessian",
    ("matrix", "ggn"): "the generalised Gauss-Newton matrix",
    ("matrix", "empirical_fisher"): "the empirical Fisher matrix",
    ("method", "pca"): "principal components",
    ("method", "tsne"): "t-SNE",
    ("dropout", "yes"): "dropout active",
    ("dropout", "no"): "dropout inactive",
    ("input_gradient", "yes"): "the input gradient too",
    ("input_gradient", "no"): "no input gradient",
    ("over", "epochs"): "the recorded weights",
    ("over", "none"): "the final weights alone",
    ("weights_only", "yes"): "weights without biases",
    ("weights_only", "no"): "weights and biases",
    ("layer", "none"): "all layers",
    ("first", "none"): "all of the weights",
    ("basis", "none"): "components of all models",
    ("rescale", "none"): "no rescaling",
}
_OPTIONS = {
    "alphas": "{}",
    "between": "between {}",
    "basis": "components of {} alone",
    "activation": "{} activation",
    "first": "the first {} weights",
    "rescale": "rescaling by {}",
    "test_loss_factor": "test loss multiplied by {}",
    "window": "window of {} steps",
    "lanczos_steps": "{} Lanczos steps",
    **{name: f"{{}} {name}" for name in ("samples", "steps", "probes", "replicates", "points", "restarts")},
}

# What readers call a setting, where it is not its name.
_NAMES = {
    "alphas": "α",
    "between": "models",
    "across": "directions",
    "solver": "method",
    "weights_only": "weights",
    "lr": "learning rate",
    "augment": "augmentation",
    "normalize": "normalisation",
    "random_labels": "training labels",
    "random_test_labels": "test labels",
    "until": "stopping rule",
    "weights_every": "epochs between records of the weights",
}
_SAMPLING = {
    "grid": "an even grid",
    "uniform": "uniformly drawn points",
    "subset": "points drawn from an even grid",
}

# Settings of several parts, as the settings of a model say them.
_GROUPS: dict[str, Callable[[Model], str]] = {
    "network": lambda model: describe_network(model.network, short=True) or _LISTED,
    "sampling": lambda model: _SAMPLING[model.data.sampling] if isinstance(model.data, FunctionData) else "none",
    "batch_size": lambda model: _describe_batch_size(model.training),
    "augment": lambda model: _describe_augmentation(model.data),
    "normalize": lambda model: _describe_normalization(model.data),
    "size": lambda model: _describe_size(model.data),
    "scheduler": lambda model: _describe_schedule(model.training) or "none",
    "modes": lambda model: _describe_modes(model.training.modes) if model.training.modes else "none",
    "until": lambda model: _describe_until(model.training.until) if model.training.until else "none",
}

# The settings that are layers themselves.
_PARTS = ("layers", "shortcut")


def _setting(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_setting(key, item) for key, item in value.items())
    words = name.replace("_", " ")
    if value is False:
        return f"no {words}"
    if name in _PARTS:
        return f"{words} ({_describe_layers(value)})"
    return f"{words} {value:g}" if isinstance(value, float) else f"{words} {value}"
