"""Side-by-side measurements.

    make bench                    # all
    make bench NAME=mnist-mlp     # one
    make bench CONFIGFILE=my.yaml # with other sources of the data sets

Each module of this folder has WORKS: functions that measure one work and return its row.  A row
is the time of the plain way, that of hwcore and their ratio, both in one run of this process, in
turns, after a warm-up; a time is the median of several rounds.  Rows go to
benchmarks/results.json, and a Markdown table is printed.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import accuracy, augment, critical_points, data, landscape, scale, spectrum, stopping, train, vmap
from hwcore.errors import HwcoreError
from hwcore.files import write_json

RESULTS = Path("benchmarks/results.json")
MODULES = (train, vmap, augment, stopping, accuracy, critical_points, spectrum, landscape, scale)
Row = dict[str, Any]


def main() -> None:
    works: dict[str, Callable[[], list[Row]]] = {
        name: work for module in MODULES for name, work in module.WORKS.items()
    }
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(works)}; all if left out")
    parser.add_argument("--configfile", type=Path, help="a second configuration file, for the data sets")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in works]
    if unknown:
        parser.error(f"unknown {unknown[0]!r}; there are: {', '.join(works)}")
    data.configure(arguments.configfile)
    try:
        for name in arguments.names or works:
            _keep(works[name]())
    except HwcoreError as error:
        sys.exit(f"error: {error}")
    print(table(json.loads(RESULTS.read_text())))


def _keep(rows: list[Row]) -> None:
    """Each work is written when it is done, beside what other calls measured."""
    known = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.is_file() else {}
    write_json(RESULTS, list({**known, **{row["name"]: row for row in rows}}.values()))
    print(table(rows), flush=True)


def table(rows: list[Row]) -> str:
    """The rows as Markdown; those of other columns in tables of their own."""
    kinds: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        kinds.setdefault(tuple(row), []).append(row)
    lines = []
    for columns, same in kinds.items():
        lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_shown(column, row[column]) for column in columns) + " |" for row in same]
        lines.append("")
    return "\n".join(lines)


def _shown(column: str, value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if column.endswith("_s"):
        return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:.2f}" if column.endswith("ratio") else f"{value:.4g}"


if __name__ == "__main__":
    main()
