from collections import Counter

import pytest

from benchmarks.search_cost.plan import Scope, plan, quick, spread
from benchmarks.search_cost.suites import SUITES, held_out_by_family, problems_of
from tests.benchmarks.search_cost.cases import bump


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "abcde"), (9, "abcde"), (2, "ac"), (1, "a"), (5, "abcde")]
)
def test_spread(count, expected):
    assert "".join(spread("abcde", count)) == expected


def test_families_are_held_out_whole():
    cases = [bump(1, f"w/{family}/{n}") for family in ("a", "b") for n in range(2)]
    problems = held_out_by_family(cases)
    assert [problem.case for problem in problems] == cases
    for problem in problems:
        assert {case.family for case in problem.training} == {"a", "b"} - {problem.case.family}


@pytest.mark.parametrize("suite", ["open-source/1", "production/1"])
def test_training_services_are_not_test_services(suite):
    problems = problems_of(suite).values()
    tested = {problem.case.service for problem in problems}
    for problem in problems:
        assert tested.isdisjoint(case.service for case in problem.training)
    assert (len(tested), len(problem.training)) == {"o": (32, 10), "p": (25, 5)}[suite[0]]


def test_every_run_is_planned_once():
    keys = list(plan(Scope(["production/1"], ["gp", "random"], num_seeds=2)))
    conditions = SUITES["production/1"].conditions
    assert len(set(keys)) == len(keys) == 25 * 2 * 2 * len(conditions)


def test_slow_methods_come_last_and_do_less():
    keys = list(plan(Scope(["production/1"], ["gp", "skopt"])))
    slow = [key for key in keys if key.method == "skopt"]
    assert keys[-len(slow) :] == slow
    # 8 services in the plain condition, 4 with noise, none from given points; 3 seeds.
    assert Counter((key.setup.noise, key.setup.start) for key in slow) == {
        (0.0, "none"): 8 * 3,
        (0.03, "none"): 4 * 3,
    }
    assert {key.setup.cap for key in slow} == {60}
    assert {key.case for key in slow} <= {key.case for key in keys if key.method == "gp"}


def test_slow_methods_skip_most_suites():
    suites = ["open-source/1", "open-source-off/1"]
    keys = list(plan(Scope(suites, ["gp", "skopt"], num_cases=2)))
    assert {key.suite for key in keys if key.method == "skopt"} == {"open-source/1"}
    assert {key.suite for key in keys if key.method == "gp"} == set(suites)


def test_slow_methods_do_half_of_a_second_objective():
    keys = list(plan(Scope(["open-source/2"], ["skopt"])))
    assert len(keys) == len(set(keys)) == 4 * 3


def test_quick_is_a_part_of_everything():
    scope = Scope(["production/1"], ["gp", "skopt"], slow_cap=20)
    few = set(plan(quick(scope)))
    assert len(few) == 6 + 2
    assert {key for key in few if key.method == "gp"} <= set(plan(scope))
