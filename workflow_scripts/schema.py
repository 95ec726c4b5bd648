"""Write the JSON schema of study files for editors: ``python -m workflow_scripts.schema [--check]``.

Out: report/study.schema.json.  With ``--check`` nothing is written, and a schema that is older than the code is
told in a line, with exit status 1.
"""

import argparse
import json
import sys
from pathlib import Path

from hwcore.files import write_text
from hwcore.studies.json_schema import FILE, study_schema


def text() -> str:
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str], root: Path = Path()) -> str | None:
    """Write or check the schema under ``root``; returns what is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m workflow_scripts.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether the file is as the code has it")
    path = root / FILE
    if not parser.parse_args(arguments).check:
        write_text(path, text())
    elif not path.is_file() or path.read_text(encoding="utf-8") != text():
        return f"error: {FILE} is older than the code; run `make schema`"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
