"""The part of the training set that is held out for validation."""

from dataclasses import replace

import torch
from torch import Generator, Tensor

from hwcore.data.load import Data
from hwcore.errors import HwcoreError
from hwcore.seeds import seed
from hwcore.train.spec import RunSpec


def hold_out(spec: RunSpec, data: Data) -> tuple[Data, Data | None]:
    """``data`` without the samples for validation, and those as the test set of a ``Data``; None if there are none.

    The samples are drawn from a seed of (study, experiment): all models and replicates of an experiment are trained
    and validated on the same ones, so that these differ by what the experiment compares.  Both parts keep the order
    of the data.

    Raises HwcoreError if nothing is left to train on.
    """
    samples = len(data.train_x)
    count = spec.training.held_out(samples)
    if not count:
        return data, None
    if count >= samples:
        raise HwcoreError(
            f"report/{spec.study}/study.yaml: experiments.{spec.experiment}.models.{spec.model}: training.validation: "
            f"{spec.training.validation:g} of {samples} samples leaves none to train on; hold out less"
        )
    generator = Generator().manual_seed(seed(spec.study, spec.experiment, "validation"))
    order = torch.randperm(samples, generator=generator).to(data.train_x.device)
    held, left = order[:count].sort().values, order[count:].sort().values
    # copies of nothing, not views, with which all of the data would stay in memory
    nothing = order[:0]
    training = replace(data, train_x=data.train_x[left], train_y=_labels(data, left))
    validation = replace(training, train_x=data.train_x[nothing], train_y=_labels(data, nothing))
    return training, replace(validation, test_x=data.train_x[held], test_y=_labels(data, held))


def _labels(data: Data, places: Tensor) -> Tensor:
    """The targets of these samples, (R, n) where each replicate has its own."""
    return data.train_y[:, places] if data.own_train_labels else data.train_y[places]
