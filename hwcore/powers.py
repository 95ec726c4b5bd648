"""Numbers with powers of ten, as pages write them."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_powers(digits: str) -> str:
    """The digits that Python gives a number, without its `e`: `1.5e-07` is `1.5·10⁻⁷`, `1e-07` is `10⁻⁷`."""
    mantissa, _, exponent = digits.replace("-", "−", 1 if digits.startswith("-") else 0).partition("e")
    if not exponent:
        return mantissa
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return {"1": power, "−1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}")
