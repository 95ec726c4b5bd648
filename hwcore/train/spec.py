"""How a model is trained, as a study file says it, and all that decides one run."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from hwcore.data.spec import DatasetData, FunctionData
from hwcore.nets.spec import Network
from hwcore.spec import Count, Fraction, NotNegative, Positive, Spec

Share = Annotated[float, Field(gt=0, lt=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Optimizer:
    """The name that a page gives an optimizer, and the settings that it has and not all others have."""

    title: str
    settings: tuple[str, ...]


# A new optimizer has an entry here, its name in `OptimizerName` and its constructor in hwcore.train.optimizers.
OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop"]
OPTIMIZERS: dict[OptimizerName, Optimizer] = {
    "adam": Optimizer("Adam", ("betas", "eps")),
    "adamw": Optimizer("AdamW", ("betas", "eps")),
    "sgd": Optimizer("SGD", ("momentum", "nesterov")),
    "rmsprop": Optimizer("RMSprop", ("momentum", "eps")),
}


# A new schedule is a class here, in `Schedule`, and its constructor in hwcore.train.schedules.
# `words` is what a page says of it.
class Step(Spec):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs."""

    words: ClassVar[str] = "times {gamma:g} every {step_size:,} epochs"

    kind: Literal["step"]
    step_size: Count = Field(description="epochs from one change to the next")
    gamma: Positive = Field(0.1, description="factor of the learning rate")


class Exponential(Spec):
    """Multiply the learning rate by ``gamma`` every epoch."""

    words: ClassVar[str] = "times {gamma:g} every epoch"

    kind: Literal["exponential"]
    gamma: Positive = Field(description="factor of the learning rate")


class Cosine(Spec):
    """From ``lr`` to zero along half a cosine over all epochs (Loshchilov & Hutter 2017, arXiv:1608.03983)."""

    words: ClassVar[str] = "half a cosine to zero"

    kind: Literal["cosine"]


class OneCycle(Spec):
    """Up to ``lr`` and down again along half cosines, step by step (Smith & Topin 2018, arXiv:1708.07120).

    The options have the names and defaults of torch.optim.lr_scheduler.OneCycleLR.  Momentum stays as it is.
    """

    words: ClassVar[str] = "one cycle, rising over {pct_start:.0%} of the steps"

    kind: Literal["one_cycle"]
    pct_start: Share = Field(0.3, description="share of the steps in which the learning rate rises")
    div_factor: Positive = Field(25.0, description="the first learning rate is lr divided by this")
    final_div_factor: Positive = Field(1e4, description="the last learning rate is the first divided by this")


def _long(schedule: Any) -> Any:
    if isinstance(schedule, str):
        raise ValueError(f"{schedule!r} is not a schedule: write {{kind: {schedule}}}")
    return schedule


Schedule = Annotated[Step | Exponential | Cosine | OneCycle, Field(discriminator="kind"), BeforeValidator(_long)]


class Until(Spec):
    """When a replicate stops before its last epoch: all conditions given hold ``patience`` epochs in a row.

    With ``validation_patience`` each replicate ends with the weights of the epoch whose validation loss is
    lowest, whether it stops early or not (Prechelt 1998, "Early Stopping - But When?").
    """

    loss: NotNegative | None = Field(None, description="the epoch's training loss is at most this")
    loss_change: NotNegative | None = Field(
        None, description="the epoch's training loss differs by at most this from that of `over` epochs before"
    )
    grad_norm: NotNegative | None = Field(
        None, description="the norm of the gradient, averaged over the epoch's steps, is at most this"
    )
    accuracy: Fraction | None = Field(None, description="the epoch's training accuracy is at least this")
    validation_patience: Count | None = Field(
        None, description="for so many epochs the validation loss has not fallen below its lowest value"
    )
    over: Count = Field(1, description="epochs between the two losses of `loss_change`")
    patience: Count = Field(1, description="epochs in a row in which all conditions hold")
    first_epoch: Count = Field(1, description="nothing stops before this epoch")

    @model_validator(mode="after")
    def _says_something(self) -> "Until":
        if self.loss is self.loss_change is self.grad_norm is self.accuracy is self.validation_patience is None:
            raise ValueError("names no condition; give loss, loss_change, grad_norm, accuracy or validation_patience")
        if self.over != 1 and self.loss_change is None:
            raise ValueError("over: goes with `loss_change`, which is not given")
        return self


