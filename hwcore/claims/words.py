"""Measured numbers as reasons and pages print them."""

import math


def number(value: float) -> str:
    """Four significant digits; thousands separated."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", "−")
    if 1e-3 <= abs(value) < 1e5:
        digits = max(0, 3 - math.floor(math.log10(abs(value))))
        return f"{value:,.{digits}f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def estimated(value: float, low: float, high: float, n: int) -> str:
    """A number with its interval and the number of replicates."""
    if not math.isfinite(value):
        return "no number"
    if low == high:
        return number(value)
    if not math.isfinite(low):
        return f"{number(value)} (one replicate)"
    return f"{number(value)} [{number(low)}, {number(high)}], n = {n}"
