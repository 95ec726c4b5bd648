"""The one exception that users see, and what they are told of errors of the operating system."""

import errno
import re


class HwcoreError(Exception):
    """Something the user can mend: a bad key, a missing file, a failed download.

    The message is one or two lines that name the file, the key, the value and what would be
    right.  Whoever runs a job or reads the configuration prints it without a traceback and
    exits with a status other than 0.
    """


_SPACE = "free some space, or files where the disk holds no more of them, and run the same command again"
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: "make the folder writable and run the same command again",
    errno.EROFS: "the disk is read-only; work in a folder that can be written",
    errno.EIO: "the disk cannot be read or written; check it, and run the same command again",
    errno.ESTALE: "the network disk went away; mount it anew, and run the same command again",
    errno.EISDIR: "a folder is where a file should be; move it away, and run the same command again",
    errno.ENOTDIR: "a file is where a folder should be; move it away, and run the same command again",
}


def of_disk(error: OSError, otherwise: str = "") -> str | None:
    """A fault of a disk or a folder in a line: which file (``otherwise`` if it has none), what, and the remedy.

    None for other errors.
    """
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{error.filename or otherwise}: {error.strerror}; {remedy}" if remedy else None


# Of an operation that sums in no fixed order on a GPU.
_NOT_DETERMINISTIC = "does not have a deterministic implementation"


def of_gpu(error: Exception) -> str | None:
    """An operation that a GPU would not do the same each time; None for other errors."""
    operation, said, _ = str(error).partition(f" {_NOT_DETERMINISTIC}")
    if not said:
        return None
    return (
        f"{operation}, which its network uses, gives different numbers each time on a GPU; set `device: cpu` or change "
        "the network"
    )


# What one allocation asked for, in the words of torch (of the CPU, of a GPU) and of numpy.
_ASKED = re.compile(r"allocate ([\d.]+) (bytes|[KMGTP]iB)", re.IGNORECASE)
_UNITS = {unit: 2 ** (10 * power) for power, unit in enumerate(["bytes", "kib", "mib", "gib", "tib", "pib"])}


def of_memory(error: MemoryError | RuntimeError, machine: int | None) -> str | None:
    """A lack of memory in a line: what is missing, and the remedy.  ``machine`` is the memory of the machine in MB.

    None for other errors.
    """
    text = str(error)
    # torch says so in a RuntimeError, of a GPU in other words
    on_gpu = "out of memory" in text
    if isinstance(error, RuntimeError) and not on_gpu and "allocate memory" not in text:
        return None
    asked = _ASKED.search(text)
    gigabytes = float(asked[1]) * _UNITS[asked[2].lower()] / 1e9 if asked else 0
    if machine and not on_gpu and gigabytes > (total := machine * 2**20 / 1e9):
        return (
            f"there is not enough memory: it needs {gigabytes:,.0f} GB at once, and this machine has {total:,.0f} GB; "
            "use a smaller network or batch, or fewer samples, replicates or points"
        )
    memory, fewer = ("memory on the GPU", "--resources gpu=1") if on_gpu else ("memory", "a smaller --cores")
    return f"there is not enough {memory}; run fewer jobs at a time, by {fewer}"
