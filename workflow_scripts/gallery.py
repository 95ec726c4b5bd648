"""Write docs/gallery/ from finished results: ``python -m workflow_scripts.gallery [results/<scale>]``.

In: the plan, the judged claims and the figures of a scale.  Out: a page of the documentation for each
study, and their index.
"""

import sys
from pathlib import Path

from hwcore.errors import HwcoreError
from hwcore.reporting.gallery import gallery

if __name__ == "__main__":
    try:
        gallery(Path(sys.argv[1] if len(sys.argv) > 1 else "results/quick"), Path("docs/gallery"))
    except HwcoreError as error:
        sys.exit(f"error: {error}")
