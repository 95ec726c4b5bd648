"""Processes of this machine."""

import os


def lives(process: int) -> bool:
    """Whether there is a process of that number, of whoever it is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
