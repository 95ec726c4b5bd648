"""Make pages anew while they are edited, and reload them: ``python -m workflow_scripts.watch RESULTS [OPTION...]``.

RESULTS is results/<scale>; the options are Snakemake's.  In: edits of prose, study files, styles and code.  Out: the
pages, in the files and in the browser.  Ctrl-C ends it.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from watchfiles import watch

from hwcore.reporting.live import Live

WATCHED = ("report", "hwcore", "workflow_scripts", "rules", "Snakefile", "config.yaml")
# Milliseconds: editors save in several steps.
PAUSE = 200
# Seconds in which a build that is stopped ends by itself.
PATIENCE = 20.0


def build(options: Sequence[str]) -> str:
    """Make what is stale, and show what Snakemake says; returns its errors, one a line."""
    command = [sys.executable, "-m", "snakemake", "report", *options]
    lines: list[str] = []
    # a Ctrl-C in the terminal is for this process, which passes it on once
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line.strip())
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                # the next call goes on from what it leaves
                process.kill()
            raise
    return "" if process.returncode == 0 else "\n".join(errors(lines))


def errors(lines: Sequence[str]) -> list[str]:
    """The lines that say what failed; the last one if none does."""
    failed = [line for line in lines if line.startswith("failed: ")]
    # what stops the whole call is told last, in a line or two
    begin = next((number for number, line in enumerate(lines) if line.startswith("error: ")), len(lines))
    return list(dict.fromkeys([*failed, *lines[begin : begin + 2]])) or list(lines[-1:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workflow_scripts.watch", allow_abbrev=False)
    parser.add_argument("results", type=Path, help="results/<scale>")
    parser.add_argument("--port", type=int, default=8000)
    arguments, options = parser.parse_known_args()
    try:
        live = Live(arguments.results, arguments.port)
    except OSError as error:
        sys.exit(f"error: port {arguments.port}: {error.strerror}; name another one: make watch PORT=8001")
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    print(f"open {live.address} and edit; Ctrl-C ends", flush=True)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(live):
        paths = [path for path in WATCHED if Path(path).exists()]
        # it yields without a change too, the first time before the first build, so that no edit meanwhile is missed
        for number, changes in enumerate(watch(*paths, debounce=PAUSE, rust_timeout=500, yield_on_timeout=True)):
            if changes or number == 0:
                live.tell(build(options))


if __name__ == "__main__":
    main()
