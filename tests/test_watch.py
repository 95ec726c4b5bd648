"""Pages that are made anew and reloaded while they are edited."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from conftest import Project
from hwcore.reporting.live import Live
from workflow_scripts.watch import errors

PATIENCE = 90.0


@dataclass
class Watch:
    process: "subprocess.Popen[str]"
    address: str

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as response:
            text: str = response.read().decode()
            return text

    @contextmanager
    def events(self) -> Iterator[Iterator[dict[str, Any]]]:
        with urllib.request.urlopen(self.address + "events", timeout=PATIENCE) as response:
            yield states(response)


def states(response: HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


@contextmanager
def watching(project: Project) -> Iterator[Watch]:
    command = [sys.executable, "-m", "workflow_scripts.watch", "results/quick", "--port", "0", "--cores", "1"]
    process = subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    assert process.stdout
    try:
        yield Watch(process, process.stdout.readline().split()[1])
    finally:
        process.kill()
        process.communicate()


def test_an_edited_sentence_is_served_and_an_event_tells_of_it(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    page = clone.folder / "results/quick/report/tiny.html"
    with watching(clone) as watch, watch.events() as events:
        # the stream begins with what is there, and goes on when the first build is over
        before = next(events)
        assert next(events) == {"version": before["version"], "error": ""}
        assert f'!== "{before["version"]}"' in watch.get("report/tiny.html")
        assert "Edited words" not in watch.get("report/tiny.html")

        clone.edit("report/tiny/report.md", "Prose.", "Edited words.")
        after = next(events)
        assert after["version"] != before["version"]
        assert after["error"] == ""
        served = watch.get("report/tiny.html")
        assert "Edited words" in served
        assert f'!== "{after["version"]}"' in served
        # only what is served reloads
        assert "EventSource" not in page.read_text()
        assert watch.get("report/index.html") == watch.get("")
        assert (
            watch.get("figures/tiny/fit/loss.svg")
            == (clone.folder / "results/quick/figures/tiny/fit/loss.svg").read_text()
        )

        # a mistake is told, and it goes on
        clone.edit("report/tiny/report.md", '{{ experiment("fit") }}', '{{ experiment("fot") }}')
        failed = next(events)
        assert "there is no experiment 'fot'" in failed["error"]
        assert "report/tiny/report.md:3" in failed["error"]
        clone.edit("report/tiny/report.md", '{{ experiment("fot") }}', '{{ experiment("fit") }}')
        assert next(events)["error"] == ""

        watch.process.send_signal(signal.SIGINT)
        said = watch.process.communicate(timeout=PATIENCE)[0]
    assert watch.process.returncode == 0
    assert "there is no experiment 'fot'" in said
    assert "Traceback" not in said


def test_a_stop_in_the_middle_of_a_build_stops_the_build(project: Project) -> None:
    with watching(project) as watch:
        assert watch.process.stdout
        while "start: " not in (line := watch.process.stdout.readline()):
            assert line, "the build ended"
        watch.process.send_signal(signal.SIGINT)
        said = watch.process.communicate(timeout=PATIENCE)[0]
    assert watch.process.returncode == 0
    assert "Traceback" not in said
    # nothing holds the folder: the next call begins at once
    assert project.snakemake("--dry-run").returncode == 0


def test_the_stream_ends_with_the_server_and_a_taken_port_is_told(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with closing(Live(tmp_path, 0)) as live:
        port = live.address.rstrip("/").rpartition(":")[2]
        with urllib.request.urlopen(live.address + "events", timeout=PATIENCE) as response:
            seen = states(response)
            assert next(seen)["error"] == ""
            with pytest.raises(urllib.error.HTTPError, match="404") as missing:
                urllib.request.urlopen(live.address + "report/index.html", timeout=PATIENCE)
            with missing.value as page:
                assert b"EventSource" in page.read()
            (tmp_path / "report/index.html").write_text("<html><body>there</body></html>")
            live.tell("error: no\nmore")
            assert next(seen)["error"] == "error: no\nmore"
            command = [sys.executable, "-m", "workflow_scripts.watch", str(tmp_path), "--port", port]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert done.stderr.startswith(f"error: port {port}: ")
            begun = time.monotonic()
            live.close()
            assert list(seen) == []
            assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["failed: train a: no", "1 of 3", "failed: train a: no"], ["failed: train a: no"]),
        (["error: study.yaml: no", "write yes"], ["error: study.yaml: no", "write yes"]),
        (["LockException:", "it is locked"], ["it is locked"]),
        ([], []),
    ],
)
def test_the_lines_that_say_what_failed(said: list[str], told: list[str]) -> None:
    assert errors(said) == told
