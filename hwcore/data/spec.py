"""What a model is trained on, as a study file says it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from hwcore.data.augmentations.spec import Augmentation
from hwcore.spec import Count, Fraction, Positive, Spec


class _Data(Spec):
    # the module that makes the tensors; see hwcore.data.load
    loader: ClassVar[str]

    def modules(self) -> list[str]:
        """The modules that training on these data loads by name."""
        return [self.loader]


class FunctionData(_Data):
    """Samples of a real function of one variable; inputs and targets have shape (samples, 1)."""

    loader: ClassVar[str] = "hwcore.data.functions"

    function: str = Field(
        description="a formula of x, e.g. `sin(5*pi*x)/(5*pi*x)`; hwcore/data/formula.py has its parts"
    )
    at: dict[float, float] = Field(
        default={}, description="values at single points, e.g. `{0: 1}`, instead of those of the formula"
    )
    domain: tuple[float, float] = Field(description="the interval [from, to] of the samples")
    sampling: Literal["grid", "uniform", "subset"] = Field(
        default="grid",
        description="`grid`: evenly spaced, the test samples on a grid of their own; `uniform`: drawn uniformly; "
        "`subset`: both drawn from the points of one even grid of `grid` points, none twice",
    )
    grid: Count | None = Field(default=None, description="of how many points `sampling: subset` draws its samples")
    samples: Count = Field(description="how many training samples")
    test_samples: Count = Field(description="how many test samples")

    @model_validator(mode="after")
    def _ordered(self) -> "FunctionData":
        if self.domain[0] >= self.domain[1]:
            raise ValueError(f"domain: {list(self.domain)} is empty: the first number must be the smaller")
        return self

    @model_validator(mode="after")
    def _drawn_from_a_grid(self) -> "FunctionData":
        if (self.sampling == "subset") != (self.grid is not None):
            raise ValueError(
                "grid: goes with `sampling: subset`, which draws its samples from a grid of so many points"
            )
        if self.grid is not None and self.samples + self.test_samples > self.grid:
            raise ValueError(
                f"grid: {self.grid} points are fewer than {self.samples} training and {self.test_samples} test samples"
            )
        return self

    @model_validator(mode="after")
    def _at_points_of_the_domain(self) -> "FunctionData":
        low, high = self.domain
        for point in self.at:
            if not low <= point <= high:
                raise ValueError(f"at: {point:g} lies outside of the domain [{low:g}, {high:g}]")
        return self


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


_Channels = BeforeValidator(_listed, json_schema_input_type=float | list[float])


class Moments(Spec):
    """Mean and standard deviation, of pixels between 0 and 1: one of all channels, or one for each."""

    mean: Annotated[tuple[float, ...], _Channels] = Field(min_length=1, description="what is subtracted")
    std: Annotated[tuple[Positive, ...], _Channels] = Field(min_length=1, description="what is divided by afterwards")

    @model_validator(mode="after")
    def _of_as_many_channels(self) -> "Moments":
        counts = {len(self.mean), len(self.std)} - {1}
        if len(counts) > 1:
            raise ValueError(f"mean has {len(self.mean)} channels, but std has {len(self.std)}")
        return self


def _normalization(value: Any) -> str:
    return "stated" if isinstance(value, Mapping | Moments) else "flag"


class DatasetData(_Data):
    """A classification data set by its name."""

    loader: ClassVar[str] = "hwcore.data.images"

    dataset: str = Field(description="a torchvision set, a generated one or one of config.yaml")
    size: tuple[Count, Count] | None = Field(
        default=None, description="[height, width] to which all images are scaled; as config.yaml says if left out"
    )
    train_samples: Count | None = Field(default=None, description="keep so many training images, a random choice")
    test_samples: Count | None = Field(default=None, description="keep so many test images, a random choice")
    normalize: Annotated[
        Annotated[bool, Tag("flag")] | Annotated[Moments, Tag("stated")], Discriminator(_normalization)
    ] = Field(
        default=True,
        description="true: by mean and standard deviation of each channel over the training images; false: pixels "
        "between 0 and 1; or by stated ones, `{mean: 0.1307, std: 0.3081}`, numbers or lists by channel",
    )
    augment: tuple[Augmentation, ...] = Field(
        default=(),
        description="random changes of the training images, drawn anew each epoch, in this order, on pixels before "
        "they are normalised: `[{crop: {padding: 4}}, {flip: 0.5}, {rotate: 10}, {cutout: 8}]`",
    )
    random_labels: Fraction = Field(
        default=0.0,
        description="the share of training labels that are replaced, once, by labels drawn uniformly from all classes "
        "(Zhang et al. 2017, arXiv:1611.03530)",
    )
    random_test_labels: Fraction = Field(default=0.0, description="the same of the test labels")

    def modules(self) -> list[str]:
        return [self.loader, *(f"hwcore.data.augmentations.{each.kind}" for each in self.augment)]

    @field_validator("normalize", mode="before")
    @classmethod
    def _says_how(cls, value: Any) -> Any:
        if not isinstance(value, bool | Mapping | Moments):
            raise ValueError(f"{value!r} should be true, false or {{mean: …, std: …}}")
        return value

    @field_validator("augment", mode="before")
    @classmethod
    def _is_in_order(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{value!r} should be a list, e.g. [{{crop: 4}}, {{flip: 0.5}}]")
        return value


DataSpec = FunctionData | DatasetData
