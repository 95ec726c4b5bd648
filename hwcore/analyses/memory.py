"""How much memory an analysis asks for."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from hwcore.data.spec import FunctionData
from hwcore.train.memory import PROCESS, known_samples, snapshot_bytes, testing_samples
from hwcore.train.spec import RunSpec

# Bytes of each number of the inputs: as float32 and, a part of the time, as read.
_INPUT = 5.5
# Weights of all replicates: as read and as the tensors of a network.
_WEIGHT_COPIES = 2
# Recorded weights: as read, in float64, centred, and what a decomposition keeps of them.
_SNAPSHOT_COPIES = 8
# Numbers of the activations that are computed at a time, as in hwcore.train.evaluate, and copies of them: a Jacobian
# has one for each class.
_CHUNK, _CHUNK_COPIES, _JACOBIAN_COPIES = 2**20, 20, 120
# Matrices of parameters by parameters in float64 of the kinds that solve with them, for each replicate that they take.
_SQUARES = {"critical_points": 20, "optimum": 4}
# Vectors of as many numbers in float64 as there are parameters: those of Lanczos, a vector for each step, and of the
# trace for each probe; and a few at work.
_LANCZOS = {"hessian_spectrum": "steps", "sharpness": "lanczos_steps"}
_TRACE_COPIES, _VECTORS = 4, 10
# Parameters beyond which no such matrix is made.
DENSE = 5_000


def memory(kind: str, options: Mapping[str, Any], specs: Iterable[RunSpec]) -> int:
    """MB for an analysis of some runs: an upper estimate, on a CPU.

    All runs are open at the same time, each with its data.
    """
    total = 4.0 * _CHUNK * (_JACOBIAN_COPIES if kind == "sensitivity" else _CHUNK_COPIES)
    for spec in specs:
        data, count = spec.data, spec.network.estimated_parameters()
        training = data.samples if isinstance(data, FunctionData) else known_samples(data.train_samples)
        testing = testing_samples(data)
        total += _INPUT * (training + testing) * math.prod(spec.network.input)
        total += 4 * _WEIGHT_COPIES * count * spec.replicates
        if kind == "trajectory" or options.get("across") == "trajectory" or options.get("over") == "epochs":
            total += _SNAPSHOT_COPIES * snapshot_bytes(spec, training)
        if kind in _LANCZOS:
            vectors = min(max(options[_LANCZOS[kind]], _TRACE_COPIES * options["probes"]), count) + _VECTORS
            total += 8 * vectors * count
        if count <= DENSE:
            replicates = min(options.get("replicates") or spec.replicates, spec.replicates)
            total += 8 * _SQUARES.get(kind, 0) * count**2 * replicates
    return PROCESS + math.ceil(total / 2**20)
