"""The calls of Snakemake that work in this folder: who they are, and locks that a dead one left.

Snakemake locks the files of a call by a list of them, which stays behind when the call is killed.  Each call also holds
a lock of the operating system, which ends with it however it ends: a call that finds itself alone knows that all lists
are of the dead, and removes them.
"""

import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import IO

from hwcore.processes import lives

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

_LISTS = Path(".snakemake/locks")
_HELD = Path(".snakemake/hwcore/calls.jsonl")
# held until the process ends
_open: list[IO[str]] = []


def hold() -> bool | None:
    """Say that this process works here, and remove what dead calls left locked if no other does.

    Returns whether it is alone; None where nobody knows, as on a file system without locks, which is left as it is.
    """
    if fcntl is None or _open:
        return None
    try:
        _HELD.parent.mkdir(parents=True, exist_ok=True)
        file = _HELD.open("a+", encoding="utf-8")
    except OSError:
        return None  # a folder that cannot be written is told where results are
    alone = True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        shutil.rmtree(_LISTS, ignore_errors=True)
    except BlockingIOError:
        alone = False  # another call is alive
    except OSError:
        file.close()
        return None
    own = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%H:%M:%S on %d %B")}
    file.write(json.dumps(own) + "\n")
    file.flush()
    fcntl.flock(file, fcntl.LOCK_SH)
    _open.append(file)
    return alone


def busy() -> bool:
    """Whether another call is at work here for sure."""
    if fcntl is None:
        return False
    try:
        with _HELD.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no call yet, or a file system without locks
    return False


def others() -> str:
    """Which other calls may be working here, as a line for the user."""
    try:
        calls = [json.loads(line) for line in _HELD.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        calls = []
    alive = [call for call in calls if call["process"] != os.getpid() and _alive(call)]
    told = "; ".join(f"process {call['process']} on {call['host']}, since {call['since']}" for call in alive)
    return (
        f"another call is making the same files{f' ({told})' if told else ''}; wait for it or stop it, "
        "then run the same command again"
    )


def _alive(call: dict[str, object]) -> bool:
    """Whether a process may be there still; of another host nothing is known."""
    return call["host"] != socket.gethostname() or lives(int(str(call["process"])))
