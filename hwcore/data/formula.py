"""Functions of one variable as formulas, such as ``sin(5*pi*x)/(5*pi*x)``.

A formula is read against a short list of names and operators, and never run as Python.  Its numbers are floats, so
that no power of whole numbers can fill the memory.  This module loads neither NumPy nor torch: study files are
checked at every call.
"""

import ast
import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from hwcore.data.spec import FunctionData

T = TypeVar("T")

VARIABLE = "x"
CONSTANTS = {"pi": math.pi, "e": math.e}
# By the names that they have in NumPy.
FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "arcsinh": math.asinh,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "floor": lambda x: float(math.floor(x)),
}


def _power(base: Any, exponent: Any) -> Any:
    """Raises ValueError for a negative number to the power of a fraction, which Python has as a complex one."""
    power = base**exponent
    if isinstance(power, complex):
        raise ValueError("complex")
    return power


_OPERATORS: Mapping[type[ast.operator], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: _power,
}
_LENGTH, _PARTS = 300, 100
# The largest number of float32, in which networks learn: what is above is infinite there.
LARGEST = (2 - 2**-23) * 2.0**127
# A formula is checked on an even grid of this many points, and on the grids of samples up to the larger number.
_CHECKED, _CHECKED_SAMPLES = 1001, 10_000


@dataclass(frozen=True)
class Formula:
    """A formula that was read; hwcore/data/notation.py writes it for a page."""

    tree: ast.expr

    def function(self, functions: Mapping[str, Callable[[T], T]]) -> Callable[[T], T]:
        """The function that it stands for, by those of ``FUNCTIONS`` for numbers or for arrays."""
        return _build(self.tree, functions)

    def gap(self, points: Iterable[float]) -> tuple[float, str] | None:
        """The first of the points where the formula has no finite value, and why; None if there is none."""
        function = self.function(FUNCTIONS)
        for x in points:
            try:
                value = function(x)
            except ZeroDivisionError:
                return x, "division by zero"
            except OverflowError:
                return x, "too large"
            except ValueError:
                return x, "outside of where a function is defined"
            if not math.isfinite(value):
                return x, "not a finite real number"
            if abs(value) > LARGEST:
                return x, "too large"
        return None


@lru_cache
def parse(text: str) -> Formula:
    """Read a formula of ``x``.

    Numbers, `pi` and `e`, the operators + - * / ** and the functions in ``FUNCTIONS`` may stand in it.

    Raises ValueError for whatever else does, and for a formula of more than 300 characters or 100 parts.
    """
    if len(text) > _LENGTH:
        raise ValueError(f"a formula of {len(text)} characters is too long; at most {_LENGTH} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        if product := re.search(r"(?<![\w.])(\d+(?:\.\d+)?)\s*([a-z(])", text):
            raise ValueError(f"{text!r} is not a formula; write {product[1]}*{product[2]}… for a product") from None
        raise ValueError(f"{text!r} is not a formula; write it like sin(5*pi*x)/(5*pi*x) or x**2 + 2*x") from None
    if sum(1 for _ in ast.walk(tree)) > 2 * _PARTS:
        raise ValueError(f"{text!r} has more than {_PARTS} parts")
    _check(tree, text)
    return Formula(tree)


def check(data: FunctionData) -> None:
    """Raises ValueError, of one line, for what is not a formula, for one without a finite value somewhere in the
    domain, and for values stated at points where it has one.

    The domain is checked on the grids of samples, on an even grid of 1,001 points and at 0; what a job draws at
    random is checked there.
    """
    for point, value in data.at.items():
        if not parse(data.function).gap([point]):
            raise ValueError(
                f"{data.function!r} has a value at x = {point:.15g} of its own; remove it from `at` ({value:.15g})"
            )
        if abs(value) > LARGEST:
            raise ValueError(f"at: {value:.15g}, the value at x = {point:.15g}, is too large for float32")
    counts = {"grid": (data.samples, data.test_samples), "subset": (data.grid or 1,), "uniform": ()}[data.sampling]
    gap = _first_gap(data.function, data.domain, (_CHECKED, *counts), frozenset(data.at))
    if gap:
        x, reason = gap
        raise ValueError(
            f"{data.function!r} has no value at x = {x:.15g} ({reason}); "
            f"state one with `at: {{{x:.15g}: …}}`, or choose another domain"
        )


@lru_cache
def _first_gap(
    function: str, domain: tuple[float, float], counts: tuple[int, ...], known: frozenset[float]
) -> tuple[float, str] | None:
    """Where a formula has no value on even grids of so many points, nor at 0, and why."""
    grids = [even(*domain, count) for count in counts if count <= _CHECKED_SAMPLES]
    zero = {0.0} if domain[0] <= 0 <= domain[1] else set()
    return parse(function).gap(sorted(zero.union(*grids) - known))


def even(low: float, high: float, count: int) -> Iterator[float]:
    """An even grid, in the very arithmetic of ``numpy.linspace``."""
    step = (high - low) / max(count - 1, 1)
    yield from (i * step + low for i in range(max(count - 1, 1)))
    if count > 1:
        yield high


def _check(node: ast.expr, text: str) -> None:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            _check_size(number, text)
        case ast.Name(id=name) if name in FUNCTIONS:
            raise ValueError(f"{text!r}: {name} is a function; write {name}(…)")
        case ast.Name(id=name):
            _check_name(name, {VARIABLE, *CONSTANTS}, text)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, text)
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"{text!r}: a power is written with **, as in x**2, not with ^")
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            _check(left, text)
            _check(right, text)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
            _check_name(name, FUNCTIONS, text)
            _check(argument, text)
        case ast.Call(func=ast.Name(id=name)):
            _check_name(name, FUNCTIONS, text)
            raise ValueError(f"{text!r}: {name} takes one argument")
        case _:
            raise ValueError(f"{text!r}: {ast.unparse(node)!r} cannot stand in a formula")


def _check_size(number: float, text: str) -> None:
    try:
        finite = math.isfinite(float(number))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"{text!r}: a number in it is too large")


def _check_name(name: str, known: Iterable[str], text: str) -> None:
    if name not in known:
        names = [VARIABLE, *CONSTANTS, *FUNCTIONS]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        raise ValueError(f"{text!r}: unknown name {name!r}{hint} (known: {', '.join(names)})")


def _build(node: ast.expr, functions: Mapping[str, Callable[[T], T]]) -> Callable[[T], T]:
    """The function that a checked tree stands for, as functions of functions."""
    match node:
        case ast.Name(id=name) if name == VARIABLE:
            return lambda x: x
        case ast.Name(id=name):
            return _constant(CONSTANTS[name])
        case ast.Constant(value=int() | float() as value):
            return _constant(float(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _build(operand, functions)
            return lambda x: operator.neg(inner(x))  # type: ignore[arg-type]
        case ast.UnaryOp(operand=operand):
            return _build(operand, functions)
        case ast.BinOp(left=left, op=sign, right=right):
            combine, first, second = _OPERATORS[type(sign)], _build(left, functions), _build(right, functions)
            return lambda x: combine(first(x), second(x))  # type: ignore[return-value]
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            outer, inner = functions[name], _build(argument, functions)
            return lambda x: outer(inner(x))
        case _:
            raise AssertionError(ast.dump(node))


def _constant(value: float) -> Callable[[T], T]:
    return lambda _: value  # type: ignore[return-value]
