"""A study as its page describes it, as plain data: settings in words, models, figures, tables.

All paths are relative to results/<scale>/.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import prod
from typing import Any, TypedDict

from hwcore.config import Config
from hwcore.data.catalog import FUNCTIONS
from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.nets.spec import Activation, Conv, Dropout, Layer, Linear, MaxPool, Network
from hwcore.studies.study import Experiment, Model, Study
from hwcore.train.spec import Training, Until


class ModelDescription(TypedDict):
    """``layers`` in words; ``settings`` that not all models share; ``run`` is the path of its run.json."""

    name: str
    label: str
    layers: str
    parameters: int
    reported_parameters: int | None
    settings: dict[str, str]
    run: str


class FigureDescription(TypedDict):
    """``path`` without a suffix; ``tables`` are the paths of what it shows; ``recipe`` that of its JSON."""

    name: str
    caption: str
    path: str
    tables: list[str]
    recipe: str


class TableDescription(TypedDict):
    name: str
    path: str
    recipe: str


class ExperimentDescription(TypedDict):
    """One experiment in one variant; ``settings`` are those that all its models share.

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
    settings: dict[str, str]
    replicates: int
    paired_with: list[str]
    trained_in: str | None
    models: list[ModelDescription]
    figures: list[FigureDescription]
    tables: list[TableDescription]


class PageDescription(TypedDict):
    """``source`` and ``scale`` as in the study file and the configuration; ``claims`` maps ids to experiments."""

    study: str
    title: str
    source: dict[str, Any]
    scale: dict[str, str]
    experiments: list[ExperimentDescription]
    claims: dict[str, str]


def describe(study: Study, config: Config, runs: Mapping[tuple[str, str], str]) -> PageDescription:
    """What the page of a study describes; ``runs`` are the folders of runs by experiment and model."""
    scale = config.scales[config.scale]
    return {
        "study": study.name,
        "title": study.title,
        "source": study.source.model_dump(),
        "scale": {"name": config.scale, "judged": scale.judged, "describes": scale.describes},
        "experiments": [_experiment(study, experiment, runs) for experiment in study.experiments.values()],
        "claims": {id: claim.experiment for id, claim in study.claims.items()},
    }


def _experiment(study: Study, experiment: Experiment, runs: Mapping[tuple[str, str], str]) -> ExperimentDescription:
    place = f"{study.name}/{experiment.id}"
    models = list(experiment.models.values())
    folders = {model.name: runs[experiment.id, model.name] for model in models}
    settings = [describe_settings(model) for model in models]
    # what all models share is said once, for the experiment
    shared = {key: value for key, value in settings[0].items() if all(each.get(key) == value for each in settings)}
    others = [other for other in study.variants(experiment) if other.models.keys() & experiment.models.keys()]

    def table(name: str) -> list[str]:
        if name in ("metrics", "steps"):
            return [f"{folder}/{name}.parquet" for folder in folders.values()]
        return [f"tables/{place}/{name}.parquet"]

    return {
        "id": experiment.id,
        "base": experiment.base,
        "variant": experiment.variant,
        "section": experiment.section,
        "title": experiment.title,
        "why": experiment.why,
        "settings": shared,
        "replicates": max(model.replicates for model in models),
        "paired_with": [other.id for other in others],
        "trained_in": _trainer(study, experiment, set(folders.values())),
        "models": [
            {
                "name": model.name,
                "label": model.label,
                "layers": describe_network(model.network),
                "parameters": model.network.parameters(),
                "reported_parameters": model.reported_parameters,
                "settings": {key: value for key, value in each.items() if key not in shared},
                "run": f"{folders[model.name]}/run.json",
            }
            for model, each in zip(models, settings, strict=True)
        ],
        "figures": [
            {
                "name": figure.name,
                "caption": figure.caption,
                "path": f"figures/{place}/{figure.name}",
                "tables": [path for name in figure.tables for path in table(name)],
                "recipe": f"figures/{place}/{figure.name}.json",
            }
            for figure in experiment.figures.values()
        ],
        "tables": [
            {
                "name": name,
                "path": f"tables/{place}/{name}.parquet",
                "recipe": f"tables/{place}/{name}.json",
            }
            for name in experiment.analyses
        ],
    }


