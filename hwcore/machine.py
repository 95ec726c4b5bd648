"""What a job ran on."""

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

_GPUS = Path("/proc/driver/nvidia/gpus")
# Linux within Windows (WSL2) has no such folder: there the driver is that of Windows.
_WINDOWS_GPU = Path("/dev/dxg")


def machine() -> dict[str, Any]:
    """``{"cpu": model, "cores": that this process may use, "memory_mb": of the machine, "accelerators": models}``.

    What cannot be found out is None; accelerators are those that the machine has, used or not.
    """
    usable = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": _value(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine() or None,
        "cores": len(usable(0)) if usable else os.cpu_count(),
        "memory_mb": _memory(),
        "accelerators": _accelerators(),
    }


def _accelerators() -> list[str]:
    if not _WINDOWS_GPU.exists():
        return [_value(path, "Model") or "unknown" for path in sorted(_GPUS.glob("*/information"))]
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.splitlines()
    return []


def _value(path: Path, key: str) -> str | None:
    """The first value of a key in a file of lines `key: value`."""
    with suppress(OSError), path.open(encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return None
