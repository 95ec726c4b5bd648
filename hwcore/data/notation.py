"""Formulas as pages write them: `sin(5πx)/(5πx)`, `sgn(sin(5πx))`, `2 cosh x`.

A module of its own, because no number depends on it.
"""

import ast
from collections.abc import Callable

from hwcore.data.formula import Formula
from hwcore.powers import SUPERSCRIPTS, in_powers

# How tightly parts of a formula hold together, as pages write it.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
# Where they differ from the names in formulas.
_WORDS = {"pi": "π", "sign": "sgn", "sqrt": "√"}


# The names of data sets that are written otherwise than they are typed.
_TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "emnist": "EMNIST",
    "qmnist": "QMNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "stl10": "STL-10",
}


def write_dataset(name: str) -> str:
    """The name of a data set as a sentence has it: MNIST, CIFAR-10."""
    return _TITLES.get(name, name)


def write(formula: Formula) -> str:
    """A formula as pages write it."""
    return _write(formula.tree)[0]


def _write(node: ast.expr) -> tuple[str, int]:
    """A checked tree as pages write it, and how tightly it holds together."""
    match node:
        case ast.Constant(value=int() | float() as value):
            number = write_number(float(value))
            return number, _PRODUCT if "·" in number else _ATOM
        case ast.Name(id=name):
            return _WORDS.get(name, name), _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"−{_inside(operand, _PRODUCT)}", _SUM
        case ast.UnaryOp(operand=operand):
            return _write(operand)
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            word, inner = _WORDS.get(name, name), _write(argument)[0]
            if not isinstance(argument, ast.Name):
                return f"{word}({inner})", _ATOM
            # `cos x/2` would not say what is halved, so that this holds together as a product does
            return (f"{word}{inner}", _POWER) if name == "sqrt" else (f"{word} {inner}", _PRODUCT)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
            joined = "+" if isinstance(sign, ast.Add) else "−"
            return f"{_inside(left, _SUM)} {joined} {_inside(right, _PRODUCT)}", _SUM
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _write_product(left, right, _inside), _PRODUCT
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"{_closed(left, _PRODUCT)}/{_closed(right, _POWER)}", _PRODUCT
        case ast.BinOp(left=left, right=right):
            return f"{_closed(left, _ATOM)}{_write_exponent(right)}", _POWER
        case _:
            raise AssertionError(ast.dump(node))


def _write_product(left: ast.expr, right: ast.expr, write_last: Callable[[ast.expr, int], str]) -> str:
    """`5πx` and `2 cosh x`; `x·sin x` where the first factor is not a number."""
    first, second = _closed(left, _PRODUCT), write_last(right, _PRODUCT if isinstance(right, ast.Call) else _POWER)
    if not _is_number(left) or second[0].isdigit():
        return f"{first}·{second}"
    return f"{first} {second}" if _begins_with_a_word(right) else f"{first}{second}"


def _begins_with_a_word(node: ast.expr) -> bool:
    """Whether it is a function or a power of one."""
    match node:
        case ast.BinOp(left=left, op=ast.Pow()):
            return _begins_with_a_word(left)
        case _:
            return isinstance(node, ast.Call)


def _is_number(node: ast.expr) -> bool:
    """Whether it is a product of numbers and π, which may stand before a name."""
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _is_number(left) and _is_number(right)
        case ast.Name(id=name):
            return name == "pi"
        case _:
            return isinstance(node, ast.Constant)


def _write_exponent(node: ast.expr) -> str:
    sign, number = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
    if isinstance(number, ast.Constant) and isinstance(number.value, int):
        return str(sign * number.value).translate(SUPERSCRIPTS)
    return f"^{_closed(node, _ATOM)}"


def _inside(node: ast.expr, tightness: int) -> str:
    text, strength = _write(node)
    return text if strength >= tightness else f"({text})"


def _closed(node: ast.expr, tightness: int) -> str:
    """As ``_inside``, and a function at the end has parentheses, as in `cos(x)/2` and `2 cos(x)/3`."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Name() as argument]):
            return f"{_WORDS.get(name, name)}({_write(argument)[0]})"
        case ast.BinOp(left=left, op=ast.Mult(), right=right) if tightness <= _PRODUCT:
            return _write_product(left, right, _closed)
        case _:
            return _inside(node, tightness)


def write_number(value: float) -> str:
    """A number as pages write it: `5`, `0.5`, `1.5·10⁻⁷`."""
    return in_powers(repr(value).replace(".0e", "e").removesuffix(".0"))
