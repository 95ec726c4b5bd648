"""Start one job: in a process forked from a server of this call if there is one, else directly.

Run as ``python -IS hwcore/launch/client.py RULE ARGUMENT...`` by Snakemake, for which it is the job: it
passes on the job's output, signals and exit status.  The same job by hand is
``python -m workflow_scripts.RULE ARGUMENT...``.

Only the modules below are loaded, so that a job starts within hundredths of a second.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    # the module itself takes longer to load than all the others
    from typing import Any, NoReturn

# Seconds to wait for a server that has taken a job on: it may still be loading packages from a slow disk.
_PATIENCE = 120.0
# No numerical library starts threads of its own: a job's cores are used by processes.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(rule: str, *arguments: str) -> "NoReturn":
    """Do the job and end with its exit status."""
    os.environ.update(_ONE_THREAD, HWCORE_LAUNCHED=repr(time.time()))
    os.environ.pop("HWCORE_FORKED", None)
    module = f"workflow_scripts.{rule}"
    place = json.loads(os.environ.get("HWCORE_SERVER", "{}")).get(rule)
    server = None if place is None else _server(place)
    if server is not None:
        with server:
            status = _forked(server, module, arguments)
        if status is not None:
            sys.exit(status)
    _directly(module, arguments, None if place is None else place["pid"])


def _server(place: "dict[str, Any]") -> socket.socket | None:
    """A connection to the server at a ``place``; None if there is none, or another process listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(place["socket"])
        # the kernel says who listens: process, user, group
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        connection.close()
        return None
    if struct.unpack("3i", credentials)[:2] != (place["pid"], os.getuid()):
        connection.close()
        return None
    return connection


def _forked(server: socket.socket, module: str, arguments: tuple[str, ...]) -> int | None:
    """The exit status of the job in a process that the server forks; None if it was not started."""
    request = {
        "module": module,
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "umask": _umask(),
    }
    server.settimeout(_PATIENCE)
    try:
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
        answer = json.loads(server.recv(4096) or b"{}")
    except (OSError, ValueError):
        return None
    if "pid" not in answer:
        # the server is gone or cannot fork
        return None
    group = answer["pid"]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: _kill(group, received))
    server.settimeout(None)
    try:
        end = server.recv(4096)
    except OSError:
        end = b""
    if not end:
        # nobody is left to stop what the job itself started
        _kill(group, signal.SIGKILL)
        print("error: the process that runs the jobs was killed; run the same command again", file=sys.stderr)
        return 1
    status = int(json.loads(end)["status"])
    if status >= 0:
        return status
    name = signal.Signals(-status).name
    if -status == signal.SIGKILL:
        name += ", perhaps for lack of memory"
    print(f"error: the job was killed ({name}); run the same command again", file=sys.stderr)
    return 128 - status


def _directly(module: str, arguments: tuple[str, ...], caller: int | None) -> "NoReturn":
    """Become the job.  On Linux it ends with the process that started it.

    If that is the ``caller`` whose servers are gone, it may have ended before this: then nobody waits for the job.
    """
    if sys.platform == "linux":
        # a good part of this program's time, and seldom needed
        import ctypes  # noqa: PLC0415

        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of linux/prctl.h
        if os.getppid() != parent or (caller is not None and _has_ended(caller)):
            sys.exit("error: the call that started this job has ended")
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


def _has_ended(process: int) -> bool:
    """Whether a process is gone, or waits for its parent to take note of its end."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    main(*sys.argv[1:])
