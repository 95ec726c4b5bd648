"""Make a study that runs at once: `python -m workflow_scripts.new_study NAME`."""

import sys

from hwcore.errors import HwcoreError
from hwcore.studies.create import create

if __name__ == "__main__":
    try:
        made = create(sys.argv[1] if len(sys.argv) > 1 else "")
    except HwcoreError as error:
        sys.exit(f"error: {error}")
    print(f"{made}/ holds study.yaml and report.md; to make its report: make report STUDIES={made.name}")
