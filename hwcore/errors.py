"""The one exception that users see, and what they are told of errors of the operating system."""

import errno


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
