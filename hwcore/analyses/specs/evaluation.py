from collections.abc import Sequence

from pydantic import Field, PositiveFloat

from hwcore.analyses.spec import GAPS, OF_WEIGHTS, SETTINGS, WeightsAnalysis, of_first, of_test
from hwcore.spec import Count


class Options(WeightsAnalysis):
    """Loss, accuracy and their gaps on the training and test set."""

    columns = {
        **OF_WEIGHTS,
        "parameters": "number of trained parameters",
        **SETTINGS,
        "weight_decay": "weight decay",
        **GAPS,
        "test_loss": "loss on the test set",
        "train_accuracy": "accuracy on the training set, as a fraction; classification only",
        "test_accuracy": "accuracy on the test set, as a fraction; classification only",
    }
    labels = {
        "loss_gap": "loss gap (test − training)",
        "accuracy_gap": "accuracy gap (training − test)",
        "batch_size": "batch size (samples)",
        "parameters": "number of parameters",
    }

    samples: Count | None = Field(None, description="training samples that count, the first of them; all with null")
    dropout: bool = Field(False, description="keep dropout active, as where a script never leaves training mode")
    test_loss_factor: PositiveFloat = Field(
        1.0, description="what the test loss is multiplied by, where a report divided by a wrong count"
    )

    def counts_samples(self, columns: Sequence[str]) -> bool:
        return not of_test(columns)

    def explanation(self, table: str, columns: Sequence[str], samples: int | None) -> str | None:
        return of_first(self.samples, table, columns, samples)
