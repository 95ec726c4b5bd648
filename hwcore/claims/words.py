"""Measured numbers and sentences as reasons and pages print them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import takewhile

from hwcore.powers import in_powers

# What a variant does that has no such setting.
ABSENT = {"order of samples": "samples shuffled in every epoch", "modes": "training and evaluation modes as usual"}
# What is smaller is written in powers of ten.
_SMALL = 1e-4


def number(value: float, within: tuple[float, float] | None = None) -> str:
    """Four significant digits; of an estimate as many as say something.

    These are two digits of half the width of its interval ``within``, at least two of its own, and at most five.
    Thousands are separated.
    """
    if not math.isfinite(value):
        return "–"
    value += 0.0  # no minus before a zero
    if half := _half(within):
        decimals = max(_decimals(half, 2), _decimals(value, 2) if value else 0)
        decimals = min(decimals, _decimals(value, 5)) if value else decimals
    elif value == int(value) and abs(value) < 1e9:
        decimals = 0
    else:
        decimals = _decimals(value, 4)
    if value and not _SMALL <= abs(value) < 1e7:
        magnitude = 1 - _decimals(value, 2)
        return in_powers(f"{value:.{min(3, max(1, decimals + magnitude))}e}")
    return f"{value:,.{max(0, decimals)}f}".replace("-", "−")


def _hundredths(value: float, within: tuple[float, float] | None) -> str:
    """A number of per cent or points: two digits of half the width of its interval ``within``.

    These are at most two decimals, unless two would not tell the ends of the interval apart.
    """
    half = _half(within)
    if not half or not math.isfinite(value):
        text = number(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    decimals = max(0, min(_decimals(half, 2), max(2, _decimals(half, 1))))
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def _half(within: tuple[float, float] | None) -> float:
    """Half the width of an interval, 0 where there is none."""
    half = (within[1] - within[0]) / 2 if within else 0.0
    return half if half > 0 and math.isfinite(half) else 0.0


def stated(value: float) -> str:
    """A bound with the digits that it was given."""
    return in_powers(f"{value:,.9g}")


def _decimals(value: float, digits: int) -> int:
    """The decimals that give a number so many significant digits; below zero for large ones."""
    # of the rounded number: 0.0099999 is 0.01000
    return digits - 1 - math.floor(math.log10(abs(float(f"{value:.{digits}g}"))))


@dataclass(frozen=True)
class Unit:
    """In which numbers of a quantity are written: ``factor`` times what tables hold, with ``name`` behind them."""

    name: str = ""
    factor: int = 1

    def number(self, value: float, within: tuple[float, float] | None = None) -> str:
        return self._with_name(self._digits(value, within))

    def stated(self, value: float) -> str:
        """A bound with the digits that it was given."""
        return self._with_name(stated(self.factor * value))

    def reported(self, value: float | str) -> str:
        """A number as a report states it, with all of its digits; what is no number is as it is."""
        # YAML reads 250.0 and 250 alike as a number, and a float shows a digit that nobody stated
        text = f"{value:.0f}" if isinstance(value, float) and value == int(value) else str(value)
        try:
            digits = Decimal(text.replace(",", "")).scaleb(round(math.log10(self.factor)))
        except InvalidOperation:
            return text
        text = in_powers(f"{digits:e}") if 0 < abs(digits) < _SMALL else f"{digits:,f}".replace("-", "−")
        return self._with_name(text)

    def estimated(self, value: float, low: float, high: float, of: str = "") -> str:
        """A number with its interval; ``of`` says of what the interval is."""
        ends = (low, high)
        return f"{self.number(value, ends)} [{self._digits(low, ends)}, {self._digits(high, ends)}{of}]"

    def single(self, value: float) -> str:
        """The number of a single replicate, whose digits no interval supports."""
        digits = f"{round(self.factor * value, 1) + 0.0:,.1f}".replace("-", "−")
        return self.number(value) if self.factor == 1 else self._with_name(digits)

    def span(self, low: float, high: float) -> str:
        """An interval in a sentence."""
        return f"{self._digits(low, (low, high))} to {self.number(high, (low, high))}"

    def region(self, low: float, high: float) -> str:
        """`above 0.5`, `below 2` or `between 1 and 3`"""
        if math.isinf(high):
            return f"above {self.stated(low)}"
        if math.isinf(low):
            return f"below {self.stated(high)}"
        return f"between {stated(self.factor * low)} and {self.stated(high)}"

    def position(self, low: float, high: float, expected: tuple[float, float], verdict: str) -> str:
        """Where an interval lies, as a verb phrase: `lies above 0.5`, `contains 0.5`."""
        least, most = expected
        if verdict == "holds":
            return f"lies {self.region(least, most)}"
        if verdict == "fails":
            return f"lies above {self.stated(most)}" if low >= most else f"lies below {self.stated(least)}"
        inside = within(low, high, expected)
        if inside:
            return f"contains {listed([self.stated(bound) for bound in inside])}"
        side = "holds" if least < low and high < most else "fails"
        return f"{self.position(low, high, expected, side)}, but {SKEWED}"

    def beyond(self, what: str, low: float, high: float, domain: tuple[float, float] = (-math.inf, math.inf)) -> str:
        """`a mean of at least 3 or at most 1`, as far as these lie within the domain; empty where neither does."""
        ends = [f"at least {self.number(high, (low, high))}"] if high <= domain[1] else []
        ends += [f"at most {self.number(low, (low, high))}"] if low >= domain[0] else []
        return f"{what} of {listed(ends, 'or')}" if ends else ""

    def _digits(self, value: float, within: tuple[float, float] | None = None) -> str:
        written = number if self.factor == 1 else _hundredths
        return written(self.factor * value, within and (self.factor * within[0], self.factor * within[1]))

    def _with_name(self, digits: str) -> str:
        name = self.name.removesuffix("s") if digits in ("1", "−1") else self.name
        return f"{digits} {name}" if name else digits


PLAIN = Unit()
# of accuracies and other shares of a whole
PERCENT = Unit("%", 100)
# of the difference between two of these
POINTS = Unit("points", 100)
UNITS = {unit.name: unit for unit in (PLAIN, PERCENT, POINTS)}


def of_differences(unit: Unit) -> Unit:
    """That of the difference of two numbers in ``unit``."""
    return POINTS if unit == PERCENT else unit


# The rules whose numbers are of networks rather than of replicates.
OF_NETWORKS = ("share", "trend", "relation")
# Of what the interval of a rule is, if not of a mean.
_OF = {"prediction-interval": "a further run", "reported-mean": "a further mean of as many runs"}


def measured(unit: Unit, rule: str, value: float, low: float, high: float, n: int, absent: str) -> str:
    """What a rule measured, as a cell of a table: the number with its interval, or why there is none."""
    if not math.isfinite(value):
        return absent
    among = counted(n, "network") if rule in OF_NETWORKS else f"n = {n}"
    if low < high:
        return f"{unit.estimated(value, low, high, f' for {_OF[rule]}' if rule in _OF else '')}, {among}"
    if rule == "count":
        return unit.stated(value)
    if n == 1:
        return f"{unit.single(value)} (one replicate)"
    how = " (all equal)" if low == high else " (median)" if rule in ("reached-by", "prediction-interval") else ""
    return f"{unit.number(value)}{how}, {among}"


def told(unit: Unit, rule: str, value: float, low: float, high: float, n: int, absent: str) -> str:
    """The same in a sentence."""
    if not low < high:
        return measured(unit, rule, value, low, high, n, absent)
    of = f"{_OF[rule]}:" if rule in _OF else "95 % interval"
    return f"{unit.number(value, (low, high))} ({of} {unit.span(low, high)})"


def unreached(never: int, n: int) -> str:
    """Why there is no time at which something is reached, in short."""
    return "never reached" if never == n else f"not reached in {never:,} of {n:,}"


def percent(share: float) -> str:
    """A share in whole per cent; never 0 or 100 where it is not."""
    if 0 < share <= 0.005:
        return "less than 1 %"
    if 0.995 <= share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a, b and c`"""
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def short_names(labels: Sequence[str]) -> list[str]:
    """The first words of labels such as `CNN 2, 4 hidden layers`, or all of them if the first are not unique."""
    names = [re.split(", |: ", label)[0] for label in labels]
    return names if len({*names}) == len(names) else [*labels]


