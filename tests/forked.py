"""Snakemake in a process that has it loaded: loading it takes longer than most calls on a tiny study."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "hwcore/launch/forkserver.py"
LOADED = ("snakemake.cli", "snakemake.workflow", "snakemake.scheduling.job_scheduler", "snakemake.executors.local")


def snakemake(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """What ``python -m snakemake`` does in a folder."""
    request = {
        "module": "snakemake",
        "arguments": arguments,
        "folder": str(folder),
        "environment": dict(os.environ),
        "umask": 0o022,
    }
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server,
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
        open(os.devnull) as nothing,
    ):
        server.connect(_server())
        socket.send_fds(server, [json.dumps(request).encode()], [nothing.fileno(), out.fileno(), err.fileno()])
        if "pid" not in json.loads(server.recv(4096) or b"{}"):
            # a plugin has started a thread, which a fork would lose
            command = [sys.executable, "-m", "snakemake", *arguments]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        ended = json.loads(server.recv(4096))
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["snakemake", *arguments], ended["status"], out.read(), err.read())


@cache
def _server() -> str:
    """Where it listens.  It ends with this process."""
    path = Path(tempfile.mkdtemp(prefix="hwcore-tests-")) / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        _alive.append(
            subprocess.Popen(
                [sys.executable, str(SCRIPT), str(listener.fileno()), "now", *LOADED],
                stdin=subprocess.PIPE,
                # plugins load libraries that would start threads
                env={**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        )
    return str(path)


# its standard input must stay open
_alive: list["subprocess.Popen[bytes]"] = []
