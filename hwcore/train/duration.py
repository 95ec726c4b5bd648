"""How long a training takes."""

from hwcore.nets.spec import Network
from hwcore.train.memory import known_samples
from hwcore.train.spec import RunSpec
from hwcore.train.split import ensembles

# Seconds on one core of an Intel Xeon with AVX-512, fitted to the processor time of trainings of five studies at the
# scales quick and standard, and raised until most take a third of the estimate at least and all of it at most (see
# docs/clusters.md): loading packages and data, starting the operations of a layer, and what a step does to each
# parameter (gradient and optimizer), each number of an activation and each multiplication.
_START, _LAYER, _PARAMETER, _ACTIVATION, _MULTIPLICATION = 0.8, 2e-4, 12e-9, 5e-9, 0.03e-9


def seconds(spec: RunSpec, samples: int | None) -> float:
    """The processor time of training all replicates for all epochs: an upper estimate, on a CPU.

    ``samples`` is the number of training samples, None for a whole data set of unknown size.
    """
    size, per_epoch = spec.training.batches(known_samples(samples))
    groups = len(ensembles(spec.network, spec.replicates, size))
    step = groups * _LAYER * len(spec.network.layers) + spec.replicates * _step(spec.network, size)
    return _START + spec.training.length(per_epoch) * step


def _step(network: Network, size: int) -> float:
    """Seconds of arithmetic in one step of one replicate with ``size`` samples."""
    return _PARAMETER * network.estimated_parameters() + size * sample_seconds(network)


def sample_seconds(network: Network) -> float:
    """Seconds of arithmetic on one sample in a step, and in a forward pass at most."""
    return _ACTIVATION * sum(network.activations()) + _MULTIPLICATION * network.multiplications()
