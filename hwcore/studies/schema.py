"""The grammar of a study file: what `report/<study>/study.yaml` may say.

Networks, data, training settings and claims have their own grammar beside the code that uses
them; the options of each kind of analysis and figure are listed here, so that a study file is
checked as a whole before any job starts and without loading torch or matplotlib.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hwcore.train.spec import NotNegative, Record

Count = Annotated[int, Field(gt=0, strict=True)]
Positive = Annotated[float, Field(gt=0)]
# Ids become folder names; `--` separates an experiment from its variant.
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def countable(cls) -> list[str]:
        """The options that are whole numbers, of which a scale may run fewer."""
        return [name for name, field in cls.model_fields.items() if field.annotation in (int, Count | None)]


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


class Grid(Spec):
    """``count`` evenly spaced values from ``start`` to ``stop``, both included."""

    start: float
    stop: float
    count: Annotated[int, Field(ge=2, strict=True)]


class Evaluation(Spec):
    pass


class Predictions(Spec):
    points: Count = 400


class Trajectory(Spec):
    layer: Count | None = None
    weights_only: bool = True
    basis: str | None = None


class GradientNorm(Spec):
    window: Count = 50


class CriticalPoints(Spec):
    solver: Literal["none", "levenberg-marquardt"]
    tolerance: Positive = 1e-6
    activation: Literal["none", "tanh", "softplus"] = "none"
    weight_decay: NotNegative = 0.0
    saddles: bool = False
    restarts: Annotated[int, Field(ge=0, strict=True)] = 8
    steps: Count = 300


class Optimum(Spec):
    steps: Count = 100
    replicates: Count = 3


class Interpolation(Spec):
    between: Annotated[tuple[str, ...], Field(min_length=2)]
    alphas: Grid
    recompute_batch_norm: bool = False


class HessianSpectrum(Spec):
    count: Count = 5
    tolerance: Positive = 1e-3
    steps: Count = 100
    probes: Count = 10
    samples: Count | None = None


class Landscape(Spec):
    across: Literal["line", "plane", "trajectory"]
    extent: Positive = 1.0
    count: Annotated[int, Field(ge=2, strict=True)] = 51
    samples: Count | None = 10_000
    replicates: Count = 1


class Sensitivity(Spec):
    samples: Count = 1000


class Sharpness(Spec):
    epsilon: Positive = 1e-3
    rho: Positive = 5e-3
    samples: Count = 1000
    rescale: Positive | None = None
    probes: Count = 10
    lanczos_steps: Count = 100


class Fitting(Spec):
    accuracy: Annotated[float, Field(gt=0, le=1)] = 0.99


ANALYSES: dict[str, type[Spec]] = {
    "evaluation": Evaluation,
    "predictions": Predictions,
    "trajectory": Trajectory,
    "gradient_norm": GradientNorm,
    "critical_points": CriticalPoints,
    "optimum": Optimum,
    "hessian_spectrum": HessianSpectrum,
    "interpolation": Interpolation,
    "landscape": Landscape,
    "sensitivity": Sensitivity,
    "sharpness": Sharpness,
    "fitting": Fitting,
}


class FigureSpec(Spec):
    def columns(self) -> tuple[str, ...]:
        """The columns after which the figure names its axes; a metric of which both training and test are shown
        in one panel is named without these: loss.
        """
        return ()


def _metric(column: str) -> str:
    part, _, metric = column.partition("_")
    return metric if part in ("train", "test") else column


class CurvesFigure(FigureSpec):
    table: str = "metrics"
    x: str = "epoch"
    y: Annotated[list[str], Field(min_length=1)]
    log: bool = False
    floor: str | None = None

    def columns(self) -> tuple[str, ...]:
        panels = [_metric(column) for column in self.y]
        shared = {metric for metric in panels if panels.count(metric) > 1}
        return (self.x, *(m if m in shared else column for column, m in zip(self.y, panels, strict=True)))


class TableFigure(FigureSpec):
    table: str


class GradientNormFigure(TableFigure):
    def columns(self) -> tuple[str, ...]:
        return ("loss", "grad_norm")


class CapacityFigure(TableFigure):
    def columns(self) -> tuple[str, ...]:
        return ("parameters", "loss", "accuracy", "loss_gap", "accuracy_gap")


class InterpolationFigure(TableFigure):
    def columns(self) -> tuple[str, ...]:
        return ("loss", "accuracy")


class LandscapeFigure(TableFigure):
    def columns(self) -> tuple[str, ...]:
        return ("train_loss", "train_accuracy")


class TrajectoryFigure(TableFigure):
    along: Literal["components", "half_sums"] = "components"


class RatioFigure(TableFigure):
    share: Literal["minimal_ratio", "negative_share"] = "minimal_ratio"

    def columns(self) -> tuple[str, ...]:
        return (self.share,)


class SweepFigure(FigureSpec):
    x: str
    measures: Annotated[list[tuple[str, str]], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        panels = []
        for table, column in self.measures:
            measure = column.removeprefix("rescaled_")
            metric = _metric(measure)
            panels.append((table, metric if metric in ("loss", "accuracy") else measure))
        shared = {panel for panel in panels if panels.count(panel) > 1}
        names = zip(self.measures, panels, strict=True)
        return (self.x, *(panel[1] if panel in shared else column for (_, column), panel in names))


class RelationFigure(FigureSpec):
    measures: Annotated[list[tuple[str, str]], Field(min_length=1)]
    gap: Literal["loss_gap", "accuracy_gap"] = "loss_gap"

    def columns(self) -> tuple[str, ...]:
        return (*(column for _, column in self.measures), self.gap)


FIGURES: dict[str, type[FigureSpec]] = {
    "curves": CurvesFigure,
    "predictions": TableFigure,
    "trajectory": TrajectoryFigure,
    "gradient_norm": GradientNormFigure,
    "minimal_ratio": RatioFigure,
    "ratio_tolerance": TableFigure,
    "capacity": CapacityFigure,
    "interpolation": InterpolationFigure,
    "spectrum": TableFigure,
    "landscape": LandscapeFigure,
    "sweep": SweepFigure,
    "relation": RelationFigure,
}
