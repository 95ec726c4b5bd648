"""Whether the figures of variants, which stand beside each other, can be compared by eye."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# The share of the longer of two axes that both must cover.
_COMMON = 0.6


def differ(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a panel of one figure has another vertical scale than that of the other figure in its place.

    Each is given by the axes in its recipe: ``limits``, and whether they are ``log``.
    """
    return any(_apart(one, other) for one, other in zip(first, second, strict=False))


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one["log"] != other["log"]:
        return True
    (low, high), (least, most) = (
        map(math.log, axis["limits"]) if axis["log"] else axis["limits"] for axis in (one, other)
    )
    return min(high, most) - max(low, least) < _COMMON * max(high - low, most - least)
