"""How a model is trained, as a study file says it, and all that decides one run."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcore.data.spec import DatasetData, FunctionData
from hwcore.nets.spec import Network
from hwcore.spec import Count, NotNegative, Spec


class Step(Spec):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs."""

    kind: Literal["step"]
    step_size: Count
    gamma: Annotated[float, Field(gt=0)] = 0.1


class Exponential(Spec):
    """Multiply the learning rate by ``gamma`` every epoch."""

    kind: Literal["exponential"]
    gamma: Annotated[float, Field(gt=0)]


class Cosine(Spec):
    """From ``lr`` to zero along half a cosine over all epochs."""

    kind: Literal["cosine"]


class Until(Spec):
    """When a replicate stops before its last epoch: all conditions given hold ``patience`` epochs in a row.

    ``loss``: the epoch's training loss is at most this; ``loss_change``: it differs by at most this
    from that of ``over`` epochs before; ``grad_norm``: the gradient's norm, averaged over the epoch's
    steps, is at most this; ``accuracy``: the epoch's training accuracy is at least this.  Nothing
    stops before ``first_epoch``.
    """

    loss: NotNegative | None = None
    loss_change: NotNegative | None = None
    grad_norm: NotNegative | None = None
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    over: Count = 1
    patience: Count = 1
    first_epoch: Count = 1

    @model_validator(mode="after")
    def _says_something(self) -> "Until":
        if self.loss is self.loss_change is self.grad_norm is self.accuracy is None:
            raise ValueError("until: names no condition; give loss, loss_change, grad_norm or accuracy")
        return self


class Training(Spec):
    """The settings of one training run; ``batch_size: full`` is full-batch descent."""

    optimizer: Literal["adam", "sgd", "rmsprop"]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: NotNegative = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    scheduler: Annotated[Step | Exponential | Cosine, Field(discriminator="kind")] | None = None
    loss: Literal["mse", "cross_entropy", "nll"]
    epochs: Count
    batch_size: Count | Literal["full"]
    until: Until | None = None

    @model_validator(mode="after")
    def _accuracy_has_classes(self) -> "Training":
        if self.until and self.until.accuracy is not None and self.loss == "mse":
            raise ValueError("until.accuracy: a regression has none; use loss or loss_change")
        return self

    @model_validator(mode="after")
    def _momentum_has_a_user(self) -> "Training":
        if self.momentum and self.optimizer == "adam":
            raise ValueError("momentum: adam has no such setting; remove it or choose sgd or rmsprop")
        return self


class Steps(Spec):
    """An interval in optimisation steps."""

    steps: Count


class Record(Spec):
    """What is kept of a run besides the metrics of each epoch."""

    weights_every: Count | Steps | None = Field(
        None, description="weights at the start and then every so many epochs, or every `{steps: n}` steps"
    )
    layers: tuple[Count, ...] | None = Field(
        None, description="weights of these layers only, counted from 1 among those with weights"
    )
    steps: bool = Field(False, description="loss and gradient norm of every optimisation step")
    last_batch: bool = Field(
        False,
        description="loss, accuracy and gradient norm of the last mini-batch of each epoch, beside the means over all",
    )

    def interval(self, steps_per_epoch: int) -> int | None:
        """Steps from one record of the weights to the next; None if there are none."""
        every = self.weights_every
        return every.steps if isinstance(every, Steps) else every and every * steps_per_epoch

    def snapshots(self, epochs: int, steps_per_epoch: int) -> int:
        """How often the weights are recorded, the start included."""
        interval = self.interval(steps_per_epoch)
        return 1 + epochs * steps_per_epoch // interval if interval else 0

    @model_validator(mode="after")
    def _layers_are_of_weights(self) -> "Record":
        if self.layers is not None and not (self.layers and self.weights_every):
            raise ValueError("layers: needs weights_every and at least one layer")
        return self


class RunSpec(Spec):
    """All that decides the outcome of one run: the training of all replicates of one model."""

    study: str
    experiment: str
    model: str
    network: Network
    data: FunctionData | DatasetData
    training: Training
    record: Record = Record()
    replicates: Count
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
