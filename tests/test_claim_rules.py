"""The statistics of each rule beside software and published examples that we did not write."""

from itertools import pairwise, product
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind, ttost_paired

from hwcore.claims import student
from hwcore.claims.concordance import Correlation, kendall
from hwcore.claims.contests import share_in_order, share_of_combinations
from hwcore.claims.ledger import holm
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
from hwcore.claims.scales import transform
from hwcore.claims.words import briefly

Array = NDArray[np.float64]
# Measured lengths of nine sepals and of nine others (Fisher's irises): any two samples would do.
A = np.array([5.1, 4.9, 4.7, 4.6, 5.0, 5.4, 4.6, 5.0, 4.4])
B = np.array([5.2, 5.5, 4.8, 5.6, 4.9, 5.9, 5.3, 5.7, 4.7])
SKEWED = np.array([0.3, 0.5, 0.9, 1.4, 4.1])


@pytest.mark.parametrize("values", [A, B, SKEWED])
@pytest.mark.parametrize("bound", [0.5, 4.5, 5.0])
def test_students_t_of_a_mean(values: Array, bound: float) -> None:
    found = student.mean(values)
    low, high = DescrStatsW(values).tconfint_mean()
    assert found.interval() == pytest.approx((low, high))
    # the larger of two p-values, of which Student's is one
    for side, p in (("larger", found.above(bound)), ("smaller", found.below(bound))):
        _, students, _ = DescrStatsW(values).ttest_mean(bound, alternative=side)
        assert p >= students * (1 - 1e-9)
    symmetric = np.concatenate([values, 2 * values.mean() - values])
    _, p, _ = DescrStatsW(symmetric).ttest_mean(bound, alternative="larger")
    assert student.mean(symmetric).above(bound) >= p * (1 - 1e-9)


@pytest.mark.parametrize("bound", [0.5, 1.0, 3.0, 9.0])
def test_halls_transform_of_t(bound: float) -> None:
    """In the form of the paper: (√n / a) ((1 + a t / (3 √n))³ - 1) + a / (6 √n), a the unbiased skewness."""
    n, s = len(SKEWED), SKEWED.std(ddof=1)
    t = (SKEWED.mean() - bound) / (s / np.sqrt(n))
    a = n**2 / ((n - 1) * (n - 2)) * stats.moment(SKEWED, 3) / s**3
    cubic = np.sqrt(n) / a * ((1 + a * t / (3 * np.sqrt(n))) ** 3 - 1) + a / (6 * np.sqrt(n))
    assert student.mean(SKEWED).above(bound) == pytest.approx(stats.t.sf(min(t, cubic), n - 1))
    assert student.mean(SKEWED).below(bound) == pytest.approx(stats.t.cdf(max(t, cubic), n - 1))
    # the cubic counts: this sample is skewed, so that Student's test is too sure that the mean is small
    assert student.mean(SKEWED).below(9.0) > stats.ttest_1samp(SKEWED, 9.0, alternative="less").pvalue


@given(st.lists(st.floats(-9, 9).map(lambda x: round(x, 2)), min_size=3, max_size=9), st.floats(0.1, 20))
@settings(max_examples=60, deadline=None)
def test_a_bound_that_is_further_away_is_never_less_certain(values: list[float], step: float) -> None:
    found = student.mean(np.array(values))
    p = [float(found.above(np.mean(values) - step * k)) for k in range(6)]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(p))


def test_welchs_t_of_a_difference() -> None:
    found = student.difference(A, B)
    theirs = stats.ttest_ind(A, B, equal_var=False)
    assert found.interval() == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.interval() == pytest.approx(
        CompareMeans(DescrStatsW(A), DescrStatsW(B)).tconfint_diff(usevar="unequal")
    )
    assert found.freedom == pytest.approx(theirs.df)
    for bound, side in ((0.0, "greater"), (-1.0, "less")):
        p = stats.ttest_ind(A, B + bound, equal_var=False, alternative=side).pvalue
        assert float(found.above(bound) if side == "greater" else found.below(bound)) == pytest.approx(p)


def test_a_published_example_of_welch() -> None:
    """Two samples of the article on Welch's t-test of Wikipedia, example 1: t = -2.46, ν = 25.0, P = 0.021."""
    one = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    two = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4]
    found = student.difference(np.array(one), np.array(two))
    assert float(found.value / found.error) == pytest.approx(-2.46, abs=0.005)
    assert float(found.freedom) == pytest.approx(25.0, abs=0.05)
    holds, _ = comparison.p_values(np.array(one), np.array(two), -np.inf, 0.0, paired=False)
    assert float(holds) == pytest.approx(0.021, abs=0.0005)


