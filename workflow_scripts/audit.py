"""Look up the pinned packages among known vulnerabilities: ``python -m workflow_scripts.audit requirements/run.txt …``.

In: lists of pins, and a database of vulnerabilities on the network.  Out: a line for each known vulnerability; the exit
code says whether there is any.  Where the database cannot be reached, that is said, and nothing else is known; any
other failure is one.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

# What pip-audit says where it cannot reach its database.
_UNREACHABLE = re.compile(r"connect|timed? ?out|resolve|resolution|network|proxy|ssl|http", re.IGNORECASE)


def told(found: Mapping[str, Any]) -> tuple[list[str], str]:
    """What pip-audit found: a line for each vulnerability, and a sentence on how many packages were looked up."""
    packages = found["dependencies"]
    known = [each for each in packages if "skip_reason" not in each]
    lines = [
        f"{each['name']} {each['version']}: {vulnerability['id']}"
        + (f", mended in {', '.join(versions)}" if (versions := vulnerability["fix_versions"]) else "")
        for each in known
        for vulnerability in each["vulns"]
    ]
    missing = len(packages) - len(known)
    looked_up = f"{len(known)} of {len(packages)} packages were looked up, {len(lines)} known vulnerabilities"
    return lines, looked_up + (f"; of {missing} nothing is known here: no database could be reached" if missing else "")


def main(lists: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format=json"]
    command += ["--progress-spinner=off", "--timeout=10", *(f"--requirement={path}" for path in lists)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        lines, summary = told(json.loads(done.stdout))
    except (ValueError, LookupError):
        said = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:200]
        if _UNREACHABLE.search(done.stderr):
            print(f"nothing is known of any package: no database could be reached ({said})")
            return 0
        print(f"error: the packages could not be looked up: {said}", file=sys.stderr)
        return 2
    print(*lines, summary, sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
