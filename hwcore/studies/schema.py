"""The grammar of a study file: what `report/<study>/study.yaml` may say.

Networks, data, training settings, analyses, figures and claims have their own grammar beside the code that uses
them, so that a study file is checked as a whole before any job starts and without loading torch or matplotlib.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hwcore.nets.shorthand import Cnn
from hwcore.spec import Count, Spec
from hwcore.train.spec import Record

# Ids become folder names; `--` separates an experiment from its variant.
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("is empty; for the defaults write {}")
    return value


Options = Annotated[dict[str, Any], BeforeValidator(_given)]


class Source(Spec):
    """The published report that a study reproduces."""

    author: str
    title: str
    date: str
    repository: str | None = None


class ModelFile(Spec):
    """One network of an experiment, with what differs from the experiment's data and training.

    The network is one of `mlp`, `cnn`, `layers`, `torchvision` and `module`, with what belongs to it.
    """

    label: str
    mlp: list[Any] | None = Field(None, description="widths of a perceptron, input and output included")
    activation: Any = Field(None, description="between the layers of `mlp`; relu if left out")
    cnn: Cnn | None = Field(None, description="a convolutional network")
    layers: list[Any] | None = Field(None, description="the layers in order; {block: name} is a part from `blocks`")
    torchvision: str | None = Field(None, description="a classification network of torchvision by name")
    module: str | None = Field(None, description="`nets:Name`, a class of torch.nn.Module in the study's own nets.py")
    input: list[Any] | None = Field(None, description="shape of an input of `layers`, `torchvision` or `module`")
    out: Any = Field(None, description="number of outputs of `torchvision` or `module`")
    options: dict[str, Any] | None = Field(None, description="further arguments of `torchvision` or `module`")
    reported_parameters: Count | None = None
    data: dict[str, Any] = {}
    training: dict[str, Any] = {}


class ExperimentFile(Spec):
    """One experiment, after a variant's differences are merged in."""

    section: str
    title: str
    why: str | None = None
    data: dict[str, Any]
    training: dict[str, Any]
    record: Record = Record()
    replicates: Count | None = None
    blocks: dict[str, list[Any]] = Field({}, description="named lists of layers that models use as {block: name}")
    models: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)]
    analyses: dict[Id, Options] = {}
    figures: dict[Id, dict[str, Any]] = {}


class StudyFile(Spec):
    title: str
    source: Source
    replicates: Count
    experiments: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)]
    claims: dict[Id, dict[str, Any]] = {}