def test_many_data_sets_at_once_are_judged_as_each_alone() -> None:
    sets = np.random.default_rng(0).gamma(2.0, size=(7, 4))
    holds, fails = threshold.p_values(sets, 1.0, 3.0)
    alone = [threshold.p_values(one, 1.0, 3.0) for one in sets]
    assert holds == pytest.approx([float(each[0]) for each in alone])
    assert fails == pytest.approx([float(each[1]) for each in alone])


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("margin", [0.2, 0.6, 2.0])
def test_equivalence_is_that_of_statsmodels(paired: bool, margin: float) -> None:
    # pairs whose differences are symmetric, so that Hall's test agrees with Student's
    first = np.array([5.0, 5.2, 4.7, 5.4, 4.9, 5.1])
    second = first - np.array([-0.1, -0.3, -0.2, 0.2, 0.3, 0.1])
    holds, _ = no_difference.p_values(first, second, margin, paired=paired)
    if paired:
        theirs = ttost_paired(first, second, -margin, margin)[0]
        bend = float(student.mean(first - second).bend)
        assert bend == pytest.approx(0, abs=1e-12)
    else:
        theirs = ttost_ind(first, second, -margin, margin, usevar="unequal")[0]
    assert float(holds) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 10), (8, 8), (57, 100)])
def test_the_interval_of_a_share(hits: int, n: int) -> None:
    theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert share.interval(hits, n) == pytest.approx((theirs.low, theirs.high))
    assert share.interval(hits, n) == pytest.approx(proportion_confint(hits, n, 0.05, method="beta"))
    for bound in (0.1, 0.5, 0.9):
        holds, fails = share.p_values(hits, n, bound, np.inf)
        greater = stats.binomtest(hits, n, bound, alternative="greater").pvalue
        less = stats.binomtest(hits, n, bound, alternative="less").pvalue
        assert (float(holds), float(fails)) == pytest.approx((min(1, 2 * greater), min(1, 2 * less)))


@given(st.integers(1, 40), st.data(), st.floats(0.02, 0.98))
@settings(max_examples=60, deadline=None)
def test_a_share_is_shown_where_its_interval_says_so(n: int, data: st.DataObject, bound: float) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = share.interval(hits, n)
    holds, fails = share.p_values(hits, n, bound, np.inf)
    if min(abs(low - bound), abs(high - bound)) > 1e-9:
        assert (float(holds) < 0.05) == (low > bound)
        assert (float(fails) < 0.05) == (high < bound)


def test_the_example_of_brunner_and_munzel() -> None:
    """Pain scores of their paper; R's lawstat gives 0.788961 with the interval 0.5952169 to 0.9827052."""
    yellow = np.array([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], dtype=float)
    other = np.array([3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4], dtype=float)
    assert comparison.superiority(other, yellow) == pytest.approx((0.788961, 0.5952169, 0.9827052), abs=1e-6)
    effect, low, _ = comparison.superiority(A, B)
    p = stats.brunnermunzel(A, B).pvalue
    assert effect == pytest.approx(stats.mannwhitneyu(A, B).statistic / len(A) / len(B))
    assert (low < 0.5 < comparison.superiority(A, B)[2]) == (p > 0.05)


def test_samples_that_do_not_overlap_leave_room_for_doubt() -> None:
    assert comparison.superiority(np.array([3.0, 4, 5]), np.array([0.0, 1, 2])) == pytest.approx(
        (1, 0.025 ** (1 / 3), 1)
    )
    assert comparison.superiority(np.array([0.0, 1, 2]), np.array([3.0, 4, 5])) == pytest.approx(
        (0, 0, 1 - 0.025 ** (1 / 3))
    )


@pytest.mark.parametrize("values", [A, SKEWED])
@pytest.mark.parametrize("runs", [1, 5])
def test_a_prediction_interval_is_that_of_a_regression(values: Array, runs: int) -> None:
    fit = OLS(values, np.ones_like(values)).fit()
    low, high = fit.get_prediction(np.ones((1, 1)), row_labels=["x"], weights=runs).conf_int(obs=True)[0]
    for reported, inside in ((low, True), (high, True), (low - 1e-6, False), (high + 1e-6, False)):
        if runs == 1:
            p = prediction_interval.p_values(values, reported, reported)
        else:
            p = reported_mean.p_values(values, reported, reported, runs)
        assert float(p) == pytest.approx(0.05, abs=1e-5)
        assert bool(p >= 0.05 - 1e-12) == inside


