"""Numbers as answers write them; no NumPy is needed to word a question."""

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def in_words(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def share(value: float) -> str:
    """A fraction in per cent with one decimal, more where it would be 0 or 100 and is not."""
    for digits in (1, 2, 3):
        text = f"{100 * value:.{digits}f}"
        if value in (0, 1) or float(text) not in (0, 100):
            break
    return f"{text} %".replace("-", "−")


def parameters(count: float) -> str:
    return f"{count:,.0f} parameters"


def layers(count: float) -> str:
    return f"{count:.0f} layer" + ("" if count == 1 else "s")
