"""The grammar of a study file: what `report/<study>/study.yaml` may say.

Networks, data, training settings, analyses, figures and claims have their own grammar beside the code that uses
them, so that a study file is checked as a whole before any job starts and without loading torch or matplotlib.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hwcore.nets.shorthand import Cnn
from hwcore.questions import catalog
from hwcore.spec import Count, Spec
from hwcore.train.spec import Record, Training
from hwcore.validation import ID

Id = Annotated[str, Field(pattern=ID)]
# What is made of all studies has these names among the pages, figures and plans.
RESERVED = frozenset({"crate", "data", "index", "questions", "summary"})
RESERVED_WHY = "it is the name of what all studies share"


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("is empty; for the defaults write {}")
    return value


Options = Annotated[dict[str, Any], BeforeValidator(_given)]
Values = Annotated[list[Any], Field(min_length=1)]
Question = Annotated[str, AfterValidator(catalog.known), Field(json_schema_extra={"enum": list(catalog.QUESTIONS)})]


def _repository(value: str) -> str:
    # a name on GitHub has no dots, so that an address without https:// is not taken for one
    if not re.fullmatch(r"[A-Za-z0-9-]+/[\w.-]+|https?://\S+", value):
        raise ValueError(f"{value!r} should be owner/name, of GitHub, or an address that begins with https://")
    return value


class Source(Spec):
    """The published report that a study reproduces."""

    author: str = Field(description="who wrote it")
    title: str = Field(description="its title")
    date: str = Field(description="when it was published, as a page should show it")
    repository: Annotated[str, AfterValidator(_repository)] | None = Field(
        None, description="where its code is: owner/name on GitHub, or an address"
    )


class Sweep(Spec):
    """The values of a family of models or claims; each key is a setting, such as training.lr, or any name."""

    zip: dict[str, Values] = Field({}, description="lists of equal length that are gone through together")
    matrix: dict[str, Values] = Field({}, description="lists of which every combination is meant")
    include: list[dict[str, Any]] = Field([], description="further combinations")
    exclude: list[dict[str, Any]] = Field([], description="combinations to leave out, by some of their values")


class _Trained(Spec):
    """What has a mapping ``training``."""

    @model_validator(mode="before")
    @classmethod
    def _settings_in_their_place(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key in Training.model_fields and key not in cls.model_fields:
                    raise ValueError(f"{key} is a setting of the training; write training: {{{key}: {values[key]}}}")
        return values


class ModelFile(_Trained):
    """One network of an experiment, with what differs from the experiment's data and training.

    The network is one of `mlp`, `cnn`, `layers`, `torchvision` and `module`, with what belongs to it.
    """

    label: str = Field(description="its name in figures and tables")
    mlp: list[Any] | None = Field(
        None, description="the widths of a multi-layer perceptron, inputs and outputs included"
    )
    activation: Any = Field(None, description="between the layers of an mlp; relu if left out")
    cnn: Cnn | None = Field(None, description="a convolutional network")
    layers: list[Any] | None = Field(
        None, description="the layers of any other network, in order; {block: name} is a part from `blocks`"
    )
    torchvision: str | None = Field(None, description="a classification network of torchvision by name")
    module: str | None = Field(None, description="`nets:Name`, a class of torch.nn.Module in the study's own nets.py")
    input: list[Any] | None = Field(
        None, description="the shape of one input of `layers`, `torchvision` or `module`, such as [1, 28, 28]"
    )
    out: Any = Field(None, description="the number of outputs of `torchvision` or `module`")
    options: dict[str, Any] | None = Field(None, description="further arguments of `torchvision` or `module`")
    reported_parameters: Count | None = Field(None, description="the number of parameters that the report gives")
    data: dict[str, Any] = Field({}, description="what differs from the experiment's data")
    training: dict[str, Any] = Field({}, description="what differs from the experiment's training")
    chosen: dict[str, str] = Field(
        {}, description="settings on which the report is silent or unclear, each with the reason"
    )


class ExperimentFile(_Trained):
    """One experiment, after a variant's differences are merged in and its sweeps expanded."""

    section: str = Field(description="the section of the report that it belongs to")
    title: str = Field(description="its heading; settings in braces are filled in")
    question: Question | None = Field(None, description="the question that it answers, beside those of other studies")
    why: str | None = Field(None, description="why there is this variant")
    data: dict[str, Any] = Field(description="what the networks are trained on")
    training: dict[str, Any] = Field(description="how the networks are trained")
    record: Record = Field(Record(), description="what is kept of a run besides the metrics of each epoch")
    replicates: Count | None = Field(None, description="how often every model is trained, each time with another seed")
    blocks: dict[str, list[Any]] = Field({}, description="named lists of layers that models use as {block: name}")
    models: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)] = Field(description="the networks by id")
    analyses: dict[Id, Options] = Field({}, description="the tables made of the runs, by name")
    figures: dict[Id, dict[str, Any]] = Field({}, description="the figures by name")
    chosen: dict[str, str] = Field(
        {}, description="settings on which the report is silent or unclear, each with the reason"
    )


class NotRerunFile(Spec):
    """An experiment, or a variant of one, that is stated and not run again."""

    section: str = Field(description="the section of the report that it belongs to")
    title: str = Field(description="its heading")
    question: Question | None = Field(None, description="the question that it answers, beside those of other studies")
    why: str | None = Field(None, description="what the report did")
    not_rerun: Annotated[str, Field(min_length=1)] = Field(description="why it is not run again")


class StudyFile(Spec):
    """A study: experiments, and what a report claims of them."""

    title: str = Field(description="the title of the page")
    author: str | None = Field(None, description="who wrote this report, below its title")
    date: str | None = Field(None, description="its date, as a page should show it")
    source: Source | None = Field(None, description="the report that is reproduced; left out for a report of one's own")
    replicates: Count = Field(description="how often every model is trained, where its experiment does not say")
    experiments: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)] = Field(description="the experiments by id")
    figures: dict[Id, dict[str, Any]] = Field({}, description="figures that show several experiments or variants")
    claims: dict[str, Any] = Field({}, description="what the report claims, by id")
    findings: Annotated[list[str], Field(max_length=5)] = Field(
        [], description="up to five claims, by id, that the first page tells"
    )
