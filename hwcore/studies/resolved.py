"""What a study is once it is read: every default, variant, sweep and cap applied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hwcore.analyses.spec import AnalysisSpec
from hwcore.claims.spec import Claim
from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.figures.spec import FigureSpec
from hwcore.nets.spec import Network
from hwcore.studies import schema
from hwcore.train import columns
from hwcore.train.spec import Record, Training

# The columns of the table of all models of an experiment, which the plan writes.
_OF_MODELS = ("model", "label", "title", "layers", "parameters", "reported_parameters")
# How many times as much of its training one network may keep as another for a scale with caps to compare them.
_ALIKE = 2


@dataclass(frozen=True)
class Model:
    """One network with its data and training settings; ``chosen`` are reasons for settings, by name.

    ``full_length`` is that of the training without the caps of a scale, in epochs or steps, as the study gives it, and
    ``full_images`` the number of its training images, None on a function and of a whole data set of unknown size.
    """

    name: str
    label: str
    network: Network
    data: DataSpec
    training: Training
    replicates: int
    reported_parameters: int | None
    full_length: int
    full_images: int | None
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> tuple[int, str]:
        """That of the training, and its unit."""
        training = self.training
        return (training.epochs, "epochs") if training.epochs is not None else (training.steps or 0, "steps")

    @property
    def images(self) -> int | None:
        """The number of training images, None on a function and of a whole data set of unknown size."""
        if self.full_images is None:
            return getattr(self.data, "train_samples", None)
        return min(getattr(self.data, "train_samples", None) or self.full_images, self.full_images)

    @property
    def samples(self) -> int | None:
        """The number of training samples, None for a whole data set of unknown size."""
        return self.data.samples if isinstance(self.data, FunctionData) else self.images

    @property
    def share(self) -> float:
        """Of the training, the part that the caps of a scale leave: of its epochs times its images, or of its steps."""
        images = 1.0
        if self.training.epochs is not None and self.images and self.full_images:
            images = self.images / self.full_images
        return self.length[0] / self.full_length * images

    @property
    def cut(self) -> bool:
        """Whether the caps of a scale shorten the training or take images from it."""
        return self.length[0] < self.full_length or self.images != self.full_images


def uneven(models: Iterable[Model]) -> bool:
    """Whether a scale cuts some trainings so much more than others that what differs may come of that."""
    shares = [model.share for model in models]
    return max(shares) > _ALIKE * min(shares)


@dataclass(frozen=True)
class Analysis:
    name: str
    kind: str
    options: AnalysisSpec


@dataclass(frozen=True)
class Figure:
    """``tables`` are the names of the tables it shows: metrics, steps, or those of analyses.

    The caption is that of the study file with what the kind of figure says of intervals and what it is the
    counterpart of; its placeholders are filled last, by hwcore.studies.captions.  ``says`` is what the study file has.
    """

    name: str
    kind: str
    options: FigureSpec
    says: str
    caption: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """An experiment in one variant; ``id`` is ``base`` or ``base--variant``.

    ``replicates`` are those that the study asks for, before the caps of a scale, ``chosen`` reasons for settings on
    which the report is silent, and ``values`` all settings in words, by name.  ``question`` is the id of the question
    that it answers, beside experiments of other studies.  ``whole`` are the models and analyses that the scale leaves
    as the study gives them, `models.deep`, `analyses.evaluation`; how it cuts trainings is said of each model.
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
    chosen: dict[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    question: str | None = None
    whole: frozenset[str] = frozenset()

    def has_at_most(self, samples: int) -> bool:
        """Whether no model has more training samples than that; one of unknown size may have."""
        sizes = [model.samples for model in self.models.values()]
        return all(size is not None and size <= samples for size in sizes)

    @property
    def tables(self) -> list[str]:
        """The names of the tables that a claim may read: of the runs, of the models themselves, of analyses."""
        return ["metrics", *(["steps"] if self.record.steps else []), "models", *self.analyses]

    def columns(self, table: str) -> Iterable[str]:
        """The names of the columns that one of these tables has; one with * stands for several."""
        there: Iterable[str]
        if table in self.analyses:
            options = self.analyses[table].options
            there, absent = options.columns, {*options.absent()}
        else:
            there, absent = {"metrics": columns.METRICS, "steps": columns.STEPS, "models": _OF_MODELS}[table], set()
        trainings = [model.training for model in self.models.values()]
        recorded = {
            "accuracy": any(isinstance(model.data, DatasetData) for model in self.models.values()),
            "last_batch": self.record.last_batch,
            "stopped": any(training.until for training in trainings),
            "validation": any(training.validation for training in trainings),
        }
        unrecorded = [part for part, there_is in recorded.items() if not there_is]
        return [each for each in there if each not in absent and not any(part in each for part in unrecorded)]

    def of_models(self, table: str) -> bool:
        """Whether each row of a table is of one model, which a claim may name."""
        return table not in self.analyses or self.analyses[table].options.of_models


@dataclass(frozen=True)
class Comparison:
    """A figure of a study that shows several experiments or variants.

    ``experiments`` are their names in it by id, and ``labels`` those of their models by `experiment/model`.
    """

    figure: Figure
    experiments: dict[str, str]
    labels: dict[str, str]


@dataclass(frozen=True)
class NotRerun:
    """An experiment or variant that is stated and not run again, with the reason."""

    id: str
    base: str
    variant: str
    section: str
    title: str
    why: str | None
    reason: str
    question: str | None = None


@dataclass(frozen=True)
class Study:
    """``source`` is the report that it reproduces; None for a report of one's own.  ``author`` and ``date`` are those
    of the report that is made.
    """

    name: str
    title: str
    source: schema.Source | None
    experiments: dict[str, Experiment]
    figures: dict[str, Comparison] = field(default_factory=dict)
    not_rerun: dict[str, NotRerun] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    author: str | None = None
    date: str | None = None

    @property
    def questions(self) -> set[str]:
        """The ids of the questions that its experiments answer."""
        experiments: list[Experiment | NotRerun] = [*self.experiments.values(), *self.not_rerun.values()]
        return {each.question for each in experiments if each.question}

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
        if claim.alone or described.id != described.base:
            return []
        named = {model for experiment, model in claim.networks() if experiment == described.id}
        models = {model for model in named if model} or {*described.models}
        return [
            other
            for other in self.variants(described)
            if claim.tables() and claim.tables() <= {*other.tables} and models <= other.models.keys()
        ]
