"""Which replicates are trained together, and how many such ensembles at the same time."""

from hwcore.nets.spec import Network

# Numbers in the widest activations of an ensemble on a CPU: 1 MB in float32, the cache of a core.
_CACHE = 2**18
# More threads than this gain little: starting steps is the work of one.
_THREADS = 8
# Bytes on a GPU that are left to its libraries.
_RESERVE = 2**30


def ensembles(network: Network, replicates: int, batch_size: int, *, memory: int | None = None) -> list[range]:
    """The replicates in groups; each group is one tensor program.

    ``memory`` is that of a GPU in bytes, None on a CPU.  On a GPU all replicates that fit into it
    go together.  On a CPU an ensemble saves the overhead of small operations until the activations
    of a layer outgrow the cache; past that, one after the other is up to twice as fast (10 networks
    1-250-1 on 1,000 samples: 14.7 ms a step together, 6.6 ms one by one).  Convolutions are faster
    one by one at any size, because a grouped convolution has fewer fast kernels.  Modules that are not made of
    our layers go one by one everywhere.

    The groups depend on nothing else, so the same job gives the same bits with any number of threads.
    """
    if not network.stacks():
        together = 1
    elif memory is None:
        together = 1 if network.convolves() else max(1, _CACHE // (batch_size * network.widest))
    else:
        together = max(1, int((memory - _RESERVE) // replicate_bytes(network, batch_size)))
    return [range(start, min(start + together, replicates)) for start in range(0, replicates, together)]


def threads(network: Network, replicates: int, batch_size: int, cores: int) -> int:
    """How many cores one training job keeps busy all the time: a divisor of its number of ensembles."""
    count = len(ensembles(network, replicates, batch_size))
    return max(n for n in range(1, min(count, cores, _THREADS) + 1) if count % n == 0)


def replicate_bytes(network: Network, batch_size: int) -> int:
    """An upper estimate for one replicate in float32: weights, gradients and two moments, and three
    tensors of the size of each activation (itself, its gradient, what its operation keeps).
    """
    return 4 * (4 * network.estimated_parameters() + 3 * batch_size * sum(network.activations()))
