"""Results of other versions of hwcore: brought up to date, or refused before anything of them changes."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_json, write_text

_RESULTS = Path("results")
_FORMAT = _RESULTS / "format.json"


def _remove_pickled_states() -> None:
    """The states of unfinished trainings were written by torch.save; those trainings start anew."""
    for path in _RESULTS.glob("*/runs/**/unfinished/*.pt"):
        path.unlink()


def _share_data_plan() -> None:
    """Data sets were planned for each scale; all scales share one plan of them.

    Snakemake's records have the command of each job, and with it the plan: another one would prepare the data again,
    and train again all that was trained on them.
    """
    for path in _RESULTS.glob("*/plan/data.json"):
        path.unlink()
    for record in filter(Path.is_file, (_RESULTS / ".snakemake").rglob("*")):
        text = record.read_text()
        if "/plan/data.json" in text:
            write_text(record, re.sub(r"results/[^/\s]+/plan/data\.json", "results/plan/data.json", text))


# What brings a folder from the version before to each version.
_STEPS: Mapping[int, Callable[[], None]] = {1: _remove_pickled_states, 2: _share_data_plan}
VERSION = max(_STEPS)


def bring_up_to_date(*, dry: bool = False) -> None:
    """Let results/ have the format of this version; one that says none is older than the first that does.

    A ``dry`` run only checks that they are not newer.

    Raises HwcoreError for results of a newer version, and OSError if the folder cannot be written.
    """
    if not _FORMAT.exists():
        found = 0 if any(_RESULTS.glob("*/plan")) else VERSION
    else:
        found = _version()
        if found == VERSION:
            return
    if found > VERSION:
        raise HwcoreError(
            f"{_RESULTS}/: was made by a newer hwcore (format {found}, this one knows {VERSION}); use that one, "
            "or move the folder away"
        )
    if dry and found < VERSION:
        return
    for version in range(found + 1, VERSION + 1):
        _STEPS[version]()
    write_json(_FORMAT, {"version": VERSION})


def _version() -> int:
    try:
        found = read_json(_FORMAT)["version"]
        if isinstance(found, int) and found > 0:
            return found
    except (ValueError, LookupError, TypeError):
        pass
    raise HwcoreError(
        f"{_FORMAT}: is damaged; delete it if this version of hwcore made the results, else move {_RESULTS}/ away"
    )
