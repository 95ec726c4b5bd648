"""How long an analysis takes."""

from collections.abc import Iterable, Mapping
from typing import Any

from hwcore.analyses.memory import DENSE
from hwcore.data.spec import FunctionData
from hwcore.train.duration import sample_seconds
from hwcore.train.memory import known_samples, testing_samples
from hwcore.train.spec import RunSpec

# Seconds on one core of an Intel Xeon with AVX-512, fitted to the processor time of the analyses of five studies at the
# scales quick and standard, and raised as those of hwcore.train.duration: loading packages and data, what calling the
# operations of one pass over a layer takes, a step of a search for critical points, a multiplication in the
# solution of its dense equations, and one in an exact Hessian.
_START, _LAYER, _STEP, _MULTIPLICATION, _HESSIAN = 2.0, 1e-4, 7e-4, 0.06e-9, 0.4e-9
# By how much faster networks without convolutions are where no gradient is computed.
_WITHOUT_GRADIENT = 4
# Numbers of the activations that are computed at a time, as in hwcore.train.evaluate.
_CHUNK = 2**20
# Kinds that pass no data set through a network, or not often.
_LIGHT = ("fitting", "gradient_norm", "predictions", "trajectory", "critical_points", "optimum")
# Passes of a gradient, and of a product of the Hessian with a vector, in those of a forward pass.
_GRADIENT, _PRODUCT = 3, 6
# Products for each probe of a trace, at most, as in hwcore.analyses.krylov.
_TRACE = 12
# Gradients with which sharpness in a box is looked for.
_BOX = 40


def seconds(kind: str, options: Mapping[str, Any], specs: Iterable[RunSpec]) -> float:
    """The processor time of an analysis of some runs: an upper estimate, on a CPU."""
    return _START + sum(_of_run(kind, options, spec) for spec in specs)


def _of_run(kind: str, options: Mapping[str, Any], spec: RunSpec) -> float:
    data, count = spec.data, spec.network.estimated_parameters()
    training = data.samples if isinstance(data, FunctionData) else known_samples(data.train_samples)
    some = min(options.get("samples") or training, training)
    everything = (some if kind in ("evaluation", "interpolation") else training) + testing_samples(data)
    replicates = min(options.get("replicates") or spec.replicates, spec.replicates)
    epochs = 1
    if options.get("over") == "epochs":
        epochs = spec.training.epoch_count(spec.training.batches(training)[1])
    # what convolutions gain by computing no gradient, they lose by computing in float32
    forward = sample_seconds(spec.network) / (1 if spec.network.convolves() else _WITHOUT_GRADIENT)
    passes, samples = _passes(kind, options, spec, some, everything)
    chunks = 1 + samples * sum(spec.network.activations()) / _CHUNK
    layers = _LAYER * len(spec.network.layers) * passes * chunks
    dense = 0.0
    if kind in ("critical_points", "optimum") and count <= DENSE and options.get("solver") != "none":
        # the first search of critical points takes its steps before and after a gradient that the reports call zero
        searches = (2 if kind == "critical_points" else 1) + options.get("restarts", 0)
        dense = searches * options["steps"] * (_STEP + _MULTIPLICATION * count**2 * (training + count))
    if kind == "critical_points" and count <= DENSE:
        # where a solver ends, the Hessian is that of several points near by
        dense += (1 if options.get("solver") == "none" else 9) * _HESSIAN * count**2 * training
    return replicates * (epochs * (passes * samples * forward + layers) + dense)


def _passes(kind: str, options: Mapping[str, Any], spec: RunSpec, some: int, everything: int) -> tuple[float, int]:
    """How many forward passes' worth of computing, and of how many samples each."""
    if kind in _LIGHT:
        return 0, 0
    if kind == "interpolation":
        # between two models there is one line
        return options["alphas"]["count"] / 2, everything + (some if options.get("batch_norm") == "recompute" else 0)
    if kind == "landscape":
        return options["count"] ** (1 if options["across"] == "line" else 2), some
    if kind == "sensitivity":
        return _GRADIENT * (1 + spec.network.output[0]), 2 * some
    if kind == "sharpness":
        products = _TRACE * options["probes"] + options["lanczos_steps"]
        return (1 if options.get("rescale") is None else 2) * (_GRADIENT * _BOX + _PRODUCT * products), some
    if kind == "hessian_spectrum":
        blocks = len(spec.network.weighted()) if options["by"] == "layer" else 1
        products = options["steps"] * (options["probes"] + 1) + _TRACE * options["probes"]
        return _PRODUCT * products * blocks, some
    return 1, everything
