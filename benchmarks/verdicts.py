"""How often verdicts are wrong, and how often they are given: simulated truth.

    python -m benchmarks.verdicts    # writes the tables of docs/verdicts.md

Each rule judges data sets of which the truth is known.  At an effect of 0 the truth lies on the bound of the claim,
where a verdict is most often false: neither *holds* nor *fails* may come out in more than one data set of twenty.  At
larger effects the share of data sets that are decided is the power.  Effects are in standard deviations of a replicate.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from hwcore.claims.rule import LEVEL
from hwcore.claims.rules import (
    best,
    comparison,
    no_difference,
    order,
    prediction_interval,
    reached_by,
    relation,
    reported_mean,
    share,
    threshold,
    trend_within,
)
from hwcore.files import write_text

PAGE = Path("docs/verdicts.md")
REPLICATES = (3, 5, 10, 100)
NOISES = ("normal", "skewed", "tied")
Array = NDArray[np.float64]
# p-values by data set: that the claim holds, and that it fails.
Outcome = tuple[Array, Array]
Simulation = Callable[[np.random.Generator, str, int, float, int], Outcome]
# Numbers of models, of points within a replicate, of runs behind a reported mean, and a margin in standard deviations.
_MODELS, _POINTS, _RUNS, _MARGIN = 4, 5, 5, 4.0

# Half of the unit to which reported numbers are rounded: a tenth of the spread.
_HALF = 0.05


def noise(rng: np.random.Generator, kind: str, *shape: int, plain: bool = False) -> Array:
    """Independent numbers of mean 0 and spread 1, on the scale on which a rule averages.

    normal; skewed, which are losses of a gamma distribution of skewness 1 and what is left of the skewness on the log
    scale (-0.53) unless the rule's scale is ``plain``; or tied, normal numbers rounded to steps of their spread.
    """
    if kind == "normal":
        return rng.normal(size=shape)
    if kind == "skewed":
        losses = rng.gamma(4.0, size=shape)
        if plain:
            return (losses - 4) / 2
        return np.asarray((np.log(losses) - special.digamma(4)) / np.sqrt(special.polygamma(1, 4)))
    # off the middle of a step, so that the steps are not symmetric
    shift = 0.25
    steps = np.arange(-9, 10)
    mean = float(np.sum(steps * (stats.norm.cdf(steps + 0.5 - shift) - stats.norm.cdf(steps - 0.5 - shift))))
    return np.asarray(np.round(rng.normal(size=shape) + shift) - mean)


def _threshold(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    return threshold.p_values(noise(rng, kind, sets, n) + effect, 0.0, np.inf)


def _plain_threshold(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    return threshold.p_values(noise(rng, kind, sets, n, plain=True) + effect, 0.0, np.inf)


def _prediction(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    reported = np.round(noise(rng, kind, sets) + effect, 1)
    p = prediction_interval.p_values(noise(rng, kind, sets, n), reported - _HALF, reported + _HALF)
    return np.nan_to_num(p, nan=1.0), np.ones(sets)


def _reported_mean(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    reported = np.round(noise(rng, kind, sets, _RUNS).mean(axis=1) + effect, 1)
    p = reported_mean.p_values(noise(rng, kind, sets, n), reported - _HALF, reported + _HALF, _RUNS)
    return np.nan_to_num(p, nan=1.0), np.ones(sets)


def _comparison(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int, paired: bool) -> Outcome:
    first, second = noise(rng, kind, sets, n), noise(rng, kind, sets, n)
    shared = noise(rng, kind, sets, n) if paired else 0.0
    return comparison.p_values(first + shared + effect, second + shared, 0.0, np.inf, paired=paired)


def _no_difference(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    first, second = (noise(rng, kind, sets, n, plain=True) for _ in range(2))
    return no_difference.p_values(first + _MARGIN - effect, second, _MARGIN, paired=False)


def _best(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    samples = [noise(rng, kind, sets, n) for _ in range(_MODELS)]
    return best.p_values([samples[0] + effect], samples[1:], paired=False)


def _best_of_two(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    """All others far behind: the worst case for a verdict that the claim holds."""
    samples = [noise(rng, kind, sets, n) for _ in range(_MODELS)]
    return best.p_values([samples[0] + effect], [samples[1], samples[2] - 99, samples[3] - 99], paired=False)


def _order(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    samples = [noise(rng, kind, sets, n) - effect * model for model in range(_MODELS)]
    return order.p_values(samples, paired=False)


def _order_of_two(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    """Only the last two close together: the worst case for a verdict that the claim holds."""
    far = [0.0, 99.0, 198.0, 198.0 + effect]
    return order.p_values([noise(rng, kind, sets, n) - shift for shift in far], paired=False)


def _trend(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int, models: int) -> Outcome:
    x = np.repeat(np.arange(models), n).astype(float)
    return _each([relation.p_values(x, noise(rng, kind, len(x)) + effect * x, 0.0, np.inf) for _ in range(sets)])


def _relation(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    outcomes = []
    for _ in range(sets):
        x = noise(rng, kind, _MODELS * n)
        outcomes.append(relation.p_values(x, noise(rng, kind, _MODELS * n) + effect * x, 0.0, np.inf))
    return _each(outcomes)


def _trend_within(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int) -> Outcome:
    points = effect * np.arange(_POINTS)
    blocks = noise(rng, kind, sets, n, _POINTS) + points
    ranks = stats.rankdata(blocks, axis=2)
    # what Page's test says depends on L and on whether there are ties, so that each case is tested once
    statistic = np.sum(ranks * np.arange(_POINTS), axis=(1, 2)) * 2
    cases = statistic + 0.5 * np.any(ranks % 1, axis=(1, 2))
    _, first, case = np.unique(cases, return_index=True, return_inverse=True)
    holds, fails = _each([trend_within.p_values(block) for block in blocks[first]])
    return holds[case], fails[case]


def _share(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int, bound: float) -> Outcome:
    """A hit is a number above the quantile of its distribution that leaves the share ``bound`` above it."""
    true = float(stats.norm.cdf(stats.norm.ppf(bound) + effect))
    return share.p_values(rng.binomial(n, true, size=sets), n, bound, 1.5)


def _reached(rng: np.random.Generator, kind: str, n: int, effect: float, sets: int, censored: bool) -> Outcome:
    """Times whose logarithm has a spread of 0.3, of which a fifth or none are longer than the training."""
    logs, draws = noise(rng, kind, 200_000), noise(rng, kind, sets, n) - effect
    last = float(np.quantile(logs, 0.8)) if censored else np.inf
    # with censoring the claim is about the median; tied times reach it or not in one step, so that a claim is false
    # just before the median, and true at it
    bounds = (np.median(logs) - 1e-9, np.median(logs)) if censored else (0.0, 0.0)
    times = 100 * np.exp(0.3 * np.where(draws > last, np.inf, draws))
    before, at = (
        reached_by.p_values(times, 100 * np.exp(0.3 * last), 0.0, 100 * float(np.exp(0.3 * bound))) for bound in bounds
    )
    return before[0], at[1]


def _each(outcomes: list[tuple[float, float]]) -> Outcome:
    holds, fails = zip(*outcomes, strict=True)
    return np.array(holds), np.array(fails)


SIMULATIONS: dict[str, Simulation] = {
    "threshold": _threshold,
    "threshold, plain scale": _plain_threshold,
    "reached-by": partial(_reached, censored=False),
    "reached-by, a fifth censored": partial(_reached, censored=True),
    "share above 0.5": partial(_share, bound=0.5),
    "share above 0.9": partial(_share, bound=0.9),
    "comparison": partial(_comparison, paired=False),
    "comparison, paired": partial(_comparison, paired=True),
    "no-difference": _no_difference,
    "best of 4": _best,
    "best of 2 and 2 far behind": _best_of_two,
    "order of 4": _order,
    "order of 4, 2 close together": _order_of_two,
    "trend over 3 models": partial(_trend, models=3),
    "trend over 4 models": partial(_trend, models=_MODELS),
    "trend-within, 5 points": _trend_within,
    "relation over 4 models": _relation,
    "prediction-interval": _prediction,
    "reported-mean of 5 runs": _reported_mean,
}
# These are not vectorised, or draw many numbers.
_SLOW = ("trend over 3 models", "trend over 4 models", "trend-within, 5 points", "relation over 4 models")
# Data sets for the tables, of rules that are vectorised and of those that are not: a standard error of at most 0.2 %
# and 0.5 % of false verdicts.
_SETS = (20_000, 2000)
_BEGIN, _END = "<!-- by python -m benchmarks.verdicts -->", "<!-- end -->"


def data_sets(rule: str, n: int) -> int:
    """How many data sets are simulated in a test: as many as take less than a second."""
    if rule in _SLOW:
        return 1000 if n <= 10 else 300
    return 4000


def rates(rule: str, kind: str, n: int, effect: float, sets: int, seed: int = 0) -> tuple[float, float]:
    """The shares of data sets of which the rule says that the claim holds, and that it fails."""
    rng = np.random.default_rng([seed, n, NOISES.index(kind)])
    holds, fails = SIMULATIONS[rule](rng, kind, n, effect, sets)
    return float(np.mean((holds <= LEVEL) & (holds <= fails))), float(np.mean((fails <= LEVEL) & (fails < holds)))


def false_verdicts(rule: str) -> str:
    """A row of the first table: per cent of false verdicts in the worse of both directions."""
    found = [max(rates(rule, noise, n, 0.0, _SETS[rule in _SLOW])) for noise in NOISES for n in REPLICATES]
    return _line([rule, *(f"{100 * share:.1f}" for share in found)])


def power(rule: str) -> str:
    """A row of the second table: per cent of data sets with normal noise that are decided, and rightly."""
    found = [rates(rule, "normal", n, effect, 2000)[0] for effect in (1.0, 3.0) for n in REPLICATES]
    return _line([rule, *(f"{100 * share:.0f}" for share in found)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(title: str, groups: Iterable[str], rows: Iterable[str]) -> str:
    heads = ["rule", *(f"{group}, n = {n}" for group in groups for n in REPLICATES)]
    return "\n".join([f"### {title}", "", _line(heads), _line(["---", *["--:"] * (len(heads) - 1)]), *rows])


def tables() -> str:
    """Both tables as Markdown."""
    return "\n\n".join(
        [
            _table("False verdicts, per cent of data sets", NOISES, map(false_verdicts, SIMULATIONS)),
            _table("Power, per cent of data sets that are decided", ("effect 1", "effect 3"), map(power, SIMULATIONS)),
        ]
    )


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    write_text(PAGE, f"{before}{_BEGIN}\n\n{tables()}\n\n{_END}{after}")


if __name__ == "__main__":
    main()
