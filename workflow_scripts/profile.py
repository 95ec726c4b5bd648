"""Tell where the time of a run went: ``python -m workflow_scripts.profile [results/<scale>]``.

In: the plan of a scale and what its jobs noted of their time.  Out: two tables on standard output.
"""

import sys
from pathlib import Path

from hwcore.jobs import plan_files
from hwcore.reporting.runtimes import longest, runtime_table, runtimes

if __name__ == "__main__":
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/quick")
    measured = runtimes(plan_files(results)) if results.is_dir() else []
    if not measured:
        sys.exit(f"error: {results}: no job was done there; run `snakemake --cores 8 report` first")
    print(runtime_table(measured), longest(measured), sep="\n\n")
