"""How much a function of one variable varies, without NumPy: planning knows it at every call."""

from functools import lru_cache
from statistics import fmean, pvariance

from hwcore.data.formula import FUNCTIONS, even, parse
from hwcore.data.spec import FunctionData

_POINTS = 1001  # as many as a formula is checked on


def variance(data: FunctionData) -> float:
    """Of the values on an even grid over the domain: the mean squared error of the best constant."""
    return _variance(data.function, data.domain, tuple(data.at.items()))


@lru_cache
def _variance(function: str, domain: tuple[float, float], at: tuple[tuple[float, float], ...]) -> float:
    formula, known = parse(function).function(FUNCTIONS), dict(at)
    values = [known[x] if x in known else formula(x) for x in even(*domain, _POINTS)]
    return pvariance(values, fmean(values))