def test_the_interval_of_a_new_run_has_the_widths_of_the_table() -> None:
    """In units of the spread, ± 4.97 with 3 replicates, 3.04 with 5 and 2.37 with 10."""
    for n, width in ((3, 4.97), (5, 3.04), (10, 2.37)):
        values = np.linspace(-1, 1, n)
        values /= values.std(ddof=1)
        assert float(prediction_interval.p_values(values, width, width)) == pytest.approx(0.05, abs=0.0005)


def test_a_reported_mean_with_its_spread_is_students_test_from_summaries() -> None:
    theirs = stats.ttest_ind_from_stats(A.mean(), A.std(ddof=1), len(A), 5.3, 0.4, 6, equal_var=True).pvalue
    assert float(reported_mean.p_values(A, 5.3, 5.3, 6, 0.4)) == pytest.approx(theirs)


def test_rounding_gives_a_reported_number_room() -> None:
    high = 5.0 + 2.9
    assert float(prediction_interval.p_values(A, 5.0, high)) > float(prediction_interval.p_values(A, high, high))
    assert float(prediction_interval.p_values(A, 4.8, 4.9)) == 1.0


# Motivation by knowledge of performance (Hollander & Wolfe 1999, table 6.6): J = 79, and with the ties P = 0.0207.
KNOWLEDGE = ([40, 35, 38, 43, 44, 41], [38, 40, 47, 44, 40, 42], [48, 40, 45, 43, 46, 44])


def test_the_example_of_jonckheeres_test() -> None:
    x = np.repeat([0.0, 1.0, 2.0], 6)
    y = np.concatenate(KNOWLEDGE).astype(float)
    found = kendall(x, y)
    pairs = 3 * 36
    assert (found.value * pairs + pairs) / 2 == pytest.approx(79)
    holds, fails = relation.p_values(x, y, 0.0, np.inf)
    assert holds / 2 == pytest.approx(0.0207, abs=0.0001)
    assert fails == 1.0


@given(st.integers(4, 14), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_kendalls_tau_is_that_of_scipy(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, n).astype(float), rng.integers(0, 9, n).astype(float)
    if len(np.unique(x)) > 1 and len(np.unique(y)) > 1:
        found, theirs = kendall(x, y), stats.kendalltau(x, y, method="asymptotic")
        # where all pairs agree, SciPy's standard error is the root of a rounding error
        with np.errstate(invalid="ignore", divide="ignore"):
            assert found.value == pytest.approx(stats.somersd(x, y).statistic)
        holds, fails = relation.p_values(x, y, 0.0, np.inf)
        assert min(holds, fails) == pytest.approx(theirs.pvalue)


@given(st.floats(-0.99, 0.99), st.floats(0.001, 0.5), st.floats(-0.95, 0.95))
@settings(max_examples=80, deadline=None)
def test_the_interval_of_tau_holds_what_its_test_does_not_refute(value: float, variance: float, bound: float) -> None:
    found = Correlation(value, variance)
    low, high = found.interval
    assert -1 <= low <= high <= 1
    if min(abs(bound - low), abs(bound - high)) > 1e-6:
        assert (2 * min(found.above(bound), found.below(bound)) > 0.05) == (low < bound < high)


# Ratings of ten raters (Page 1963 by way of SciPy's documentation): L = 133.5, p = 0.00182.
RATINGS = np.array(
    [[3, 4, 3], [2, 2, 4], [3, 3, 5], [1, 3, 2], [2, 3, 2], [2, 4, 5], [1, 2, 4], [3, 4, 4], [2, 4, 5], [1, 3, 4]],
    dtype=float,
)


def test_the_example_of_pages_test() -> None:
    holds, fails = trend_within.p_values(RATINGS)
    assert holds / 2 == pytest.approx(0.00182, abs=0.00001)
    assert fails == 1.0
    assert trend_within.p_values(RATINGS[:, ::-1])[1] == pytest.approx(holds)
    # its statistic and the mean of Spearman's ρ that is reported are linear functions of each other
    blocks = np.random.default_rng(1).normal(size=(8, 5))
    rho = np.mean([stats.spearmanr(block, np.arange(5)).statistic for block in blocks])
    statistic = stats.page_trend_test(blocks).statistic
    assert statistic == pytest.approx(8 * (5 * 6 * 11 / 6 - 5 * 24 / 12 * (1 - rho)))


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_shares_of_combinations_are_counts_of_all_of_them(seed: int, models: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, 6, n).astype(float) for _ in range(models)]
    combinations = list(product(*samples))
    first = [(max(c[:1]) > max(c[1:])) + (max(c[:1]) == max(c[1:])) / 2 for c in combinations]
    assert share_of_combinations(samples[:1], samples[1:]) == pytest.approx(np.mean(first))
    if models > 2:
        two = [(max(c[:2]) > max(c[2:])) + (max(c[:2]) == max(c[2:])) / 2 for c in combinations]
        assert share_of_combinations(samples[:2], samples[2:]) == pytest.approx(np.mean(two))
    falling = [all(a > b for a, b in pairwise(c)) for c in combinations]
    assert share_in_order(samples) == pytest.approx(np.mean(falling))


