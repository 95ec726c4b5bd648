"""Numbers as answers write them; no NumPy is needed to word a question."""

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def in_words(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def share(value: float) -> str:
    """A fraction in per cent with one decimal, more where it would be 0 or 100 and is not."""
    digits = 1
    while value not in (0, 1) and digits < 4 and float(f"{100 * value:.{digits}f}") in (0, 100):
        digits += 1
    text = f"{100 * value:.{digits}f}" if value not in (0, 1) else f"{100 * value:.0f}"
    return f"{text} %".replace("-", "−")


def parameters(count: float) -> str:
    return f"{count:,.0f} parameters"


def layers(count: float) -> str:
    return f"{count:.0f} layer" + ("" if count == 1 else "s")
