"""Write the reference in docs/reference/ anew: `python -m workflow_scripts.reference`."""

import sys

from hwcore.errors import HwcoreError
from hwcore.reference import write

if __name__ == "__main__":
    try:
        write()
    except HwcoreError as error:
        sys.exit(f"error: {error}")
