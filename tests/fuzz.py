"""Try inputs for as long as one likes: ``python tests/fuzz.py study|yaml|configuration|formula|template [SECONDS]``.

With atheris (``pip install atheris``) the inputs are guided by the code that they reach; without it they are drawn at
random.  The first failure is told with the input that caused it, and ends the program.
"""

import os
import random
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path


def main(name: str, seconds: int = 600) -> None:
    root = Path(__file__).resolve().parents[1]
    os.chdir(root)
    sys.path[:0] = [str(root), str(root / "tests")]
    try:
        import atheris  # noqa: PLC0415
    except ImportError:
        blindly(name, seconds)
        return
    with atheris.instrument_imports(include=["hwcore"]):
        target = getattr(import_module("test_fuzz"), f"test_{name}").hypothesis.fuzz_one_input
    options = ["-max_len=4096", "-len_control=0", "-timeout=60", "-rss_limit_mb=4096", f"-max_total_time={seconds}"]
    # inputs that are slow, or fail
    options.append(f"-artifact_prefix={tempfile.mkdtemp(prefix='hwcore-fuzz-')}/")
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


def blindly(name: str, seconds: int) -> None:
    target = getattr(import_module("test_fuzz"), f"test_{name}").hypothesis.fuzz_one_input
    began, told, count = time.monotonic(), 0.0, 0
    draw = random.Random(int(time.time()))
    while time.monotonic() < began + seconds:
        target(draw.randbytes(draw.choice((64, 512, 4096))))
        count += 1
        if time.monotonic() > told + 30:
            told = time.monotonic()
            print(f"{name}: {count:,} inputs in {told - began:.0f} s, nothing found", flush=True)
    print(f"{name}: {count:,} inputs in {seconds} s, nothing found")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
