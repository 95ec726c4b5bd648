"""Jobs that are forked from a server: as if started directly, and gone when they should be."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, Project
from hwcore.launch import servers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all jobs start directly")

CLIENT = ROOT / "hwcore/launch/client.py"
# A call of Snakemake as far as jobs see it: it starts the servers and lives until its input ends.
CALL = """
import os, sys
sys.path.insert(0, {root!r})
from hwcore.launch import servers
servers._SERVERS = {{rules: {packages!r} for rules in servers._SERVERS}}
servers.start()
print(os.environ.get(servers.VARIABLE, ""), flush=True)
sys.stdin.read()
"""
# A job that tells how it was started.
JOB = """
import json, os, sys, time
if sys.argv[1] == "tell":
    print(json.dumps({
        "arguments": sys.argv[1:], "folder": os.getcwd(), "mark": os.environ.get("MARK"), "path": sys.path[0],
        "name": __name__, "parent": open(f"/proc/{os.getppid()}/cmdline").read(), "umask": os.umask(0),
    }))
elif sys.argv[1] == "fail":
    sys.exit("error: no luck")
elif sys.argv[1] == "raise":
    raise LookupError("gone")
elif sys.argv[1] == "sleep":
    child = os.fork() or time.sleep(600)
    open(sys.argv[2], "w").write(f"{os.getpid()} {child}")
    time.sleep(600)
"""


class Call:
    """The servers of one call, and clients that use them."""

    def __init__(self, folder: Path, packages: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> None:
        (folder / "workflow_scripts").mkdir()
        (folder / "workflow_scripts/figure.py").write_text(JOB)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALL.format(root=str(ROOT), packages=packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        assert self.process.stdout
        self.variable = self.process.stdout.readline().strip()

    def start(self, *arguments: str, variable: str | None = None) -> subprocess.Popen[str]:
        place = self.variable if variable is None else variable
        return subprocess.Popen(
            [sys.executable, "-IS", str(CLIENT), "figure", *arguments],
            cwd=self.folder,
            env={**os.environ, servers.VARIABLE: place, "MARK": "here"} if place else {**os.environ, "MARK": "here"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, variable: str | None = None) -> tuple[int, str, str]:
        process = self.start(*arguments, variable=variable)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def sleeping(self) -> tuple[subprocess.Popen[str], list[int]]:
        """A client whose job sleeps, and the processes of the job: itself and one that it started."""
        note = self.folder / "pids"
        client = self.start("sleep", str(note))
        assert until(lambda: note.is_file() and len(note.read_text().split()) == 2)
        return client, [int(pid) for pid in note.read_text().split()]

    def servers(self) -> list[int]:
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in own.read_text().split()]

    def end(self) -> None:
        self.process.communicate(timeout=30)


def ended(client: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and what it said."""
    _, err = client.communicate(timeout=30)
    return client.returncode, err


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def gone(pids: list[int]) -> bool:
    """Whether these processes have ended; one that waits to be reaped by its parent has."""

    def lives(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return not any(map(lives, pids))


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    call = Call(tmp_path)
    yield call
    call.end()


def forked(told: str) -> bool:
    return "forkserver" in json.loads(told)["parent"]


def test_a_forked_job_sees_what_a_direct_one_sees(call: Call) -> None:
    os.umask(mask := os.umask(0))
    for variable in (None, ""):
        status, out, err = call.run("tell", "a b", "ü", variable=variable)
        assert (status, err) == (0, "")
        told = json.loads(out)
        assert forked(out) == (variable is None)
        assert told["arguments"] == ["tell", "a b", "ü"]
        assert told["folder"] == told["path"] == str(call.folder)
        assert told["mark"] == "here"
        assert told["name"] == "__main__"
        assert told["umask"] == mask


def test_how_a_job_ends_is_passed_on(call: Call) -> None:
    assert call.run("fail") == (1, "", "error: no luck\n")
    for variable in (None, ""):
        status, _, err = call.run("raise", variable=variable)
        assert status == 1
        assert err.startswith("Traceback")
        assert err.splitlines()[-1] == "LookupError: gone"
        assert "forkserver" not in err
    client, (job, _) = call.sleeping()
    os.kill(job, signal.SIGKILL)
    message = "error: the job was killed (SIGKILL, perhaps for lack of memory); run the same command again\n"
    assert ended(client) == (128 + signal.SIGKILL, message)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_client_is_one_to_the_job_and_all_that_it_started(call: Call, number: signal.Signals) -> None:
    client, pids = call.sleeping()
    client.send_signal(number)
    # on a busy machine the job may run before the client has heard of it, and then the signal ends the client itself
    assert ended(client)[0] in (128 + number, -number)
    assert until(lambda: gone(pids))


def test_a_killed_client_takes_its_job_along(call: Call) -> None:
    client, pids = call.sleeping()
    client.kill()
    ended(client)
    assert until(lambda: gone(pids))


def test_a_killed_server_takes_its_jobs_along_and_later_jobs_start_directly(call: Call) -> None:
    client, pids = call.sleeping()
    for server in call.servers():
        os.kill(server, signal.SIGKILL)
    assert ended(client) == (1, "error: the process that runs the jobs was killed; run the same command again\n")
    assert until(lambda: gone(pids))
    status, out, _ = call.run("tell")
    assert status == 0
    assert not forked(out)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_call_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    call = Call(tmp_path)
    client, pids = call.sleeping()
    family = [*pids, *call.servers()]
    assert len(family) == 2 + len(servers._SERVERS)
    folder = Path(json.loads(call.variable)["figure"]["socket"]).parent
    call.process.send_signal(number)
    call.process.communicate()
    assert ended(client)[0] == 1
    assert until(lambda: gone(family))
    assert until(lambda: not folder.exists())


def test_a_call_that_ends_leaves_nothing(tmp_path: Path) -> None:
    call = Call(tmp_path)
    family = call.servers()
    folder = Path(json.loads(call.variable)["figure"]["socket"]).parent
    call.end()
    assert gone(family)
    assert not folder.exists()


def test_a_direct_job_ends_with_its_caller(tmp_path: Path) -> None:
    """The caller is a process whose child is the job, as Snakemake's is by `exec`."""
    (tmp_path / "workflow_scripts").mkdir()
    (tmp_path / "workflow_scripts/figure.py").write_text(JOB)
    command = [sys.executable, "-IS", str(CLIENT), "figure", "sleep", "pids"]
    caller = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != servers.VARIABLE},
    )
    note = tmp_path / "pids"
    assert until(lambda: note.is_file() and len(note.read_text().split()) == 2)
    job, child = map(int, note.read_text().split())
    caller.kill()
    caller.wait()
    assert until(lambda: gone([job]))
    os.kill(child, signal.SIGKILL)