def capital(text: str) -> str:
    """``text`` with a capital letter, unless it begins with a symbol such as α."""
    return (text[:1].upper() if text[:1].isascii() else text[:1]) + text[1:]


def briefly(names: Sequence[str]) -> list[str]:
    """`learning rate 0.1, 0.01`: the first name whole, of the others what they do not begin with in common."""
    parts = [name.split() for name in names]
    alike = takewhile(lambda each: len({*each}) == 1, zip(*parts, strict=False))
    shared = min(sum(1 for _ in alike), min(map(len, parts)) - 1)
    return [names[0], *(" ".join(part[shared:]) for part in parts[1:])]


def several(names: Sequence[str]) -> list[str]:
    """`learning rates 0.1, 0.01`: as ``briefly``, in the plural where what they have in common is a noun."""
    first, *others = briefly(names)
    parts = first.split()
    shared = len(names[1].split()) - len(others[0].split())
    if shared and re.fullmatch("[a-z]+", parts[shared - 1]):
        noun = parts[shared - 1]
        # `samples` and `epochs` are in the plural
        parts[shared - 1] += "es" if noun.endswith(("ss", "x", "ch", "sh")) else "" if noun.endswith("s") else "s"
    return [" ".join(parts), *others]


def sentence(text: str) -> str:
    """``text`` with a capital letter and a full stop."""
    text = " ".join(text.split())
    return capital(text) + ("" if not text or text.endswith((".", "!", "?")) else ".")


