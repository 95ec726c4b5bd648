"""The GPUs that jobs may see."""

import re

from hwcore.errors import HwcoreError

VARIABLE = "CUDA_VISIBLE_DEVICES"
# What hides all GPUs; the last is Slurm's.
_NONE = ("", "-1", "NoDevFiles")
_NUMBER, _NAME = re.compile(r"\d+"), re.compile(r"(GPU|MIG)-[\w/-]+")


def check_visible(value: str | None, count: int) -> None:
    """``value`` is that of CUDA_VISIBLE_DEVICES, None if it is not set, on a machine of ``count`` GPUs.

    With a value that it does not understand CUDA shows no GPU and says nothing, and jobs would run on the CPU.

    Raises HwcoreError for such a value.
    """
    if value is None or value.strip() in _NONE:
        return
    names = [name.strip() for name in value.split(",")]
    remedy = "unset it, or give numbers such as `0,1`"
    for name in names:
        if not (_NUMBER.fullmatch(name) or _NAME.fullmatch(name)):
            raise HwcoreError(f"{VARIABLE}={value}: {name!r} names no GPU; {remedy}")
        if _NUMBER.fullmatch(name) and int(name) >= count:
            there = f"those here are 0 to {count - 1}" if count else "this machine has none"
            raise HwcoreError(f"{VARIABLE}={value}: there is no GPU {name}, {there}; {remedy}")
    if len({*names}) < len(names):
        raise HwcoreError(f"{VARIABLE}={value}: names a GPU twice, and CUDA would show none; {remedy}")