class Modes(Spec):
    """Where dropout and batch normalisation run in another mode than is usual.

    Usually both run in training mode while a network is trained, and in evaluation mode while it is measured:
    no dropout, and the running statistics, which are then not updated.
    """

    evaluation_from: Count | None = Field(
        None, description="from this epoch on a network is trained in evaluation mode; 2: all but the first epoch"
    )
    dropout_in_evaluation: bool = Field(
        False, description="dropout stays active while the test and the validation set are measured in training"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Modes":
        if self.evaluation_from is None and not self.dropout_in_evaluation:
            raise ValueError("names no mode; give evaluation_from or dropout_in_evaluation: true")
        return self


class Training(Spec):
    """The settings of one training run."""

    optimizer: OptimizerName = Field(description="what makes steps of gradients")
    lr: Positive = Field(description="learning rate; with one_cycle its highest value")
    weight_decay: NotNegative = Field(0.0, description="factor of the weights in the gradient; decoupled in adamw")
    momentum: BelowOne = Field(0.0, description="of sgd and rmsprop")
    nesterov: bool = Field(False, description="Nesterov momentum, of sgd")
    betas: tuple[BelowOne, BelowOne] = Field((0.9, 0.999), description="decay of both moments, of adam and adamw")
    eps: Positive = Field(1e-8, description="what is added to the denominator, of adam, adamw and rmsprop")
    scheduler: Schedule | None = Field(None, description="how the learning rate changes; constant without")
    warmup: Count | None = Field(
        None, description="steps over which the learning rate rises in equal parts to what it would be without"
    )
    clip_grad_norm: Positive | None = Field(
        None,
        description="largest norm of a step's gradient over all parameters of a replicate; others are scaled down",
    )
    maximize: bool = Field(False, description="gradient ascent: the loss is maximised")
    loss: Literal["mse", "cross_entropy", "nll"] = Field(
        description="mean squared error; cross-entropy of logits; negative log-likelihood of log-probabilities"
    )
    label_smoothing: BelowOne = Field(
        0.0, description="share of each label that is spread evenly over all classes, of cross_entropy while training"
    )
    pseudo_label_weight: NotNegative = Field(
        0.0, description="weight of the loss at the labels that the network itself predicts, added while training"
    )
    epochs: Count | None = Field(None, description="passes through the training set; epochs or steps is given")
    steps: Count | None = Field(None, description="optimisation steps; the last epoch may be a part of one")
    batch_size: Count | Literal["full"] = Field(description="samples of a step; full: the training set")
    shuffle: bool = Field(True, description="a new order of the samples in each epoch; false: that of the data")
    modes: Modes | None = Field(None, description="modes of dropout and batch normalisation that are not the usual")
    validation: Share | None = Field(
        None, description="share of the training set that is held out and measured after each epoch"
    )
    until: Until | None = Field(None, description="when a replicate stops before the end")

    @model_validator(mode="after")
    def _has_one_limit(self) -> "Training":
        if self.epochs is None and self.steps is None:
            raise ValueError("epochs: is missing; give the length of the training in epochs or in steps")
        if self.epochs is not None and self.steps is not None:
            raise ValueError(
                f"steps: {self.steps} stands beside epochs: {self.epochs}; give one of them and set the other to null"
            )
        return self

    @model_validator(mode="after")
    def _accuracy_has_classes(self) -> "Training":
        if self.until and self.until.accuracy is not None and self.loss == "mse":
            raise ValueError("until.accuracy: a regression has none; use loss or loss_change")
        return self

    @model_validator(mode="after")
    def _settings_go_together(self) -> "Training":
        for name in sorted({name for each in OPTIMIZERS.values() for name in each.settings}):
            users = [each for each, about in OPTIMIZERS.items() if name in about.settings]
            if self.optimizer not in users and getattr(self, name) != type(self).model_fields[name].default:
                others = f"{' and '.join(users)} {'has' if len(users) == 1 else 'have'}"
                raise ValueError(f"{name}: {self.optimizer} has no such setting; {others}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: needs a momentum above 0, e.g. momentum: 0.9")
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError(f"label_smoothing: is for the loss cross_entropy, but the loss is {self.loss}")
        if self.pseudo_label_weight and self.loss == "mse":
            raise ValueError("pseudo_label_weight: a regression predicts no labels; remove it")
        if self.warmup and isinstance(self.scheduler, OneCycle):
            raise ValueError("warmup: one_cycle has its own rise; use its pct_start")
        if self.until and self.until.validation_patience and self.validation is None:
            raise ValueError("until.validation_patience: needs a part that is held out, e.g. validation: 0.1")
        return self

    def held_out(self, samples: int) -> int:
        """How many of ``samples`` are for validation."""
        return max(1, round(self.validation * samples)) if self.validation else 0

    def batches(self, samples: int) -> tuple[int, int]:
        """The samples of a step and the steps of an epoch, of a training set of ``samples`` with those for validation.

        At least one each; hwcore.train.held_out refuses a set of which nothing is left.
        """
        left = max(1, samples - self.held_out(samples))
        size = left if self.batch_size == "full" else min(self.batch_size, left)
        return size, math.ceil(left / size)

    def training_mode(self, epoch: int) -> bool:
        """Whether a network is in training mode while it is trained in ``epoch``, counted from 1."""
        start = self.modes.evaluation_from if self.modes else None
        return start is None or epoch < start

    def length(self, steps_per_epoch: int) -> int:
        """All steps of a training that nothing stops."""
        if self.epochs is None:
            assert self.steps, "one of both is given"
            return self.steps
        return self.epochs * steps_per_epoch

    def epoch_count(self, steps_per_epoch: int) -> int:
        """All epochs of a training that nothing stops, the last of which may be a part of one."""
        return math.ceil(self.length(steps_per_epoch) / steps_per_epoch)


class Steps(Spec):
    """An interval in optimisation steps."""

    steps: Count = Field(description="steps from one record to the next")


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
        description="loss, accuracy and gradient norm of the last mini-batch of each epoch, beside the means over all, "
        "and the loss of the last mini-batch of the test set after it",
    )
    test_loss_factor: Positive = Field(
        1.0, description="what the test loss of each epoch is multiplied by, where a report divided by a wrong count"
    )

    def interval(self, steps_per_epoch: int) -> int | None:
        """Steps from one record of the weights to the next; None if there are none."""
        every = self.weights_every
        return every.steps if isinstance(every, Steps) else every and every * steps_per_epoch

    def snapshots(self, steps: int, steps_per_epoch: int) -> int:
        """How often the weights are recorded in ``steps`` steps, the start included."""
        interval = self.interval(steps_per_epoch)
        return 1 + steps // interval if interval else 0

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
