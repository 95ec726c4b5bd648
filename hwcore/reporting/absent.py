"""What a page says in the place of a figure that could not be drawn."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from hwcore.provenance import FAILED

_UP = "../"  # from results/<scale>/report/ to results/<scale>/


def note(figure: str, number: str, recipe: Mapping[str, Any]) -> str:
    """Markdown in the place of ``figure``, its path from the folder of the scale without suffix.

    Empty if the ``recipe`` tells of no failure.
    """
    if FAILED not in recipe:
        return ""
    log = f"logs/figure/{PurePosixPath(figure).relative_to('figures')}.log"
    # as code, so that nothing in a message is markup
    reason = recipe[FAILED].replace("`", "'")
    return f"**Figure {number} is missing.** It could not be drawn: `{reason}` ([log]({_UP}{log}))."