def within(low: float, high: float, expected: tuple[float, float]) -> list[float]:
    """The bounds of what is expected that lie in an interval."""
    return [bound for bound in expected if math.isfinite(bound) and low <= bound <= high]


# Why a statement that an interval shows is undecided nevertheless.
SKEWED = "the replicates are too skewed to rely on it (Hall's test)"


def late(never: int, n: int, unit: str, first: float, last: float) -> str:
    """`2 of 5 replicates do not get there by epoch 100`, of trainings that end between ``first`` and ``last``."""
    by = f"{unit} {number(last)}" if first == last else f"their last {unit}, {number(first)} to {number(last)}"
    return f"{never} of {counted(n, 'replicate')} {'does' if never == 1 else 'do'} not get there by {by}"


def outlook(n: int, noun: str, what: str, shown: str, needed: int | None) -> str:
    """What ``n`` replicates (or networks) can show, and how many would decide: a sentence for an undecided claim.

    ``shown`` is which values of ``what``, such as a mean, they could show; empty if there are none.
    """
    able = f"With {counted(n, noun)}, {shown} could be shown with a probability of 80 %"
    if not shown:
        able = f"{counted(n, noun)} {'is' if n == 1 else 'are'} too few to show any {what} reliably"
    if needed is None:
        return f"{able}; what was measured lies too close to the bound for any feasible number of {noun}s."
    return f"{able}; to show what was measured would take {_about(needed)}."


def _about(number: int) -> str:
    """A whole number that is not known to its last digit: to two digits where it has more."""
    rounded = round(number, 2 - len(str(number)))
    return f"{rounded:,}" if rounded == number else f"about {rounded:,}"


def of_cut(trainings: str, why: str) -> str:
    """`After 1 epoch instead of 8, this says nothing against it.`"""
    return f"After {trainings}, this {why}."


# the same with any words, as hwcore.claims.cuts adds it to the reason of a verdict
_OF_CUT = re.compile(of_cut("[^.]*", "(?:decides|says) nothing[^.]*").removesuffix(".") + r"\.")


def about_cut(reason: str) -> str:
    """What the reason of a verdict says of trainings that a scale cuts, if it says so."""
    found = _OF_CUT.search(reason)
    return found[0] if found else ""