def test_no_job_starts_directly_for_a_call_that_was_killed(tmp_path: Path) -> None:
    """Its servers are gone with it, and whoever started it may not yet have taken note of its end."""
    call = Call(tmp_path)
    family = call.servers()
    call.process.kill()
    assert until(lambda: gone([call.process.pid, *family]))
    status, out, err = call.run("tell")
    assert (status, out) == (1, "")
    assert err == "error: the call that started this job has ended\n"
    call.end()


def test_a_socket_of_somebody_else_is_not_used(call: Call, tmp_path: Path) -> None:
    """Stale: nobody listens any more.  Foreign: another process does, and never answers."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        foreign = json.dumps({"figure": {"socket": path, "pid": os.getppid()}})
        status, out, _ = call.run("tell", variable=foreign)
        assert status == 0
        assert not forked(out)
    stale = json.dumps({"figure": {"socket": path, "pid": os.getpid()}})
    status, out, _ = call.run("tell", variable=stale)
    assert status == 0
    assert not forked(out)


@pytest.mark.parametrize(
    "hindrance",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
        "import errno, os\ndef fork():\n    raise OSError(errno.EAGAIN, 'no process left')\nos.fork = fork\n",
    ],
    ids=["a thread is running", "the process table is full"],
)
def test_where_forking_is_not_right_the_job_starts_directly(tmp_path: Path, hindrance: str) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/hindrance.py").write_text(hindrance)
    call = Call(tmp_path, ("hindrance",), {"PYTHONPATH": str(tmp_path / "packages")})
    status, out, _ = call.run("tell")
    call.end()
    assert status == 0
    assert not forked(out)


def test_no_temporary_folder_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(servers.tempfile, "mkdtemp", refuse)
    monkeypatch.delenv(servers.VARIABLE, raising=False)
    servers.start()
    assert servers.VARIABLE not in os.environ


@pytest.mark.parametrize("packages", servers._SERVERS.values(), ids=["computing", "drawing", "writing"])
def test_the_packages_of_a_server_start_no_thread_and_keep_the_wall(packages: list[str]) -> None:
    code = (
        f"import importlib, os, sys\nfor name in {list(packages)!r}: importlib.import_module(name)\n"
        "print(len(os.listdir('/proc/self/task')), 'torch' in sys.modules, 'matplotlib' in sys.modules, "
        "any(name.startswith('hwcore') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **servers._ONE_THREAD},
    )
    threads, torch, matplotlib, ours = done.stdout.split()
    assert (threads, ours) == ("1", "False")
    assert not (torch == "True" and matplotlib == "True")


def test_every_rule_has_a_server() -> None:
    rules = {rule for names in servers._SERVERS for rule in names}
    workflow = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert rules == set(re.findall(r"hwcore/launch/client\.py (\w+)", workflow))
    assert all((ROOT / f"workflow_scripts/{rule}.py").is_file() for rule in rules)


def test_the_pipeline_forks_its_jobs(finished: Project) -> None:
    """What a job noted of itself."""
    timings = [
        json.loads(path.read_text()) for path in finished.folder.glob("results/quick/benchmarks/analyse/**/*.json")
    ]
    assert timings
    assert all(each["forked"] for each in timings)
    assert all(each["called"] <= each["launched"] <= each["started"] <= each["ended"] for each in timings)
