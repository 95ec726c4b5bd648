"""Numbers as answers write them; no NumPy is needed to word a question."""

import math

from hwcore.claims.words import PERCENT, number

Interval = tuple[float, float]

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def in_words(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def some_of(count: int, total: int, noun: str) -> str:
    """`four of five studies`, `both studies`, `the only study` or `no study`."""
    if count == 0:
        return f"no {noun}"
    if total == 1:
        return f"the only {noun}"
    several = "studies" if noun == "study" else f"{noun}s"
    if count == total == 2:
        return f"both {several}"
    # a phrase has words or digits
    part, whole = (in_words(each) if total < len(_NUMBERS) else f"{each:,}" for each in (count, total))
    return f"all {whole} {several}" if count == total else f"{part} of {whole} {several}"


def share(value: float, within: Interval | None = None) -> str:
    """A fraction in per cent with one decimal, more where it would be 0 or 100 and is not.

    It has none where claims show none for its interval ``within``.
    """
    digits = 1 if within is None or "." in PERCENT.number(value, within) else 0
    while value not in (0, 1) and digits < 4 and float(f"{100 * value:.{digits}f}") in (0, 100):
        digits += 1
    text = f"{100 * value:.{digits}f}" if value not in (0, 1) else f"{100 * value:.0f}"
    return f"{text} %".replace("-", "−")


def rounded(value: float, within: Interval | None = None) -> str:
    """Two significant digits, which claims show whatever the interval ``within``; at least all of the whole ones."""
    if not 1e-4 <= abs(value) < 1e5:
        return number(float(f"{value:.2g}"))
    digits = max(0, 1 - math.floor(math.log10(abs(float(f"{value:.2g}")))))
    return f"{value:,.{digits}f}".replace("-", "−")


def parameters(count: float) -> str:
    return f"{count:,.0f} parameters"


def layers(count: float) -> str:
    return f"{count:.0f} layer" + ("" if count == 1 else "s")
