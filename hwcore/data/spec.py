"""What a model is trained on, as a study file says it."""

from typing import ClassVar, Literal

from pydantic import model_validator

from hwcore.spec import Count, Fraction, Spec


class FunctionData(Spec):
    """Samples of a real function of one variable, by its name; inputs and targets have shape (samples, 1)."""

    # the module that makes the tensors; see hwcore.data.load
    loader: ClassVar[str] = "hwcore.data.functions"

    function: str
    domain: tuple[float, float]
    sampling: Literal["grid", "uniform"] = "grid"
    samples: Count
    test_samples: Count

    @model_validator(mode="after")
    def _ordered(self) -> "FunctionData":
        if self.domain[0] >= self.domain[1]:
            raise ValueError(f"domain: {list(self.domain)} is empty: the first number must be the smaller")
        return self


class DatasetData(Spec):
    """A classification data set by its name.

    ``random_labels`` is the share of training labels that are replaced, once, by labels drawn
    uniformly from all classes (Zhang et al. 2017, arXiv:1611.03530); ``random_test_labels`` the
    same for the test set.  ``train_samples`` and ``test_samples`` keep that many, a random choice.
    """

    loader: ClassVar[str] = "hwcore.data.images"

    dataset: str
    train_samples: Count | None = None
    test_samples: Count | None = None
    normalize: bool = True
    random_labels: Fraction = 0.0
    random_test_labels: Fraction = 0.0


DataSpec = FunctionData | DatasetData
