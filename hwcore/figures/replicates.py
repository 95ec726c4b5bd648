"""How many replicates are few: each of these is shown, and no interval.  The words for either."""

FEW = 5

_GEOMETRIC = "; means on logarithmic axes are geometric"


def lines(replicates: int, name: str = "replicates", *, log: bool = False) -> str:
    """The words for lines that are means over replicates, whose number is the setting of that name.

    ``log`` where an axis may be logarithmic.
    """
    if replicates == 1:
        return "Each line is a single run, without an interval."
    more = _GEOMETRIC if log else ""
    if replicates <= FEW:
        return f"Thick lines are means over {{{name}}} replicates, thin lines the replicates themselves{more}."
    return f"Lines are means over {{{name}}} replicates, bands their 95 % intervals{more}."


def points(replicates: int, *, log: bool = False) -> str:
    """The words for points that are means over replicates."""
    if replicates == 1:
        return "Each point is a single run, without an interval."
    more = _GEOMETRIC if log else ""
    if replicates <= FEW:
        return f"Large points are means over {{replicates}} replicates, small ones the replicates themselves{more}."
    return f"Points are means over {{replicates}} replicates, bars their 95 % intervals{more}."
