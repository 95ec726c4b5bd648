"""The grammar of a study file: what `report/<study>/study.yaml` may say.

Networks, data, training settings, analyses, figures and claims have their own grammar beside the code that uses
them, so that a study file is checked as a whole before any job starts and without loading torch or matplotlib.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

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
    """One network of an experiment, with what differs from the experiment's data and training."""

    label: str
    mlp: list[Any] | None = None
    activation: Any = None
    layers: list[Any] | None = None
    input: list[Any] | None = None
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
    models: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)]
    analyses: dict[Id, Options] = {}
    figures: dict[Id, dict[str, Any]] = {}


class StudyFile(Spec):
    title: str
    source: Source
    replicates: Count
    experiments: Annotated[dict[Id, dict[str, Any]], Field(min_length=1)]
    claims: dict[Id, dict[str, Any]] = {}
