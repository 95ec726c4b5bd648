"""config.yaml, its overrides on the command line, and their mistakes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hwcore.data import catalog
from hwcore.errors import HwcoreError
from hwcore.spec import Count, Spec
from hwcore.validation import did_you_mean, validate


class Caps(Spec):
    """Upper bounds; None is no bound.  Runs limited in epochs have that of ``epochs``, others that of ``steps``."""

    epochs: Count | None = None
    steps: Count | None = None
    replicates: Count | None = None
    train_samples: Count | None = None
    test_samples: Count | None = None


class ScaleCaps(Spec):
    """``analyses`` bounds the options of analyses that are counts, by kind."""

    datasets: Caps = Caps()
    functions: Caps = Caps()
    analyses: dict[str, dict[str, Count]] = {}


def _unquoted(value: Any) -> Any:
    """YAML reads a bare `no` or `yes` as a truth value."""
    return {False: "no", True: "yes"}[value] if isinstance(value, bool) else value


class Scale(Spec):
    describes: str
    judged: Annotated[Literal["no", "provisional", "yes"], BeforeValidator(_unquoted)]
    datasets: dict[str, str] = {}
    caps: ScaleCaps = ScaleCaps()


def _listed(value: Any) -> Any:
    """`--config studies=alluri` or `studies=alluri,konda` is a string."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) and value != "all" else value


class Config(Spec):
    scale: str
    studies: Annotated[Literal["all"] | list[str], BeforeValidator(_listed)]
    trusted_studies: Annotated[list[str], BeforeValidator(_listed)] = []
    replicates: Count | None
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    checkpoint_interval: Annotated[float, Field(gt=0)]
    datasets: dict[str, dict[str, Any]]
    scales: dict[str, Scale]


def parse(values: Mapping[str, Any], files: Iterable[str | Path]) -> Config:
    """The configuration as merged by Snakemake from ``files`` and the command line.

    Raises HwcoreError naming the key, the value and what would be right.
    """
    where = " + ".join([*map(str, files), "--config"])
    config = validate(Config, dict(values), where)
    if config.scale not in config.scales:
        raise HwcoreError(f"{where}: scale: unknown scale {config.scale!r}{did_you_mean(config.scale, config.scales)}")
    for name, entry in config.datasets.items():
        catalog.settings(name, entry, where)
    return config
