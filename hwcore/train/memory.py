"""How much memory a training job asks for."""

import math

from hwcore.data.spec import DatasetData, DataSpec, FunctionData
from hwcore.nets.spec import in_turn, named
from hwcore.train.spec import RunSpec
from hwcore.train.split import ensembles, replicate_bytes, threads

# MB of Python, torch and the other packages; what a GPU's libraries take of the host's memory comes on top.
PROCESS, GPU = 600, 2000
# The training and test samples of a data set that is not known.
_SAMPLES, _TEST_SAMPLES = 60_000, 10_000
# Bytes of a row of metrics and of steps, from tensors to Parquet.
_METRICS_ROW, _STEPS_ROW = 350, 220
# And of what a row of metrics has more where the last mini-batch is recorded.
_LAST_BATCH = 175
# Bytes of each number of the training inputs: as read, as float32, and in the order of a step.
_INPUT = 12
# And of each that augmentations put around an image, in float32.
_FRAME = 4
# And of the test inputs, which stay as they are.
_TEST_INPUT = 5
# Those of the parts for training and validation beside the whole.
_SPLIT = 4
# The recorded weights of the ensembles, those of all joined, and the bytes that are written.
_SNAPSHOT_COPIES = 3
# Weights with gradients and two moments, the copies that are saved while training and joined in the end.
_WEIGHT_COPIES = 8
# The best weights of a rule that restores them, and their copy in what is saved.
_BEST_COPIES = 2
# Cores that train side by side where that is not known.
_CORES = 8


def memory(spec: RunSpec, samples: int | None) -> int:
    """MB for the training of all replicates: an upper estimate, on a CPU.

    ``samples`` is the number of training samples, None for a whole data set of unknown size.
    """
    samples = known_samples(samples)
    training, replicates = spec.training, spec.replicates
    size, per_epoch = training.batches(samples)
    steps, epochs = training.length(per_epoch), training.epoch_count(per_epoch)
    best = _BEST_COPIES if training.until and training.until.validation_patience else 0
    parts = ensembles(spec.network, replicates, size)
    at_work = threads(spec.network, replicates, size, _CORES) * len(parts[0])
    metrics_row = _METRICS_ROW + (_LAST_BATCH if spec.record.last_batch else 0)
    rows = replicates * (epochs * metrics_row + (steps * _STEPS_ROW if spec.record.steps else 0))
    # the last mini-batch's gradients are held until the next step has made its own
    weight_copies = _WEIGHT_COPIES + best + (1 if spec.record.last_batch else 0)
    total = (
        (_INPUT + (_SPLIT if training.validation else 0)) * samples * math.prod(spec.network.input)
        + _FRAME * samples * _framed(spec)
        + _TEST_INPUT * testing_samples(spec.data) * math.prod(spec.network.input)
        + at_work * replicate_bytes(spec.network, size)
        + weight_copies * 4 * spec.network.estimated_parameters() * replicates
        + _SNAPSHOT_COPIES * snapshot_bytes(spec, samples)
        + rows
    )
    return PROCESS + math.ceil(total / 2**20)


def _framed(spec: RunSpec) -> int:
    """How many numbers a training image has with the frame that its augmentations need; none without one."""
    data = spec.data
    border = data.augment[0].border if isinstance(data, DatasetData) and data.augment else 0
    channels, *sides = spec.network.input
    return channels * math.prod(side + 2 * border for side in sides) if border else 0


def known_samples(samples: int | None) -> int:
    """The number of training samples, where it is not known that of a large data set."""
    return samples or _SAMPLES


def testing_samples(data: DataSpec) -> int:
    """The number of test samples, where it is not known that of a large data set."""
    return data.test_samples if isinstance(data, FunctionData) else data.test_samples or _TEST_SAMPLES


def snapshot_bytes(spec: RunSpec, samples: int) -> int:
    """The recorded weights of all replicates in float32, statistics of batch normalisation included."""
    _, per_epoch = spec.training.batches(samples)
    count = spec.record.snapshots(spec.training.length(per_epoch), per_epoch)
    return 4 * _recorded_numbers(spec) * spec.replicates * count


def _recorded_numbers(spec: RunSpec) -> int:
    """How many numbers of one replicate are recorded at a time."""
    network, layers = spec.network, spec.record.layers
    if layers is None:
        return network.estimated_parameters() + network.statistics()
    names = network.weighted()
    recorded = {names[number - 1] for number in layers}
    shapes = {
        name: shape
        for i, (layer, before) in enumerate(in_turn(network.layers, network.input))
        for name, shape in named(f"{i}", layer.tensors(before) or {}).items()
    }
    return sum(math.prod(shape) for name, shape in shapes.items() if name.rpartition(".")[0] in recorded)
