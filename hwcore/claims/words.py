"""Measured numbers and sentences as reasons and pages print them."""

import math
from collections.abc import Sequence


def number(value: float) -> str:
    """Four significant digits; thousands separated."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", "−")
    if 1e-3 <= abs(value) < 1e5:
        # of the rounded number: 0.0099999 is 0.01000
        digits = max(0, 3 - math.floor(math.log10(abs(float(f"{value:.4g}")))))
        return f"{value:,.{digits}f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def estimated(value: float, low: float, high: float, n: int) -> str:
    """A number with its interval and the number of replicates."""
    if not math.isfinite(value):
        return "no number"
    if low == high:
        return number(value)
    if not math.isfinite(low):
        return f"{number(value)} (one replicate)" if n == 1 else number(value)
    return f"{number(value)} [{number(low)}, {number(high)}], n = {n}"


def span(low: float, high: float) -> str:
    """An interval in a sentence."""
    return f"{number(low)} to {number(high)}"


def percent(share: float) -> str:
    """A share in whole per cent; never 0 or 100 where it is not."""
    if 0 < share < 0.005:
        return "less than 1 %"
    if 0.995 < share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a, b and c`"""
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def sentence(text: str) -> str:
    """``text`` with a capital letter and a full stop."""
    text = " ".join(text.split())
    return text if not text else text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def region(low: float, high: float) -> str:
    """`above 0.5`, `below 2` or `between 1 and 3`"""
    if math.isinf(high):
        return f"above {number(low)}"
    if math.isinf(low):
        return f"below {number(high)}"
    return f"between {number(low)} and {number(high)}"


def position(low: float, high: float, expected: tuple[float, float], verdict: str) -> str:
    """Where an interval lies, as a verb phrase: `lies above 0.5`, `contains 0.5`."""
    least, most = expected
    if verdict == "holds":
        return f"lies {region(least, most)}"
    if verdict == "fails":
        return f"lies above {number(most)}" if low >= most else f"lies below {number(least)}"
    inside = [bound for bound in (least, most) if math.isfinite(bound) and low <= bound <= high]
    if inside:
        return f"contains {listed([number(bound) for bound in inside])}"
    side = "holds" if least < low and high < most else "fails"
    return f"{position(low, high, expected, side)}, but the replicates are too skewed to rely on it (Hall's test)"


def late(never: int, n: int, unit: str, last: float) -> str:
    """`2 of 5 replicates do not get there by epoch 100`"""
    return (
        f"{never} of {counted(n, 'replicate')} {'does' if never == 1 else 'do'} not get there by {unit} {number(last)}"
    )


def outlook(n: int, noun: str, shown: str, needed: int | None) -> str:
    """What ``n`` replicates (or networks) can show, and how many would decide: a sentence for an undecided claim."""
    able = f"{counted(n, noun)} would show {shown} four times in five"
    if needed is None:
        return f"{able}; what was measured lies too close to the bound for any feasible number of {noun}s."
    return f"{able}, and {counted(needed, noun)} would show what was measured."


def beyond(what: str, low: float, high: float, domain: tuple[float, float] = (-math.inf, math.inf)) -> str:
    """`a mean of at least 3 or at most 1`, as far as these lie within the domain."""
    ends = [f"at least {number(high)}"] if high <= domain[1] else []
    ends += [f"at most {number(low)}"] if low >= domain[0] else []
    return f"{what} of {listed(ends, 'or')}" if ends else f"no {what.partition(' ')[2]}"
