"""The settings of an experiment by name, as captions, prose and claims fill them in."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hwcore.data.formula import parse
from hwcore.data.notation import write, write_dataset
from hwcore.data.spec import FunctionData
from hwcore.spec import Spec
from hwcore.studies.families import formatted, in_words
from hwcore.studies.resolved import Experiment, Model
from hwcore.train.spec import OPTIMIZERS, Training
from hwcore.validation import did_you_mean

# What has no word for none.
_COUNTS = ("epochs", "steps", "parameters", "reported_parameters")
# Numbers of samples of which none stated means all.
_SAMPLES = ("train_samples", "test_samples", "samples")


def of_model(model: Model) -> dict[str, Any]:
    """The settings of one model: `lr`, `until.loss`, `dataset`, `parameters`, `label`, …"""
    return {
        **_flat(model.data),
        **_flat(model.training),
        "label": model.label,
        "parameters": model.network.parameters(),
        "reported_parameters": model.reported_parameters,
        "replicates": model.replicates,
    }


class Settings(Mapping[str, str]):
    """The settings of one or several experiments in words by name, with what they are at full scale.

    A name is that of a setting of the models (`lr`, `until.loss`), of a record (`record.weights_every`), of an
    analysis' option (`sensitivity.samples`), or a model's name and its setting (`deep.lr`).  As a mapping they lack
    those in which models differ by more than a number.  Words are made when they are asked for: there are a hundred
    times as many as any page says.
    """

    def __init__(self, experiments: Iterable[Experiment], published: Iterable[Experiment]) -> None:
        self._here = _values(experiments)
        self._published = _values(published)
        self._texts: dict[str, str | None] = {}

    def topics(self) -> set[str]:
        """What a choice may be about: a setting, a group of them (`until`), an analysis or a group of its options
        (`interpolation.alphas`), a model, the `network`.
        """
        parts = [name.split(".") for name in self._here]
        return {"network", *(".".join(part[:length]) for part in parts for length in range(1, len(part) + 1))}

    def text(self, name: str, form: str = "") -> str:
        """A setting in words: 1,000, or `10 (full scale: 1,000)` where the scale has another value.

        Where models differ it is both numbers of two, and a range of those of more.

        Raises ValueError for an unknown name, where models differ by more than a number, and where a length or a count
        is not given.
        """
        if name not in self._here:
            names = [each for each in self._here if "." not in each]
            raise ValueError(f"there is no setting {name!r}{did_you_mean(name, names)}")
        if name.rpartition(".")[2] in _COUNTS and None in self._here[name].values():
            raise ValueError(f"{name!r} has no value here")
        here = _text(name, self._here[name], form)
        published = _text(name, self._published.get(name, self._here[name]), form)
        return here if here == published else f"{here} (full scale: {published})"

    def __getitem__(self, name: str) -> str:
        if name not in self._here:
            raise KeyError(name)
        if name not in self._texts:
            try:
                self._texts[name] = self.text(name)
            except ValueError:
                self._texts[name] = None
        text = self._texts[name]
        if text is None:
            raise KeyError(name)
        return text

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._here if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        # not by its length, for which all words would be made
        return bool(self._here)

    def changed(self, other: "Settings") -> list[str]:
        """The names of both whose values differ."""
        shared = (name for name in self._here if name in other._here)
        return [name for name in shared if [*self._here[name].values()] != [*other._here[name].values()]]


def _values(experiments: Iterable[Experiment]) -> dict[str, dict[str, Any]]:
    """By name: the values of a setting, each once, by the model or analysis that has it first."""
    values: dict[str, dict[str, Any]] = {}
    for experiment in experiments:
        for model in experiment.models.values():
            for name, value in of_model(model).items():
                values.setdefault(name, {})[f"{experiment.id}/{model.name}"] = value
                values.setdefault(f"{model.name}.{name}", {})[experiment.id] = value
        for name, value in _flat(experiment.record).items():
            values.setdefault(f"record.{name}", {})[experiment.id] = value
        for analysis in experiment.analyses.values():
            for name, value in _flat(analysis.options).items():
                values.setdefault(f"{analysis.name}.{name}", {})[experiment.id] = value
    return values


def _flat(spec: Spec) -> dict[str, Any]:
    """The fields of a specification; those of one within it as `until.loss`."""
    flat: dict[str, Any] = {}
    for name, value in spec:
        if isinstance(value, Spec):
            flat |= {f"{name}.{inner}": each for inner, each in _flat(value).items()}
        elif isinstance(spec, FunctionData) and name == "function":
            flat[name] = write(parse(value))
        elif isinstance(spec, Training) and name == "optimizer":
            flat[name] = OPTIMIZERS[value].title
        else:
            flat[name] = value
    return flat


def _text(name: str, values: Mapping[str, Any], form: str) -> str:
    texts = dict.fromkeys(_one(name, value, form) for value in values.values())
    if len(texts) == 1:
        return next(iter(texts))
    numbers = [value for value in values.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) and name.rpartition(".")[2] in _SAMPLES and numbers:
        # a whole data set is the largest
        return f"{_one(name, min(numbers), form)} to all"
    if len(numbers) < len(values):
        raise ValueError(f"{name!r} differs between the models ({', '.join(texts)}): name one, as in `model.{name}`")
    if len(values) == 2:
        return " and ".join(texts)
    return f"{_one(name, min(numbers), form)} to {_one(name, max(numbers), form)}"


def _one(name: str, value: Any, form: str) -> str:
    if form:
        try:
            text = formatted(value, form)
            return f"{text.removesuffix('%')} %" if form.endswith("%") else text
        except (ValueError, TypeError):
            raise ValueError(f"{name!r}: {value!r} cannot be written as {form!r}") from None
    last = name.rpartition(".")[2]
    if last in ("random_labels", "random_test_labels"):
        return {0: "true", 1: "random"}.get(value, f"{100 * value:g} % random")
    if last in _SAMPLES and value is None:
        return "all"
    if last == "dataset":
        return write_dataset(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        # an interval
        words = (item if isinstance(item, str) else in_words(item).replace("-", "−") for item in value)
        return f"[{', '.join(words)}]"
    text = in_words(value)
    return text if isinstance(value, str) else text.replace("-", "−")
