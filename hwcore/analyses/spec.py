"""What a study file says of an analysis.

Each kind has a module in hwcore/analyses/specs/ with its ``Options``, beside the one in hwcore/analyses/ that
computes.  The grammar of studies, the schema for editors and the reference are made from these, without torch;
what computes never imports them, so that a new label or a new check makes no table stale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from hwcore.data.spec import DataSpec
from hwcore.nets.spec import Network
from hwcore.spec import Count, Spec
from hwcore.train.spec import Record, Training


class AnalysisSpec(Spec):
    """The options of one kind of analysis.

    The first line of a subclass's docstring says what the table holds, and the description of each field what it
    sets: the reference is made of both.
    """

    # the columns that the table can have, with what they hold; a name with * stands for several
    columns: ClassVar[Mapping[str, str]]
    # what the axes of figures call columns, those of which their names alone would not do
    labels: ClassVar[Mapping[str, str]] = {}
    # whether each row of the table is of one model, named in a column `model`
    of_models: ClassVar[bool] = True

    def absent(self) -> Iterable[str]:
        """Those of the columns that the table does not have with these options."""
        return ()

    def unrecorded(self, record: Record) -> str | None:
        """What the experiment must record for this analysis and does not, as a study file says it; None if nothing."""
        return None

    def refuses(self, network: Network, data: DataSpec, training: Training) -> str | None:
        """Why a model with these settings cannot be analysed so, as the end of `model a: …`; None if it can."""
        return None

    def refuses_pair(self, first: Network, second: Network) -> str | None:
        """Why two networks cannot be joined, where the options join some; None if they can."""
        return None

    def models(self) -> Iterator[tuple[str, str]]:
        """The models that the options name, each with the name of its option."""
        yield from ()

    def explanation(self, table: str, columns: Sequence[str], samples: int | None) -> str | None:
        """What the caption of a figure that shows ``columns`` of ``table`` says of them.

        Settings may stand in it in braces, as ``{table.samples}``.  ``samples`` is the largest number of training
        samples of a model, None where it is not known.
        """
        return None

    def counts_samples(self, columns: Sequence[str]) -> bool:
        """Whether these columns depend on how many training samples the analysis takes."""
        return True

    @classmethod
    def countable(cls) -> list[str]:
        """The options that are whole numbers, of which a scale may run fewer."""
        return [name for name, field in cls.model_fields.items() if field.annotation in (int, Count | None)]


class WeightsAnalysis(AnalysisSpec):
    """The options of an analysis of weights, those that training ended with or each of those recorded on the way."""

    over: Literal["epochs"] | None = Field(
        None, description="epochs repeats it for the recorded weights of each epoch, in a column `epoch` of the table"
    )

    def absent(self) -> Iterable[str]:
        return () if self.over else ("epoch",)

    def unrecorded(self, record: Record) -> str | None:
        return all_weights(record) if self.over else None


def all_weights(record: Record) -> str | None:
    """What must be recorded where the weights of all layers are needed, if it is not."""
    return (ALL_WEIGHTS if record.layers else None) if record.weights_every else WEIGHTS


_OF_TEST = {"test_loss", "test_accuracy"}
_METRICS = {*_OF_TEST, "train_loss", "train_accuracy", "loss", "accuracy", "loss_gap", "accuracy_gap"}


def of_test(columns: Sequence[str]) -> bool:
    """Whether metrics are among the columns, and those of the test set alone."""
    metrics = {*columns} & _METRICS
    return bool(metrics) and metrics <= _OF_TEST


def of_first(
    counted: int | None, table: str, columns: Sequence[str], samples: int | None, measured: str = "Training metrics"
) -> str | None:
    """What a caption says where ``measured`` are shown, and are those of fewer than all ``samples``."""
    if counted is None or (samples is not None and samples <= counted) or of_test(columns):
        return None
    return f"{measured} are of at most {{{table}.samples}} training samples."


# Columns of many tables.
OF_RUNS = {"model": "the model", "replicate": "the replicate, counted from 0"}
OF_WEIGHTS = OF_RUNS | {"epoch": "after how many epochs the weights were recorded, with `over: epochs`"}
SETTINGS = {
    "batch_size": "samples in one step of training",
    "lr": "the learning rate with which training starts",
    "optimizer": "the optimizer",
}
GAPS = {
    "train_loss": "loss on the training set",
    "loss_gap": "test loss minus training loss",
    "accuracy_gap": "training accuracy minus test accuracy; classification only",
    "stopped": "whether the replicate met its stopping rule, with `until`",
}


def too_many(network: Network, limit: int, method: str) -> str | None:
    """What is said of a network with more parameters than a method takes; None of any other."""
    count = network.parameters()
    return f"has {count:,} parameters, and {method} takes at most {limit:,}" if count and count > limit else None


WEIGHTS = "record: {weights_every: 3}"
ALL_WEIGHTS = "record: {weights_every: 3, layers: null}"
STEPS = "record: {steps: true}"
LAST_BATCH = "record: {last_batch: true}"
