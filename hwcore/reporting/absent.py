"""A figure that could not be drawn: what its page says in its place, and how the call ends."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from hwcore.files import read_json

# of a recipe: what the figure failed with, where it did
FAILED = "failed"
_UP = "../"  # from results/<scale>/report/ to results/<scale>/


def note(figure: str, number: str, recipe: Mapping[str, Any]) -> str:
    """Markdown in the place of ``figure``, its path from the folder of the scale without suffix."""
    log = f"logs/figure/{PurePosixPath(figure).relative_to('figures')}.log"
    # code, so that nothing in a message is markup; pandoc's own fence would end at the same number of backticks
    reason = recipe[FAILED].replace("`", "'")
    return f"**Figure {number} is missing.** It could not be drawn: `{reason}` ([log]({_UP}{log}))."


def undrawn(recipes: Iterable[Path]) -> dict[Path, str]:
    """What the figures failed with that have these recipes and could not be drawn."""
    read = {path: read_json(path) for path in recipes if path.is_file()}
    return {path: recipe[FAILED] for path, recipe in read.items() if FAILED in recipe}
