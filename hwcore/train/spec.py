"""How a model is trained, as a study file says it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(gt=0, strict=True)]
NotNegative = Annotated[float, Field(ge=0)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Spec):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs."""

    kind: Literal["step"]
    step_size: Count
    gamma: Annotated[float, Field(gt=0)] = 0.1


class Exponential(_Spec):
    """Multiply the learning rate by ``gamma`` every epoch."""

    kind: Literal["exponential"]
    gamma: Annotated[float, Field(gt=0)]


class Cosine(_Spec):
    """From ``lr`` to zero along half a cosine over all epochs."""

    kind: Literal["cosine"]


class Training(_Spec):
    """The settings of one training run; ``batch_size: full`` is full-batch descent."""

    optimizer: Literal["adam", "sgd", "rmsprop"]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: NotNegative = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    scheduler: Annotated[Step | Exponential | Cosine, Field(discriminator="kind")] | None = None
    loss: Literal["mse", "cross_entropy", "nll"]
    epochs: Count
    batch_size: Count | Literal["full"]

    @model_validator(mode="after")
    def _momentum_has_a_user(self) -> "Training":
        if self.momentum and self.optimizer == "adam":
            raise ValueError("momentum: adam has no such setting; remove it or choose sgd or rmsprop")
        return self


class Record(_Spec):
    """What is kept of a run besides the metrics of each epoch.

    ``weights_every``: all weights, at epoch 0 and then every so many epochs; ``steps``: loss and
    gradient norm of every optimisation step.
    """

    weights_every: Count | None = None
    steps: bool = False
