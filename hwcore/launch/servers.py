"""The servers of one call of Snakemake: started before its first job, gone with the call."""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIABLE = "HWCORE_SERVER"
# With this one in the environment there are no servers.
DIRECT = "HWCORE_DIRECT"
# The other packages that jobs load.  What is missing here is loaded by each job that needs it.  Torch and
# Matplotlib stay apart: a figure loads no torch, and a training no Matplotlib.
_COMMON = (
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pydantic.main",
    "pydantic.functional_validators",
)
# torch loads torch._dynamo when an optimizer is made
_COMPUTING = ("torch", "torch._dynamo", "safetensors.torch", "scipy.optimize", "tqdm", *_COMMON)
# Matplotlib reads its styles when defaults are set, and loads the backend of a format, and Pillow its formats, with the
# first figure that is saved; contourpy is loaded with the first contour
_BACKENDS = ("matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_pdf")
_IMAGES = ("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PpmImagePlugin")
_DRAWING = ("matplotlib.figure", "matplotlib.style", *_BACKENDS, *_IMAGES, "contourpy", "scipy.special", *_COMMON)
# half of the time to load is Matplotlib's, which a sentence of prose does not wait for
_WRITING = ("jinja2", "pypandoc", "typst", *_COMMON)
# Which server runs the jobs of which stages.
_SERVERS: Mapping[tuple[str, ...], Sequence[str]] = {
    ("download", "prepare", "train", "analyse"): _COMPUTING,
    ("figure",): _DRAWING,
    ("judge", "summary", "markdown", "questions", "html", "latex", "pdf", "index", "crate"): _WRITING,
}
# Packages start no threads of their own, which a fork would lose; the last is that of pyarrow's allocator.
_ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_SCRIPT = Path(__file__).with_name("forkserver.py")


def start(due: Iterable[str] = ()) -> None:
    """Start the servers, and tell jobs by an environment variable where they listen.

    Those of the rules ``due`` load their packages at once, the others when their first job comes.  They end
    with this process, however it ends.  Where there is no safe fork, a socket or a process cannot be had, or
    HWCORE_DIRECT is in the environment, there are none, and jobs start directly.
    """
    if sys.platform != "linux" or DIRECT in os.environ:
        return
    places: dict[str, dict[str, Any]] = {}
    try:
        folder = Path(tempfile.mkdtemp(prefix="hwcore-"))
        for number, (rules, packages) in enumerate(_SERVERS.items()):
            path = folder / str(number)
            at_once = not {*due}.isdisjoint(rules)
            atexit.register(_stop, _start(path, packages, at_once), path)
            places |= {rule: {"socket": str(path), "pid": os.getpid()} for rule in rules}
    except OSError:
        return
    os.environ[VARIABLE] = json.dumps(places)


def _start(path: Path, packages: Sequence[str], at_once: bool) -> "subprocess.Popen[bytes]":
    # it listens before there is a server, so that the first job finds it however early it comes
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(128)
        return subprocess.Popen(
            [sys.executable, str(_SCRIPT), str(listener.fileno()), "now" if at_once else "later", *packages],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env={**os.environ, **_ONE_THREAD},
            # a Ctrl-C in the terminal is for Snakemake, which stops its jobs
            start_new_session=True,
        )


def _stop(server: "subprocess.Popen[bytes]", path: Path) -> None:
    assert server.stdin
    server.stdin.close()
    try:
        server.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        # it is loading packages, so it has no jobs
        server.kill()
        server.wait()
    path.unlink(missing_ok=True)
    with suppress(OSError):
        # the last one
        path.parent.rmdir()