def three_models(gap: float) -> list[Array]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=6) + gap, rng.normal(size=6), rng.normal(size=6)]


@pytest.mark.parametrize("gap", [-3.0, 0.5, 1.5, 4.0])
def test_the_best_is_better_than_each_of_the_others(gap: float) -> None:
    samples = three_models(gap)
    holds, fails = best.p_values(samples[:1], samples[1:], paired=False)
    against = [
        stats.ttest_ind(samples[0], other, equal_var=False, alternative="greater").pvalue for other in samples[1:]
    ]
    assert float(holds) == pytest.approx(min(1, 2 * max(against)))
    # one of the two others must beat it
    theirs = [stats.ttest_ind(one, samples[0], equal_var=False, alternative="greater").pvalue for one in samples[1:]]
    assert float(fails) == pytest.approx(min(1, 2 * 2 * min(theirs)))
    # Dunnett's test, with one spread for all and for many comparisons, agrees where it is sure
    dunnett = stats.dunnett(*samples[1:], control=samples[0], alternative="less", rng=np.random.default_rng(0)).pvalue
    if max(dunnett) < 0.005:
        assert float(holds) < 0.05
    if min(dunnett) > 0.2:
        assert float(holds) > 0.05


def test_an_order_is_refuted_by_holms_smallest_p_value() -> None:
    samples = three_models(-3.0)
    holds, fails = order.p_values(samples, paired=False)
    rises = [stats.ttest_ind(two, one, equal_var=False, alternative="greater").pvalue for one, two in pairwise(samples)]
    assert float(fails) == pytest.approx(min(1, 2 * min(multipletests(rises, method="holm")[1])))
    assert float(holds) == 1.0
    falls = [
        stats.ttest_ind(one, two, equal_var=False, alternative="greater").pvalue for one, two in pairwise(samples[::-1])
    ]
    assert float(order.p_values(samples[::-1], paired=False)[0]) == pytest.approx(min(1, 2 * max(falls)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_holms_correction_is_that_of_statsmodels(p: list[float]) -> None:
    # it collects garbage at each call, which takes a third of a second once a process has loaded much
    with mock.patch("gc.collect"):
        expected = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(expected)
    mixed = holm([float("nan"), *p])
    assert np.isnan(mixed[0])
    assert mixed[1:] == pytest.approx(holm(p))


def test_a_time_that_some_do_not_reach_is_judged_by_the_sign_test() -> None:
    times = np.array([3.0, 4, 5, 6, 7, 8, 9, np.inf, np.inf])
    holds, fails = reached_by.p_values(times, 20.0, 0.0, 9.0)
    assert float(holds) == pytest.approx(2 * stats.binomtest(7, 9, alternative="greater").pvalue)
    assert float(fails) == 1.0
    # whether those that do not get there by 20 do by 30 is not known
    assert [float(tail) for tail in reached_by.p_values(times, 20.0, 0.0, 30.0)] == pytest.approx(
        [2 * stats.binomtest(7, 9, alternative="greater").pvalue, 1.0]
    )
    never = np.full(8, np.inf)
    assert float(reached_by.p_values(never, 20.0, 0.0, 20.0)[1]) == pytest.approx(2 * 0.5**8)
    assert float(reached_by.p_values(never, 20.0, 0.0, 21.0)[1]) == 1.0
    there = times[:7]
    assert reached_by.p_values(there, 20.0, 0.0, 9.0) == pytest.approx(
        threshold.p_values(np.log(there), -np.inf, np.log(9.0))
    )


@pytest.mark.parametrize(
    ("scale", "values", "theirs"),
    [
        ("log", [0.1, 2.0], [np.log(0.1), np.log(2.0)]),
        ("logit", [0.1, 0.98], list(stats.logistic.ppf([0.1, 0.98]))),
        ("fisher", [-0.5, 0.9], list(np.arctanh([-0.5, 0.9]))),
    ],
)
def test_scales(scale: str, values: list[float], theirs: list[float]) -> None:
    found = transform(scale, values)
    assert found.to(values) == pytest.approx(theirs)
    assert found.back(found.to(values)) == pytest.approx(values)
    assert not found.note
    outside = transform(scale, [*values, 1.0 if scale != "log" else 0.0])
    assert (outside.scale, bool(outside.note)) == ("linear", True)


@pytest.mark.parametrize("difference", [0.0, 0.3])
def test_the_replicates_needed_for_equality_have_the_power_that_is_promised(difference: float) -> None:
    random = np.random.default_rng(0)

    def power(n: int, margin: float) -> float:
        samples = random.normal(size=(2, 20_000, n))
        holds, _ = no_difference.p_values(samples[0] + difference, samples[1], margin, paired=False)
        return float((holds <= 0.05).mean())

    n = student.equality_needed(1.0, difference, np.sqrt(2), 2, samples=2)
    assert n is not None
    assert power(n, 1.0) >= 0.79
    assert power(n - 2, 1.0) < 0.8
    if not difference:
        assert power(10, student.equality_shown(10, np.sqrt(2), samples=2)) == pytest.approx(0.8, abs=0.015)
    assert student.equality_needed(1.0, 1.0, 1.0, 2) is None


def test_the_replicates_needed_have_the_power_that_is_promised() -> None:
    """Statsmodels has the exact power of the t-test."""
    for distance in (0.5, 1.0, 2.0):
        n = student.replicates_needed(distance, 1.0, 2)
        assert n is not None
        with_n, with_fewer = (TTestPower().power(distance, k, 0.05, alternative="two-sided") for k in (n, n - 1))
        assert with_n >= 0.8 > with_fewer
        assert student.shown(n, 1.0) <= distance < student.shown(n - 1, 1.0)
        assert student.replicates_needed(distance, 1.0, n) == n + 1
    assert student.replicates_needed(1e-6, 1.0, 2) is None
    assert student.replicates_needed(0.0, 1.0, 2) is None
    # as many as anybody trains, and no more
    largest = student.shown(student.MOST_REPLICATES, 1.0)
    assert student.replicates_needed(1.0001 * largest, 1.0, 2) == pytest.approx(student.MOST_REPLICATES, rel=1e-3)
    assert student.replicates_needed(0.9999 * largest, 1.0, 2) is None
    for share_, bound in ((0.8, 0.5), (0.95, 0.9)):
        found = share.networks_needed(share_, bound)
        assert found is not None
        hits = np.arange(found + 1)
        shown = np.minimum(*share.p_values(hits, found, bound, np.inf)) <= 0.05
        assert stats.binom.pmf(hits[shown], found, share_).sum() == pytest.approx(0.8, abs=0.06)
    # 36 of 36 are the fewest that show more than nine of ten, and 35 are not
    assert share.networks_needed(1.0, 0.9) == 36
    assert float(share.p_values(36, 36, 0.9, np.inf)[0]) < 0.05 < float(share.p_values(35, 35, 0.9, np.inf)[0])


def test_equal_up_to_rounding_is_equal() -> None:
    first, second = np.array([0.972, 0.961, 0.955]), np.array([0.952, 0.941, 0.935])
    assert np.ptp(first - second) > 0
    assert student.constant(first - second, first, second)
    assert not student.constant(first - second)
    assert np.isnan(student.contrast(first, second, paired=True).error)
    assert [float(tail) for tail in comparison.p_values(first, second, 0.0, np.inf, paired=True)] == [1, 1]
    # many data sets at once, of which one has no spread
    sets = np.stack([first, first + np.array([0, 0, 0.001])])
    assert list(np.isnan(student.contrast(sets, np.stack([second] * 2), paired=True).error)) == [True, False]


def test_a_time_is_known_as_far_as_its_own_training_goes() -> None:
    times = np.full(10, np.inf)
    holds, fails = reached_by.p_values(times, np.array([100.0] + [10.0] * 9), 0.0, 50.0)
    assert (float(holds), float(fails)) == (1, 1)
    holds, fails = reached_by.p_values(times, np.array([100.0] * 9 + [10.0]), 0.0, 50.0)
    assert float(fails) == pytest.approx(2 * stats.binomtest(9, 10, alternative="greater").pvalue)


@pytest.mark.parametrize(
    ("names", "brief"),
    [
        (["learning rate 0.1", "learning rate 0.01"], ["learning rate 0.1", "0.01"]),
        (["model 10", "model 1", "deep"], ["model 10", "model 1", "deep"]),
        (["CNN 1", "CNN 1 with dropout"], ["CNN 1", "1 with dropout"]),
        (["same", "same"], ["same", "same"]),
    ],
)
def test_names_that_begin_alike_are_said_briefly(names: list[str], brief: list[str]) -> None:
    assert briefly(names) == brief
