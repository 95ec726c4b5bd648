"""Simulated truth: no rule gives a false verdict in more than one data set of twenty, and each decides something."""

from math import sqrt

import pytest

from benchmarks.verdicts import NOISES, PAGE, REPLICATES, SIMULATIONS, data_sets, false_verdicts, power, rates
from conftest import ROOT
from hwcore.claims.rule import LEVEL
from hwcore.claims.spec import RULES


@pytest.mark.parametrize("rule", SIMULATIONS)
@pytest.mark.parametrize("noise", NOISES)
def test_false_verdicts_are_rare(rule: str, noise: str) -> None:
    for n in REPLICATES:
        sets = data_sets(rule, n)
        # twice the standard error of a share of one in twenty
        allowed = LEVEL + 2 * sqrt(LEVEL * (1 - LEVEL) / sets)
        holds, fails = rates(rule, noise, n, 0.0, sets)
        assert max(holds, fails) <= allowed, (n, holds, fails)


@pytest.mark.parametrize("rule", SIMULATIONS)
def test_a_large_effect_is_seen(rule: str) -> None:
    found = [rates(rule, "normal", n, 3.0, 300)[0] for n in (3, 10, 100)]
    assert found == sorted(found)
    assert found[-1] > 0.8, found


def test_every_rule_by_chance_is_simulated() -> None:
    simulated = {name.partition(",")[0].partition(" ")[0] for name in SIMULATIONS}
    assert simulated == {name for name, rule in RULES.items() if rule.by_chance}


def test_the_tables_of_the_docs_are_those_of_the_command() -> None:
    """Their numbers are random, but their seed is not."""
    lines = (ROOT / PAGE).read_text().splitlines()
    for rule in SIMULATIONS:
        assert len([line for line in lines if line.startswith(f"| {rule} |")]) == 2, rule
    assert false_verdicts("threshold") in lines
    assert power("comparison") in lines
