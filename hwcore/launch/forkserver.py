"""A process that has third-party packages loaded, and forks a process for each job that asks for one.

Run as ``python hwcore/launch/forkserver.py LISTENER now|later PACKAGE...``, with the descriptor of a
listening socket and when to load the packages; its standard input is a pipe whose other end the starter
holds.  When that end closes, however the starter ended, every job is killed and the server ends.  hwcore
itself is never loaded here: each job loads it anew, and can prove what it loaded.

What CUDA and OpenMP forbid after a fork is not done before it: packages are only imported, with one
thread each, and a server in which a thread runs all the same forks nothing.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_LARGEST = 2**20  # bytes of a request: a job's arguments and environment
_PATIENCE = 5.0  # seconds for a request to arrive after its connection


@dataclass
class _Job:
    """A forked process, the group of all that it starts, and the connection on which its end is told."""

    pid: int
    exit: int  # a descriptor that is readable when the process has ended
    connection: socket.socket


class Server:
    """Takes jobs from ``listener``; the packages are loaded with ``load``, at the latest when the first one comes."""

    def __init__(self, listener: socket.socket, packages: list[str]) -> None:
        self._packages = packages
        self._jobs: dict[int, _Job] = {}
        self._library = ctypes.CDLL(None)
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def load(self) -> None:
        for package in self._packages:
            # a job that needs a missing package says so itself
            with contextlib.suppress(ImportError):
                importlib.import_module(package)
        if self._packages:
            # what is loaded stays: a collection in a job would only copy its pages
            gc.collect()
            gc.freeze()
        self._packages = []

    def serve(self) -> None:
        """Until standard input ends."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    self._end()
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data in self._jobs:
                    self._attend(self._jobs[key.data], key.fd)

    def _end(self) -> None:
        for job in list(self._jobs.values()):
            _kill(job.pid)
            self._forget(job)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_PATIENCE)
        try:
            message, descriptors, _, _ = socket.recv_fds(connection, _LARGEST, 3)
        except OSError:
            connection.close()
            return
        try:
            self._start(connection, json.loads(message), descriptors)
        except (OSError, ValueError):
            # no process could be had, or this was no request: the client starts the job itself
            connection.close()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _start(self, connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
        self.load()
        if len(os.listdir("/proc/self/task")) > 1:
            raise OSError("a thread is running, and a fork would lose it")
        server, pid = os.getpid(), os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                self._library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == server:
                    self._release(connection)
                    _become(request, descriptors)
            finally:
                os._exit(1)
        with contextlib.suppress(OSError):
            # both sides set it, so that it is set whoever comes first
            os.setpgid(pid, pid)
        try:
            job = _Job(pid, os.pidfd_open(pid), connection)
        except OSError:
            # one that cannot be watched must not run beside the one that the client will start
            _kill(pid)
            os.waitpid(pid, 0)
            raise
        self._jobs[pid] = job
        self._selector.register(job.exit, selectors.EVENT_READ, pid)
        self._selector.register(connection, selectors.EVENT_READ, pid)
        with contextlib.suppress(OSError):
            connection.send(json.dumps({"pid": pid}).encode())

    def _attend(self, job: _Job, descriptor: int) -> None:
        """A job has ended, or nobody waits for it any more."""
        if descriptor != job.exit:
            _kill(job.pid)
            self._forget(job)
            return
        status = self._forget(job, close=False)
        _kill(job.pid)  # what it started and left behind
        with contextlib.suppress(OSError):
            job.connection.send(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())
        job.connection.close()

    def _forget(self, job: _Job, *, close: bool = True) -> int:
        self._selector.unregister(job.exit)
        self._selector.unregister(job.connection)
        del self._jobs[job.pid]
        _, status = os.waitpid(job.pid, 0)
        os.close(job.exit)
        if close:
            job.connection.close()
        return status

    def _release(self, connection: socket.socket) -> None:
        """In a forked process: close what belongs to the server, so that its end is seen by all clients."""
        self._selector.close()
        self._listener.close()
        connection.close()
        for job in self._jobs.values():
            job.connection.close()
            os.close(job.exit)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Be the job, as ``python -m MODULE ARGUMENT...`` would be it."""
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"], HWCORE_FORKED="1")
    os.umask(request["umask"])
    os.chdir(request["folder"])
    tempfile.tempdir = None
    sys.path.insert(0, request["folder"])
    sys.argv = [request["module"], *request["arguments"]]
    status = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = _status(end.code)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException as error:  # what Python itself does at the end of a program
        traceback.print_exception(type(error), error, _beyond_this_file(error))
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # without taking down the packages, which takes longer than many a job
    os._exit(status)


def _status(code: object) -> int:
    """The exit status for the argument of ``sys.exit``."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _beyond_this_file(error: BaseException) -> Any:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        trace = trace.tb_next
    return trace


def main(listener: str, when: str, *packages: str) -> None:
    # Python puts this file's folder there, which is none of a job's
    sys.path.pop(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # an old kernel that lacks what is needed to watch jobs raises OSError: nobody listens, and jobs start directly
    os.close(os.pidfd_open(os.getpid()))
    with socket.socket(fileno=int(listener)) as listening:
        path = Path(listening.getsockname())
        server = Server(listening, list(packages))
        if when == "now":
            server.load()
        server.serve()
    # the starter may have been killed
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


if __name__ == "__main__":
    main(*sys.argv[1:])