def _trainer(study: Study, experiment: Experiment, folders: set[str]) -> str | None:
    """The other variant in whose folder all runs of an experiment lie."""
    for other in study.variants(experiment):
        if all(folder.startswith(f"runs/{study.name}/{other.id}/") for folder in folders):
            return other.id
    return None


def describe_settings(model: Model) -> dict[str, str]:
    """The data and training settings of a model in words, by what they are."""
    return {"data": _describe_data(model.data), **_describe_training(model.training)}


def _describe_data(data: DataSpec) -> str:
    if isinstance(data, FunctionData):
        how = "an even grid" if data.sampling == "grid" else "uniformly drawn points"
        low, high = data.domain
        return f"{FUNCTIONS[data.function]} on [{low:g}, {high:g}], {data.samples:,} samples on {how}"
    return _describe_dataset(data)


def _describe_dataset(data: DatasetData) -> str:
    parts = [data.dataset]
    if data.train_samples:
        parts.append(f"{data.train_samples:,} training images")
    if data.test_samples:
        parts.append(f"{data.test_samples:,} test images")
    for fraction, which in ((data.random_labels, "training"), (data.random_test_labels, "test")):
        if fraction:
            parts.append(f"{fraction:.0%} of the {which} labels random")
    if not data.normalize:
        parts.append("not normalised")
    return ", ".join(parts)


def _describe_training(training: Training) -> dict[str, str]:
    optimizer = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}[training.optimizer]
    said = {
        "optimizer": optimizer + (f", momentum {training.momentum:g}" if training.momentum else ""),
        "learning rate": f"{training.lr:g}",
        "weight decay": f"{training.weight_decay:g}" if training.weight_decay else "",
        "schedule": "",
        "loss": {"mse": "mean squared error", "cross_entropy": "cross-entropy", "nll": "negative log-likelihood"}[
            training.loss
        ],
        "batch size": "full batch" if training.batch_size == "full" else f"{training.batch_size:,}",
        "epochs": f"{training.epochs:,}",
        "stops": _describe_until(training.until) if training.until else "",
    }
    if training.scheduler:
        options = training.scheduler.model_dump(exclude={"kind"})
        said["schedule"] = ", ".join([training.scheduler.kind, *(f"{key} {value:g}" for key, value in options.items())])
    return {key: value for key, value in said.items() if value}


def _describe_until(until: Until) -> str:
    """`once training loss ≤ 0.001 and change of loss over 1 epoch ≤ 0.00001, 2 epochs in a row`"""
    change = f"change of loss over {_counted(until.over, 'epoch')} ≤ "
    limits = (
        ("training loss ≤ ", until.loss),
        (change, until.loss_change),
        ("gradient norm ≤ ", until.grad_norm),
        ("training accuracy ≥ ", until.accuracy),
    )
    # Decimal writes 1e-05 out
    said = "once " + " and ".join(
        f"{name}{Decimal(str(limit)).normalize():f}" for name, limit in limits if limit is not None
    )
    if until.patience > 1:
        said += f", {until.patience} epochs in a row"
    return said + (f", from epoch {until.first_epoch} on" if until.first_epoch > 1 else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def describe_network(network: Network) -> str:
    """A network in one line: `784-30-10, relu` for a perceptron, its layers in order otherwise."""
    layers = [layer for layer in network.layers if layer.kind != "flatten"]
    activations = {layer.kind for layer in layers[1::2]}
    perceptron = all(layer.kind == "linear" for layer in layers[::2]) and len(layers) % 2 == 1
    if perceptron and len(activations) <= 1 and all(isinstance(layer, Activation) for layer in layers[1::2]):
        first = str(prod(network.input))
        widths = "-".join([first, *(str(layer.out) for layer in layers if isinstance(layer, Linear))])
        return ", ".join([widths, *(name.replace("_", " ") for name in activations)])
    return " · ".join(describe_layers(network))


def describe_layers(network: Network) -> list[str]:
    return [_describe_layer(layer) for layer in network.layers]


def _describe_layer(layer: Layer) -> str:
    name = layer.kind.replace("_", " ")
    if isinstance(layer, Linear):
        return f"{name} {layer.out}"
    if isinstance(layer, Conv):
        return f"{name} {layer.channels} of {layer.kernel}×{layer.kernel}"
    if isinstance(layer, MaxPool):
        return f"{name} {layer.size}×{layer.size}"
    if isinstance(layer, Dropout):
        return f"{name} {layer.p:g}"
    return name
