"""config.yaml, its overrides on the command line, and their mistakes."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hwcore.data import catalog
from hwcore.errors import HwcoreError
from hwcore.spec import Count, Positive, Spec
from hwcore.validation import did_you_mean, validate


def name(value: str) -> str:
    """A name that becomes that of a folder or file and an argument of commands.

    Raises ValueError for one that could be more.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        raise ValueError(
            "a name is of letters, digits, hyphens, underscores and dots, and begins with a letter or digit"
        )
    return value


Name = Annotated[str, AfterValidator(name)]


class Caps(Spec):
    """Upper bounds; what is left out has none."""

    epochs: Count | None = Field(None, description="of trainings whose length is given in epochs")
    steps: Count | None = Field(
        None, description="of trainings whose length is given in steps; on functions, of all trainings"
    )
    teraflop: Positive | None = Field(
        None,
        description="arithmetic of training one replicate, in 10¹² operations: epochs or steps are cut first, and "
        "images where one epoch is still too much (one up to a ninth too long stays whole, and images for validation "
        "come on top); a step or a batch always remains, layers of a module count nothing, and a whole data set of "
        "unknown size keeps its images and counts as 50,000",
    )
    replicates: Count | None = Field(None, description="trainings of each model")
    parameters: Count | None = Field(
        None,
        description="parameters of all trainings of a model together: a larger one is trained fewer times, or once",
    )
    train_samples: Count | None = Field(None, description="training samples")
    test_samples: Count | None = Field(None, description="test samples")


class ScaleCaps(Spec):
    """What a scale runs at most."""

    datasets: Caps = Field(Caps(), description="of models that are trained on data sets")
    functions: Caps = Field(Caps(), description="of models that are trained on functions")
    analyses: dict[str, dict[str, Count]] = Field(
        {}, description="of the options of analyses that are counts, by kind: `landscape: {count: 21}`"
    )


def _unquoted(value: Any) -> Any:
    """YAML reads a bare `no` or `yes` as a truth value."""
    return {False: "no", True: "yes"}[value] if isinstance(value, bool) else value


class Scale(Spec):
    """How much of the studies is run."""

    describes: str = Field(description="the sentence that pages print")
    judged: Annotated[Literal["no", "provisional", "yes"], BeforeValidator(_unquoted)] = Field(
        description="whether claims are judged"
    )
    datasets: dict[str, str] = Field({}, description="data sets that stand in for others: `{mnist: digits}`")
    caps: ScaleCaps = Field(ScaleCaps(), description="upper bounds")


def _listed(value: Any) -> Any:
    """`--config studies=alluri` or `studies=alluri,konda` is a string, and `studies=2024` a number."""
    if value is None:
        raise ValueError("is empty; name folders of report/, as in [alluri]")
    value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return [name.strip() for name in value.split(",")] if isinstance(value, str) and value != "all" else value


class Config(Spec):
    """What is run, how much of it and where."""

    scale: str = Field(description="how much is run: a name under `scales`")
    studies: Annotated[Literal["all"] | list[str], BeforeValidator(_listed)] = Field(
        description="the folders of report/ that are run: `[alluri]`"
    )
    trusted_studies: Annotated[list[str], BeforeValidator(_listed)] = Field(
        [], description="the studies whose own code, the networks in nets.py, may be run: `[mine]`"
    )
    replicates: Count | None = Field(
        description="how often every model is trained, up to the cap of the scale; null: as each experiment says"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        description="where training and analyses run; auto: on a GPU if there is one"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        description="the arithmetic of training; auto: the fastest that agrees with float32 within the noise of seeds"
    )
    checkpoint_interval: Annotated[float, Field(gt=0)] = Field(
        description="seconds from one checkpoint of a running training to the next"
    )
    datasets: dict[Name, dict[str, Any]] = Field(
        description="the data sets by the names that studies use, each with its source; torchvision's need no entry"
    )
    scales: dict[Name, Scale] = Field(description="the scales by name")


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
